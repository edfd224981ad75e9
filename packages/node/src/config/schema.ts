import { z } from 'zod';
import { pathFrom } from '../files.ts';
import { limits } from '../limits.ts';
import { isRange, parseAddress } from '../network/address.ts';
import { publicKeyOf } from '../network/identity.ts';
import type { Roster } from '../network/roster.ts';
import type { LogLevel } from '../observe/log.ts';
import type { ConfigFile } from './file.ts';

// Messages read `problem; remedy`: config/document.ts splits them.

/** Names of nodes, keys, clients and purposes: never a path, a wildcard, or two spellings of one thing. */
const name = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/,
    'not a name; use 1 to 63 of a-z, 0-9, hyphen, dot, underscore, e.g. alice-2',
  );

const glob = z
  .string()
  .regex(/^[a-z0-9._*-]{1,64}$/, 'not a pattern; use a name in which * stands for any characters, e.g. treasury-*');

const path = z.string().min(1, 'empty; give a path, relative ones start at the folder of this file');

const address = z
  .string()
  .refine(
    (text) => parseAddress(text) !== undefined,
    'not an address; write /ip4/<address>/tcp/<port>, or ip6, dns4, dns6 for ip4',
  );

const listenAddress = address.refine(
  (text) => parseAddress(text)?.peer === undefined,
  'names a peer; leave out /p2p/…: one listens as oneself',
);

const listen = z.array(listenAddress).min(1, 'empty; name an address to listen on');

const range = z
  .string()
  .refine(isRange, 'not an address range; write an IP address or a CIDR range, e.g. 10.0.0.0/8, IPv4 as IPv4');

const peer = z.string().superRefine((text, context) => {
  try {
    publicKeyOf(text);
  } catch {
    context.addIssue({
      code: 'custom',
      message: 'not an Ed25519 PeerId; `quorate init` on that node prints it (12D3KooW…)',
    });
  }
});

const publicKey = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'not a public key; give the 64 lower-case hex digits that `quorate client` prints');

const level = z.enum(
  ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
  'not a level; use trace, debug, info, warn, error or fatal',
);

const decision = z.enum(['auto', 'ask', 'deny']);

const root = z.union(
  [z.strictObject({ keyFile: path }), z.strictObject({ passphraseFile: path })],
  'not a source of the root key; write {keyFile: <path>} or {passphraseFile: <path>}',
);

const client = z.strictObject({
  name,
  publicKey,
  rights: z
    .array(
      z.strictObject({
        keys: z.array(glob).min(1, 'empty; name the keys, or remove the right'),
        purposes: z.array(glob).min(1, "empty; name the purposes, or ['*']"),
        actions: z.array(z.enum(['sign', 'sign-raw'])).min(1, 'empty; name the actions, or remove the right'),
      }),
    )
    .default([]),
});

const seconds = z
  .int('not a whole number; give seconds')
  .min(5, 'too short; a session needs 5 seconds at least')
  .max(3_600, 'too long; a session gets 3600 seconds at most');

const interval = z
  .int('not a whole number; give seconds')
  .refine(
    (value) => value === 0 || (value >= 60 && value <= 31_536_000),
    'not an interval; give 60 to 31536000 seconds between refreshes of a key, or 0 for none',
  );

const party = z
  .int('not a whole number; give a number of parties')
  .min(2, 'too few; at least 2')
  .max(100, 'too many; at most 100');

const presignatures = z
  .int('not a whole number; give a number of presignatures')
  .min(0, 'negative; 0 makes none')
  .max(limits.presignaturesPerKey, `too many; at most ${limits.presignaturesPerKey} per key`);

/** `node.yaml`. */
export const configSchema: z.ZodType<ConfigFile> = z.strictObject({
  name,
  network: name,
  data: path.default('.'),
  roster: path.default('roster.yaml'),
  admin: path.optional(),
  listen: listen.default(['/ip4/0.0.0.0/tcp/4001']),
  root,
  clients: z.array(client).superRefine(distinct('name', 'publicKey')).default([]),
  accept: z
    .strictObject({ default: decision.default('ask'), proposers: z.record(name, decision).default({}) })
    .prefault({}),
  purposes: z.array(glob).default(['*']),
  export: z.enum(['enabled', 'disabled'], 'not a choice; use enabled or disabled').default('disabled'),
  pins: z
    .record(
      z.string(),
      z
        .string()
        .regex(
          /^(?:0[23])?[0-9a-f]{64}$/,
          'not a public key; give the hex digits that `quorate keys show` prints on a node that holds the key',
        ),
    )
    .default({}),
  sessionTimeout: seconds.default(60),
  refreshInterval: interval.default(86_400),
  threshold: party.optional(),
  participants: party.optional(),
  // One: whoever makes keys in a row waits for the work anyway, and it is 5 s of it at the start of each of five nodes.
  stock: z
    .int('not a whole number; give a number of keygens')
    .min(0, 'negative; 0 makes nothing ahead')
    .max(limits.stockDepth, `too many; at most ${limits.stockDepth}`)
    .default(1),
  presignatures: presignatures.default(limits.presignaturesByDefault),
  limits: z
    .strictObject({
      peerBytesPerSecond: z.int().min(65_536, 'too low; a ceremony needs 65536').default(limits.peerBytesPerSecond),
      peerFramesPerSecond: z.int().min(50, 'too low; a ceremony needs 50').default(limits.peerFramesPerSecond),
    })
    .prefault({}),
  log: z.strictObject({ level: level.default('info') }).prefault({}),
});

/** What environment and command line may override, from text. */
const whole = z
  .string()
  .regex(/^\d{1,9}$/, 'not a whole number; give digits')
  .transform(Number);
const typedPath = path.transform((text) => pathFrom('./.', text));
export const overridable: {
  readonly data: z.ZodType<string>;
  readonly roster: z.ZodType<string>;
  readonly admin: z.ZodType<string>;
  readonly listen: z.ZodType<readonly string[]>;
  readonly logLevel: z.ZodType<LogLevel>;
  readonly sessionTimeout: z.ZodType<number>;
  readonly threshold: z.ZodType<number>;
  readonly participants: z.ZodType<number>;
} = {
  data: typedPath,
  roster: typedPath,
  admin: typedPath,
  listen: z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(listen),
  logLevel: level,
  sessionTimeout: whole.pipe(seconds),
  threshold: whole.pipe(party),
  participants: whole.pipe(party),
};

const member = z
  .strictObject({
    name,
    peer,
    addresses: z.array(address).min(1, 'empty; name an address, e.g. /ip4/192.0.2.1/tcp/4001'),
    region: name.optional(),
    allow: z.array(range).min(1, 'empty; list ranges, or remove it to admit this peer from anywhere').optional(),
  })
  .superRefine(({ peer: expected, addresses }, context) => {
    for (const [index, text] of addresses.entries()) {
      const named = parseAddress(text)?.peer;
      if (named === undefined || named === expected) continue;
      context.addIssue({
        code: 'custom',
        path: ['addresses', index],
        message: 'names another peer; correct the PeerId, or leave out /p2p/…',
      });
    }
  });

/** `roster.yaml`. */
export const rosterSchema: z.ZodType<Roster> = z.strictObject({
  members: z
    .array(member)
    .max(limits.members, `too many members; at most ${limits.members}`)
    .superRefine(distinct('name', 'peer')),
});

/** Refuses two items that agree in one of `fields`. */
function distinct<K extends string>(...fields: readonly K[]) {
  return (items: readonly Record<K, unknown>[], context: z.core.$RefinementCtx): void => {
    for (const field of fields) {
      const seen = new Set<unknown>();
      for (const [index, item] of items.entries()) {
        if (seen.has(item[field])) {
          context.addIssue({
            code: 'custom',
            path: [index, field],
            message: `appears twice; give each its own ${field}`,
          });
        }
        seen.add(item[field]);
      }
    }
  };
}
