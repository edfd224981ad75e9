/** One check taken away: some test must fail without it. */
export interface Mutant {
  /** From the root of the repository. */
  readonly file: string;
  /** Occurs exactly once in the file, so that a list cannot rot in silence. */
  readonly find: string;
  readonly replace: string;
  /** One of these must fail: paths from the root. */
  readonly tests: readonly string[];
  /** What the check keeps from happening. */
  readonly why: string;
}

/** What a mutant says apart from where it is. */
export type Cut = readonly [find: string, replace: string, why: string];

/** The cuts of one file, all noticed by the same tests beside it. */
export function cuts(folder: string, file: string, tests: readonly string[], list: readonly Cut[]): readonly Mutant[] {
  return list.map(([find, replace, why]) => ({
    file: `${folder}/${file}`,
    find,
    replace,
    tests: tests.map((test) => `${folder}/${test}`),
    why,
  }));
}

/** @throws {Error} unless what the mutant replaces occurs exactly once in `text` */
export function mutate(text: string, { file, find, replace }: Pick<Mutant, 'file' | 'find' | 'replace'>): string {
  const count = text.split(find).length - 1;
  if (count !== 1) throw new Error(`${file}: found ${count} times instead of once: ${find}`);
  return text.replace(find, () => replace);
}
