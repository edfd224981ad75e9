// The house in tables: which room may import which, who may touch the outside, where each library is let in.
// arrows.ts checks imports against it, oxlint.config.ts globals. A new room or library gets its place here first.

/** Packages, lowest first: one may import those before it, by name. */
export const packages = ['protocol', 'storage', 'node'] as const;

/**
 * The rooms of each package, lowest first: a room may import the rows before its own, and its neighbours in the row
 * (oxlint's import/no-cycle keeps neighbours from importing each other in a circle).
 */
export const rooms: Record<(typeof packages)[number], readonly (readonly string[])[]> = {
  protocol: [
    ['bytes.ts', 'errors.ts', 'limits.ts', 'secret.ts', 'primitives', 'tags.ts', 'transcript.ts', 'random.ts'],
    ['groups'],
    ['wire'],
    ['protocol.ts'],
    ['sharing'],
    ['proofs'],
    ['session'],
    ['keys.ts', 'schemes.ts'],
    ['activation'],
    ['derivation'],
    ['frost'],
    ['dealing'],
    ['dkg', 'renewal'],
    ['dkls23'],
    ['simulation'],
    ['index.ts'],
  ],
  storage: [
    ['errors.ts', 'limits.ts', 'tags.ts'],
    [
      'annex.ts',
      'annex-files.ts',
      'store.ts',
      'memory.ts',
      'turns.ts',
      'tables.ts',
      'database-files.ts',
      'database.ts',
    ],
    ['sealing'],
    ['keys', 'ledger', 'audit', 'objects'],
    ['doctor.ts', 'lost-counter.ts'],
    ['index.ts'],
  ],
  node: [
    ['errors.ts', 'limits.ts', 'tags.ts', 'clock.ts', 'entropy.ts', 'files.ts', 'process.ts', 'tools.ts', 'version.ts'],
    ['observe'],
    ['network'],
    ['config'],
    ['home.ts'],
    ['intents'],
    ['policy'],
    ['service.ts'],
    ['ceremony-words.ts', 'fail-stop.ts'],
    ['coordination', 'standing', 'stock'],
    ['ceremonies'],
    ['audit-page.ts', 'warnings.ts'],
    ['node.ts'],
    ['http'],
    ['cli'],
    ['worker.ts', 'main.ts'],
    ['index.ts'],
  ],
};

/** The only places that may import `node:*`, set a timer, or read a date, entropy or the environment. A folder ends in `/`. */
export const doors: readonly string[] = [
  'packages/protocol/native/',
  'packages/storage/src/annex-files.ts',
  'packages/storage/src/database.ts',
  'packages/storage/src/database-files.ts',
  'packages/storage/src/sealing/passphrase.ts',
  'packages/storage/src/sealing/keyfile.ts',
  'packages/storage/src/objects/',
  'packages/node/src/main.ts',
  'packages/node/src/worker.ts',
  'packages/node/src/clock.ts',
  'packages/node/src/entropy.ts',
  'packages/node/src/files.ts',
  'packages/node/src/process.ts',
  'packages/node/src/network/',
  'packages/node/src/http/',
  'packages/node/src/cli/',
  'packages/node/src/ceremonies/worker/',
];

/** One place per outside library. A name that ends in `/` stands for the whole scope. */
export const seams: readonly { readonly library: string; readonly rooms: readonly string[] }[] = [
  // signatures.ts: the nodes' own Ed25519 keys, which no threshold protocol touches.
  {
    library: '@noble/curves',
    rooms: ['packages/protocol/src/groups/', 'packages/protocol/src/primitives/signatures.ts'],
  },
  { library: '@noble/hashes', rooms: ['packages/protocol/src/primitives/'] },
  { library: '@noble/ciphers', rooms: ['packages/protocol/src/primitives/'] },
  { library: '@scure/base', rooms: ['packages/protocol/src/derivation/'] },
  { library: 'sodium-native', rooms: ['packages/protocol/native/'] },
  { library: 'level', rooms: ['packages/storage/src/database.ts'] },
  { library: 'classic-level', rooms: ['packages/storage/src/database.ts'] },
  { library: 'libp2p', rooms: ['packages/node/src/network/'] },
  { library: '@libp2p/', rooms: ['packages/node/src/network/'] },
  { library: '@multiformats/', rooms: ['packages/node/src/network/'] },
  { library: 'fastify', rooms: ['packages/node/src/http/'] },
  { library: 'commander', rooms: ['packages/node/src/cli/'] },
  { library: 'pino', rooms: ['packages/node/src/observe/'] },
  { library: 'yaml', rooms: ['packages/node/src/config/'] },
  { library: 'zod', rooms: ['packages/node/src/config/', 'packages/node/src/http/', 'packages/node/src/intents/'] },
];

/** Libraries that nothing may import, not even a test: elliptic's signatures leaked keys more than once. */
export const banned: readonly string[] = ['elliptic'];
