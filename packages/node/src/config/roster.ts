import type { Clock } from '../clock.ts';
import { type Files, FileUnreadable, systemFiles } from '../files.ts';
import { limits } from '../limits.ts';
import type { Roster } from '../network/roster.ts';
import { ConfigError, conform, readDocument } from './document.ts';
import { rosterSchema } from './schema.ts';

/** @param file its name in error messages @throws {ConfigError} `roster-invalid` */
export function parseRoster(text: string, file: string): Roster {
  return conform(readDocument(text, file, 'roster-invalid'), rosterSchema, 'roster-invalid');
}

/** @throws {ConfigError} `roster-invalid` */
export function loadRoster(path: string, files: Pick<Files, 'read'> = systemFiles): Roster {
  return parseRoster(readText(path, 'roster-invalid', files), path);
}

/** `init` makes a node's configuration; the roster is put together by people. */
const remedies = {
  'config-invalid': '`quorate init` makes one',
  'roster-invalid': 'write one: `members:` and under it the line that `quorate init` printed on each node',
} as const;

/** The content of a configuration file as text. @throws {ConfigError} with `code` */
export function readText(path: string, code: 'config-invalid' | 'roster-invalid', files: Pick<Files, 'read'>): string {
  const refuse = (problem: string, remedy: string): ConfigError =>
    new ConfigError(code, [{ file: path, line: 0, column: 0, problem, remedy }]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(files.read(path, limits.configFileBytes));
  } catch (error) {
    if (error instanceof FileUnreadable) throw refuse(error.reason, remedies[code]);
    throw refuse('it is not UTF-8 text', 'save it as UTF-8');
  }
}

/** What became of the roster file: the new roster, or why it was not taken (the old one stays). */
export type RosterChange = { readonly roster: Roster } | { readonly error: ConfigError };

/** Looks at the file every few seconds and reports each change of it once. @returns a stop function */
export function watchRoster(
  path: string,
  clock: Clock,
  changed: (change: RosterChange) => void,
  files: Pick<Files, 'read' | 'stamp'> = systemFiles,
): () => void {
  let seen = files.stamp(path);
  let cancel = clock.after(limits.rosterPoll, look);
  function look(): void {
    cancel = clock.after(limits.rosterPoll, look);
    const stamp = files.stamp(path);
    if (stamp === seen) return;
    seen = stamp;
    changed(attempt());
  }
  function attempt(): RosterChange {
    try {
      return { roster: loadRoster(path, files) };
    } catch (error) {
      if (error instanceof ConfigError) return { error };
      throw error;
    }
  }
  return () => cancel();
}
