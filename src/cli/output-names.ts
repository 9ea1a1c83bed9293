// File names for outputs. A name from a model is used only if it is harmless on every file system and unlike the
// others; else the file is output_N.npy, as generated executables do it.

const longest = 100;

const isHarmless = (name: string): boolean => name.length <= longest && /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name);
/** Stands for output N alone, whatever the names are. */
const isReplacement = (name: string): boolean => /^output_\d*$/i.test(name);

export function outputFileNames(names: readonly string[]): readonly string[] {
  const lower = names.map((name) => name.toLowerCase());
  return names.map((name, position) => {
    // File systems that ignore case must not let one output replace another.
    const unique = lower.indexOf(lower[position]!) === position;
    return isHarmless(name) && !isReplacement(name) && unique ? `${name}.npy` : `output_${position}.npy`;
  });
}
