import { ascii, hash } from '@quorate/protocol';
import type { z } from 'zod';
import { type Files, pathFrom, systemFiles } from '../files.ts';
import { limits } from '../limits.ts';
import { tags } from '../tags.ts';
import { ConfigError, conform, type Document, readDocument } from './document.ts';
import type { ConfigFile } from './file.ts';
import { readText } from './roster.ts';
import { configSchema, overridable } from './schema.ts';

/** The configuration in force, every path resolved. */
export interface Config extends ConfigFile {
  readonly admin: string;
  /** 32 bytes: hash of the network's name. */
  readonly networkId: Uint8Array;
}

/** What environment and command line may override: the text that was given for each. */
export type Overrides = { readonly [K in keyof typeof overridable]?: string | undefined };

/** The environment's variable of each. */
const variables: { readonly [K in keyof typeof overridable]: string } = {
  data: 'QUORATE_DATA',
  roster: 'QUORATE_ROSTER',
  admin: 'QUORATE_ADMIN',
  listen: 'QUORATE_LISTEN',
  logLevel: 'QUORATE_LOG_LEVEL',
  sessionTimeout: 'MPC_SESSION_TIMEOUT',
  threshold: 'MPC_THRESHOLD',
  participants: 'MPC_TOTAL_PARTICIPANTS',
};

/** The network id of a network's name, 32 bytes. */
export function networkIdOf(network: string): Uint8Array {
  return hash(tags.network, ascii(network));
}

/**
 * The configuration: flag over environment over file over default. Relative paths start at the file's folder when the
 * file says them, at the working folder when flag or environment does.
 * @param env as `process.env`; read are `MPC_THRESHOLD`, `MPC_TOTAL_PARTICIPANTS`, `MPC_SESSION_TIMEOUT` (seconds),
 *   `QUORATE_DATA`, `QUORATE_ROSTER`, `QUORATE_ADMIN`, `QUORATE_LISTEN` (comma-separated), `QUORATE_LOG_LEVEL`
 * @throws {ConfigError} `config-invalid`
 */
export function loadConfig(
  path: string,
  env: Readonly<Record<string, string | undefined>> = {},
  flags: Overrides = {},
  files: Pick<Files, 'read'> = systemFiles,
): Config {
  const fromEnv = Object.fromEntries(
    Object.entries(variables).map(([key, variable]) => [key, env[variable] || undefined]),
  );
  return configure(readDocument(readText(path, 'config-invalid', files), path, 'config-invalid'), path, {
    ...read(fromEnv, (key) => variables[key]),
    ...read(flags, (key) => `--${key.replace(/[A-Z]/g, '-$&').toLowerCase()}`),
  });
}

/** As {@link loadConfig} without environment or flags. @param file its path: relative paths start at its folder */
export function parseConfig(text: string, file: string): Config {
  return configure(readDocument(text, file, 'config-invalid'), file, {});
}

type Overridden = { -readonly [K in keyof typeof overridable]?: z.output<(typeof overridable)[K]> };

/** The values that texts stand for. @param source what a problem names: a variable or a flag @throws {ConfigError} */
function read(texts: Overrides, source: (key: keyof typeof overridable) => string): Overridden {
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(overridable) as (keyof typeof overridable)[]) {
    const text = texts[key];
    if (text === undefined) continue;
    const result = overridable[key].safeParse(text);
    if (result.success) {
      out[key] = result.data;
      continue;
    }
    const [problem = '', remedy = 'correct it'] = (result.error.issues[0]?.message ?? '').split('; ');
    throw new ConfigError('config-invalid', [{ file: source(key), line: 0, column: 0, problem, remedy }]);
  }
  return out;
}

function configure(document: Document, file: string, given: Overridden): Config {
  const written = conform(document, configSchema, 'config-invalid');
  const threshold = given.threshold ?? written.threshold;
  const participants = given.participants ?? written.participants;
  if (threshold !== undefined && participants !== undefined && threshold > participants) {
    throw new ConfigError('config-invalid', [
      document.problemAt(
        ['threshold'],
        `threshold ${threshold} of ${participants} parties`,
        'let at most all of them sign',
      ),
    ]);
  }
  const data = given.data ?? pathFrom(file, written.data);
  const admin =
    given.admin ?? (written.admin === undefined ? pathFrom(`${data}/.`, 'admin.sock') : pathFrom(file, written.admin));
  if (new TextEncoder().encode(admin).length > limits.socketPathBytes) {
    throw new ConfigError('config-invalid', [
      document.problemAt(
        ['admin'],
        `the socket path ${admin} is longer than the system allows`,
        'set admin to a shorter path',
      ),
    ]);
  }
  return {
    ...written,
    data,
    admin,
    roster: given.roster ?? pathFrom(file, written.roster),
    listen: given.listen ?? written.listen,
    log: { level: given.logLevel ?? written.log.level },
    sessionTimeout: given.sessionTimeout ?? written.sessionTimeout,
    threshold,
    participants,
    root:
      'keyFile' in written.root
        ? { keyFile: pathFrom(file, written.root.keyFile) }
        : { passphraseFile: pathFrom(file, written.root.passphraseFile) },
    networkId: networkIdOf(written.network),
  };
}
