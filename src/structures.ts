// Numbers for structures: equal lists get equal numbers, so that comparing large things costs no more than comparing
// small ones. A list begins with an atom; its other members are atoms or lists.

export interface Structures {
  /** The number of a word or value. */
  atom(value: string | number | bigint | boolean): number;
  /** The number of a list. */
  list(head: number, members: readonly number[]): number;
}

/** More numbers than a Map holds; two of them fit into the 53 bits of a double. */
const shift = 2 ** 26;

export function structures(): Structures {
  let next = 0;
  const atoms = new Map<unknown, number>();
  const pairs = new Map<number, number>();
  // A list is its head paired with its first member, that with the second …: no two lists are the same pair.
  const pair = (left: number, right: number): number => {
    const key = left * shift + right;
    let number = pairs.get(key);
    if (number === undefined) {
      number = next++;
      pairs.set(key, number);
    }
    return number;
  };
  return {
    atom: (value) => {
      // To a Map the two zeros are one.
      const key = Object.is(value, -0) ? '-0' : value;
      let number = atoms.get(key);
      if (number === undefined) {
        number = next++;
        atoms.set(key, number);
      }
      return number;
    },
    list: (head, members) => {
      let number = head;
      for (const member of members) number = pair(number, member);
      return number;
    },
  };
}
