import { createPublicKey, verify as opensslVerify } from 'node:crypto';
import type { FROST, NonceCommitments } from '@noble/curves/abstract/frost.js';
import { ed25519_FROST as nobleEd25519, ed25519 as nobleEdDsa } from '@noble/curves/ed25519.js';
import { secp256k1_FROST as nobleSecp256k1, schnorr_FROST as nobleTaproot, schnorr } from '@noble/curves/secp256k1.js';
import { describe, expect, it } from 'vitest';
import { dealKey } from '../../../../test/support/dealt-key.ts';
import { libsecp256k1 } from '../../../../test/support/verifiers.ts';
import { ascii, concat, toHex, u32 } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import type { Tweak } from '../keys.ts';
import { type Randomness, seeded } from '../random.ts';
import { type Ciphersuite, ed25519Suite, secp256k1Suite, taprootSuite } from './ciphersuite.ts';
import { aggregate, outputKey, prepare, signingKey, signShare, verifyShare } from './frost.ts';
import { commit, type Nonces } from './nonces.ts';
import { verifySignature } from './verify.ts';

const CASES = 40;
const purpose = new Uint8Array(32);

/** As DER, what OpenSSL wants an Ed25519 key to be. */
function opensslKey(publicKey: Uint8Array): ReturnType<typeof createPublicKey> {
  const prefix = Buffer.from('302a300506032b6570032100', 'hex');
  return createPublicKey({ key: Buffer.concat([prefix, publicKey]), format: 'der', type: 'spki' });
}

type PlainVerifier = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

const oracles: readonly (readonly [string, Ciphersuite, FROST, readonly PlainVerifier[]])[] = [
  [
    'ed25519',
    ed25519Suite(ed25519),
    nobleEd25519,
    [
      (key, message, signature) => opensslVerify(null, message, opensslKey(key), signature),
      (key, message, signature) => nobleEdDsa.verify(signature, message, key, { zip215: false }),
    ],
  ],
  ['secp256k1', secp256k1Suite(secp256k1), nobleSecp256k1, []],
  [
    'taproot',
    taprootSuite(secp256k1),
    nobleTaproot,
    [libsecp256k1, (key, message, signature) => schnorr.verify(signature, message, key)],
  ],
];

/** A random key, set of signers and message. */
function draw(
  suite: Ciphersuite,
  seed: number,
): { random: Randomness; threshold: number; parties: number[]; signers: number[]; message: Uint8Array } {
  const random = seeded(concat(ascii(suite.contextString), u32(seed)));
  const below = (limit: number): number => (random.bytes(1)[0] as number) % limit;
  const parties = [...new Set(Array.from({ length: 2 + below(5) }, () => 1 + below(100)))].sort((a, b) => a - b);
  if (parties.length < 2) parties.push(101);
  const threshold = 2 + below(parties.length - 1);
  const signers = [...parties];
  while (signers.length > threshold && below(3) > 0) signers.splice(below(signers.length), 1);
  return {
    random,
    threshold,
    parties,
    signers,
    message: random.bytes(below(200)),
  };
}

describe.each(oracles)('as noble computes %s', (_name, suite, noble, verifiers) => {
  const { group } = suite;
  const id = (party: number): string => noble.Identifier.fromNumber(party);
  const scalar = (value: bigint): string => toHex(group.encodeScalar(value));

  it('shares and signatures are the same, and plain verifiers accept them', () => {
    for (let seed = 0; seed < CASES; seed++) {
      const { random, threshold, parties, signers, message } = draw(suite, seed);
      const { publicPackage, shares } = dealKey({
        group,
        scheme: suite.scheme,
        threshold,
        parties,
        seed: random.bytes(32),
      });
      const nobleKey = {
        signers: { min: threshold, max: parties.length },
        // Noble looks at the constant term only.
        commitments: Array.from({ length: threshold }, () => group.encodePoint(publicPackage.groupKey)),
        verifyingShares: Object.fromEntries(
          publicPackage.verifyingShares.map((point, i) => [id(parties[i] as number), group.encodePoint(point)]),
        ),
      };
      const key = signingKey(suite, publicPackage);
      const signing = shares.filter(({ party }) => signers.includes(party));
      const copies = signing.map((share) => commit(suite, share, purpose, seeded(u32(share.party))));
      const commitments = copies.map(({ commitment }) => commitment);
      const nobleCommitments = commitments.map(({ party, hiding, binding }) => ({
        identifier: id(party),
        hiding: group.encodePoint(hiding),
        binding: group.encodePoint(binding),
      })) as NonceCommitments[];
      const common = prepare(suite, key, commitments, message);

      const nobleShares: Record<string, Uint8Array> = {};
      const ours = signing.map((share, i) => {
        const pair = commit(suite, share, purpose, seeded(u32(share.party))).consume(purpose, commitments, group);
        const theirs = noble.signShare(
          { identifier: id(share.party), signingShare: share.secret.use((bytes) => encodeSecret(suite, bytes)) },
          nobleKey,
          { hiding: group.encodeScalar(pair.hiding), binding: group.encodeScalar(pair.binding) },
          nobleCommitments,
          message,
        );
        nobleShares[id(share.party)] = theirs;
        const mine = signShare(common, copies[i] as (typeof copies)[0], purpose, share.secret);
        expect(scalar(mine), `seed ${seed}`).toBe(toHex(theirs));
        const verifyingShare = publicPackage.verifyingShares[
          parties.indexOf(share.party)
        ] as (typeof publicPackage.verifyingShares)[0];
        expect(verifyShare(common, share.party, verifyingShare, mine)).toBe(true);
        expect(verifyShare(common, share.party, verifyingShare, (mine + 1n) % group.order)).toBe(false);
        return mine;
      });
      const signature = aggregate(common, ours);
      expect(toHex(signature), `seed ${seed}`).toBe(
        toHex(noble.aggregate(nobleKey, nobleCommitments, message, nobleShares)),
      );
      const publicKey = outputKey(suite, publicPackage);
      for (const verify of [...verifiers, verifySignature.bind(undefined, suite)]) {
        expect(verify(publicKey, message, signature), `seed ${seed}`).toBe(true);
      }
    }
  });
});

describe('Taproot', () => {
  it('signs for its output key: every parity of the internal key and of R, every tweak, and no other tweak', () => {
    const suite = taprootSuite(secp256k1);
    const message = new Uint8Array(32).fill(4);
    const tweaks: readonly Tweak[] = [
      { type: 'none', value: new Uint8Array(0) },
      { type: 'key-path-only', value: new Uint8Array(0) },
      { type: 'script-tree', value: new Uint8Array(32).fill(6) },
    ];
    const seen = new Set<string>();
    for (let seed = 0; seen.size < 12; seed++) {
      const options = { group: secp256k1, scheme: 'taproot', threshold: 2, parties: [1, 2], seed: u32(seed) } as const;
      for (const tweak of tweaks) {
        const { publicPackage, shares } = dealKey({ ...options, tweak });
        const nonces = shares.map((share) => commit(suite, share, purpose, seeded(u32(seed))));
        const commitments = nonces.map(({ commitment }) => commitment);
        const signing = prepare(suite, signingKey(suite, publicPackage), commitments, message);
        const signature = aggregate(
          signing,
          shares.map(({ secret }, i) => signShare(signing, nonces[i] as Nonces, purpose, secret)),
        );
        for (const other of tweaks) {
          const publicKey = outputKey(suite, { ...publicPackage, tweak: other });
          expect(libsecp256k1(publicKey, message, signature), `${tweak.type}, ${other.type}`).toBe(other === tweak);
        }
        seen.add(`${tweak.type} ${secp256k1.hasEvenY(publicPackage.groupKey)} ${signing.sign}`);
      }
    }
  });
});

function encodeSecret({ group }: Ciphersuite, bytes: Uint8Array): Uint8Array {
  return group.name === 'ed25519' ? bytes.slice().reverse() : bytes.slice();
}
