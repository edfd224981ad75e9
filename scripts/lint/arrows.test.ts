import { expect, test } from 'vitest';
import { brokenArrows } from './arrows.ts';

/** Each of these must be reported; a rule without a row here could be deleted unnoticed. */
const violations: [what: string, file: string, text: string, complaint: RegExp][] = [
  ['a node module outside the doors', 'packages/protocol/src/frost/sign.ts', `import fs from 'node:fs';`, /door/],
  [
    'the same without its prefix',
    'packages/storage/src/keys/keys.ts',
    `import { readFile } from 'fs/promises';`,
    /door/,
  ],
  ['the same as a dynamic import', 'packages/node/src/policy/rules.ts', `await import("node:os")`, /door/],
  ['the same as a type', 'packages/node/src/policy/rules.ts', `import type { Socket } from 'node:net';`, /door/],
  [
    'a package above',
    'packages/protocol/src/index.ts',
    `import { Store } from '@quorate/storage';`,
    /arrows point down/,
  ],
  [
    'a package above, re-exported',
    'packages/storage/src/index.ts',
    `export * from '@quorate/node';`,
    /arrows point down/,
  ],
  ['a package by path', 'packages/node/src/main.ts', `import '../../protocol/src/bytes.ts';`, /leaves the package/],
  [
    'a room above',
    'packages/protocol/src/groups/ed25519.ts',
    `import { x } from '../wire/codec.ts';`,
    /arrows point down/,
  ],
  [
    'a room above, in storage',
    'packages/storage/src/sealing/record.ts',
    `import '../keys/epoch.ts';`,
    /arrows point down/,
  ],
  [
    'a room above, over lines',
    'packages/node/src/http/a.ts',
    `import {\n  a,\n} from '../cli/b.ts';`,
    /arrows point down/,
  ],
  ['the native twins', 'packages/protocol/src/groups/group.ts', `import '../../native/index.ts';`, /injected/],
  ['a room without a place', 'packages/node/src/utils/a.ts', `import '../errors.ts';`, /room utils has no place/],
  ['from a room without a place', 'packages/node/src/http/a.ts', `import '../utils/a.ts';`, /room utils has no place/],
  ['a curve outside groups', 'packages/protocol/src/frost/a.ts', `import '@noble/curves/ed25519.js';`, /only .*groups/],
  ['a hash outside primitives', 'packages/protocol/src/a.ts', `import '@noble/hashes/sha2.js';`, /only .*primitives/],
  ['a cipher outside primitives', 'packages/storage/src/sealing/a.ts', `import '@noble/ciphers/aes.js';`, /primitives/],
  ['base58 outside derivation', 'packages/node/src/ceremonies/a.ts', `import '@scure/base';`, /only .*derivation/],
  ['libsodium outside native', 'packages/protocol/src/groups/a.ts', `import 'sodium-native';`, /only .*native/],
  ['libp2p outside network', 'packages/node/src/ceremonies/a.ts', `import 'libp2p';`, /only .*network/],
  ['a libp2p package', 'packages/node/src/main.ts', `import { noise } from '@libp2p/noise';`, /only .*network/],
  ['a multiaddr', 'packages/node/src/config/a.ts', `import '@multiformats/multiaddr';`, /only .*network/],
  ['LevelDB', 'packages/storage/src/keys/a.ts', `import { Level } from 'level';`, /only .*database/],
  ['its engine', 'packages/storage/src/ledger/a.ts', `import 'classic-level';`, /only .*database/],
  ['fastify', 'packages/node/src/cli/a.ts', `import 'fastify';`, /only .*http/],
  ['commander', 'packages/node/src/main.ts', `import 'commander';`, /only .*cli/],
  ['pino', 'packages/node/src/main.ts', `import 'pino';`, /only .*observe/],
  ['yaml', 'packages/node/src/http/a.ts', `import 'yaml';`, /only .*config/],
  ['zod', 'packages/node/src/network/a.ts', `import 'zod';`, /only .*config.*http.*intents/],
  ['a library unheard of', 'packages/node/src/http/a.ts', `import 'left-pad';`, /no seam/],
  ['elliptic', 'packages/node/src/network/a.ts', `import 'elliptic';`, /banned/],
  ['elliptic in a test', 'test/five-nodes.test.ts', `import { ec } from 'elliptic/lib/elliptic.js';`, /banned/],
];

test.each(violations)('reports %s', (_, file, text, complaint) => {
  const found = brokenArrows(file, `// a line before\n${text}\n`);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(complaint);
  expect(found[0]).toContain(file);
});

test.each([
  ['packages/protocol/src/frost/sign.ts', `import { Secret } from '../secret.ts';\nimport './messages.ts';`],
  ['packages/protocol/native/index.ts', `import 'node:crypto';\nimport 'sodium-native';\nimport '@quorate/protocol';`],
  ['packages/storage/src/database.ts', `import 'node:fs/promises';\nimport 'level';\nimport '@quorate/protocol';`],
  ['packages/node/src/network/host.ts', `import '@libp2p/noise';\nimport 'node:net';\nimport '../clock.ts';`],
  ['packages/node/src/main.ts', `import '@quorate/storage';\nimport './http/server.ts';\nimport 'node:process';`],
  ['packages/protocol/src/dkg/dkg.test.ts', `import '../simulation/index.ts';\nimport 'node:fs';`],
  ['scripts/demo.ts', `import 'node:fs';\nimport '@quorate/node';`],
])('accepts what %s may import', (file, text) => {
  expect(brokenArrows(file, text)).toEqual([]);
});
