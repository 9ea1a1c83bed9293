// Small functions and types that generated C may need. Each is pasted into a file once, and only where it is used,
// after those that it needs itself.

export interface Helper {
  readonly name: string;
  readonly needs?: readonly Helper[];
  /** Headers without their brackets. */
  readonly headers?: readonly string[];
  /** Complete C text, ending in a newline; empty where the name comes from a header. */
  readonly text: string;
}

export interface Helpers {
  /** Remembers the helper and gives its name. */
  use(helper: Helper): string;
  useHeader(name: string): void;
  /** `#include` lines, sorted. */
  includes(): string;
  text(): string;
}

export function helpers(): Helpers {
  const used = new Map<string, string>();
  const headers = new Set<string>(['stddef.h', 'stdint.h']);
  const use = (helper: Helper): string => {
    if (!used.has(helper.name)) {
      for (const needed of helper.needs ?? []) use(needed);
      for (const header of helper.headers ?? []) headers.add(header);
      used.set(helper.name, helper.text);
    }
    return helper.name;
  };
  return {
    use,
    useHeader: (name) => {
      headers.add(name);
    },
    includes: () =>
      [...headers]
        .sort()
        .map((name) => `#include <${name}>\n`)
        .join(''),
    text: () => [...used.values()].join(''),
  };
}
