// Which identifiers generated C must not use, and string literals: the only two ways for a model's text into a C file.

import { identifiers } from '../identifiers.ts';

const keywords = `
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept bitand bitor bool catch char16_t char32_t
char8_t class co_await co_return co_yield compl concept const_cast consteval constexpr constinit decltype delete
dynamic_cast explicit export false friend module mutable namespace new noexcept not not_eq nullptr operator or or_eq
private protected public reflexpr reinterpret_cast requires static_assert static_cast synchronized template this
thread_local throw true try typeid typename typeof typeof_unqual using virtual wchar_t xor xor_eq asm fortran
`;

/** Macros of common headers, of old compilers and of Arduino, and library functions that compilers know. */
const takenNames = `
NULL EOF BUFSIZ NAN INFINITY HUGE_VAL HUGE_VALF HUGE_VALL I SIGINT EDOM ERANGE EILSEQ errno stdin stdout stderr assert
offsetof va_arg va_end va_list va_start setjmp main near far huge interface linux unix i386 vax sun min max small hyper
signal isnan isinf isfinite isnormal signbit fpclassify complex imaginary noreturn alignas alignof kill_dependency
INT8_MIN INT8_MAX INT16_MIN INT16_MAX INT32_MIN INT32_MAX INT64_MIN INT64_MAX UINT8_MAX UINT16_MAX UINT32_MAX
UINT64_MAX SIZE_MAX PTRDIFF_MIN PTRDIFF_MAX CHAR_BIT INT_MAX INT_MIN LONG_MAX LONG_MIN FLT_MAX FLT_MIN DBL_MAX DBL_MIN
M_PI M_E PI HALF_PI TWO_PI DEG_TO_RAD RAD_TO_DEG EULER HIGH LOW INPUT OUTPUT INPUT_PULLUP LED_BUILTIN SERIAL DISPLAY
LSBFIRST MSBFIRST CHANGE FALLING RISING DEFAULT EXTERNAL INTERNAL F A0 A1 A2 A3 A4 A5 A6 A7 B0 B1 B00 B01 B10 B11 B000
B001 B010 B011 B100 B101 B110 B111 abs round sq bit word boolean byte constrain radians degrees interrupts noInterrupts
OK FALSE TRUE ERROR CONST VOID IN OUT OPTIONAL DELETE TEXT DOMAIN OVERFLOW UNDERFLOW STRICT BIG_ENDIAN LITTLE_ENDIAN
j0 j1 jn y0 y1 yn gamma index time exp exp2 expm1 log log2 log10 log1p logb pow sqrt cbrt hypot erf erfc tgamma lgamma
sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh ceil floor trunc nearbyint rint fmod remainder
remquo copysign nextafter fdim fmax fmin fma fabs frexp ldexp modf scalbn ilogb div labs
expf logf powf sqrtf sinf cosf tanf floorf ceilf truncf rintf fmodf fabsf erff tanhf malloc free calloc realloc
memcpy memmove memset memcmp memchr strlen strcpy strcmp strcat printf puts putc getc read write open close exit abort
select random rand srand link pipe y0f status io arena weights memory parallel context begin end
threadIdx blockIdx blockDim gridDim warpSize dim3 errors stream
`;

/** Names that neither a field, a parameter nor a local of generated C may have. */
export const reservedWords: ReadonlySet<string> = new Set(`${keywords} ${takenNames}`.trim().split(/\s+/));

/** One C identifier of at most 24 characters (and a number) for each name, all different, none in `taken`. */
export function cIdentifiers(names: readonly string[], taken: Iterable<string> = []): string[] {
  const short = names.map((name) =>
    name
      .replace(/[^A-Za-z0-9]+/g, '_')
      .replace(/^_+/, '')
      .slice(0, 24),
  );
  return identifiers(short.map(safePrefix), new Set([...reservedWords, ...taken]));
}

/** Our own helpers begin with lap_, and standard types end with _t. */
const safePrefix = (name: string): string => (/^lap_|_t$/i.test(name) ? `x_${name}` : name);

/** A C string literal. Every byte but plain printable ASCII is an octal escape, `?` too (trigraphs). */
export function stringLiteral(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  const escaped = bytes.map((byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9 _.,:;/()[\]+=<>|@~^!&-]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
}
