const words: Readonly<Record<string, string>> = {
  q: 'owner',
  a: 'admin',
  o: 'operator',
  h: 'half-operator',
  v: 'voice',
};

/** The words for modes that members of a room may have, in their order. A mode that has no word is left out. */
export function rolesOf(modes: string): readonly string[] {
  return Array.from(modes).flatMap((mode) => words[mode] ?? []);
}

/** The mode that a word stands for. */
export function modeOfRole(role: string): string | undefined {
  return Object.keys(words).find((mode) => words[mode] === role);
}

/** Every word there is, highest first. */
export const roleNames: readonly string[] = Object.values(words);
