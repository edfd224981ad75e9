import { concat, equal, fromBytesBE, u16, u64 } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import type { KeyShare } from '../keys.ts';
import type { Party } from '../protocol.ts';
import { hedged, type Randomness, secretScalar } from '../random.ts';
import { type Secret, wipe } from '../secret.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import type { Ciphersuite } from './ciphersuite.ts';

/** What a signer says in round one: commitments to its two nonces. */
export interface Commitment {
  readonly party: Party;
  readonly hiding: Point;
  readonly binding: Point;
}

/** What one pair of nonces is for: this session, key, epoch, set of signers and message, and no other. */
export interface NonceUse {
  readonly sid: Uint8Array;
  readonly share: KeyShare;
  /** Ascending. */
  readonly signers: readonly Party[];
  readonly message: Uint8Array;
  /** Which life of the process, if the driver knows: a restored machine then makes other nonces. */
  readonly bootEpoch?: Uint8Array;
}

/** The purpose of nonces, 32 bytes: what they are hedged with, and what they must be consumed for. */
export function noncePurpose({ sid, share, signers, message, bootEpoch }: NonceUse): Uint8Array {
  const { keyId, epoch } = share.publicPackage;
  return hash(
    tags.frostNonce,
    sid,
    keyId,
    u64(epoch),
    u16(share.party),
    concat(...signers.map(u16)),
    message,
    bootEpoch ?? new Uint8Array(0),
  );
}

/**
 * A signer's two nonces of one session. They live in memory only, are given out once, for what they were made for and
 * next to the commitment that was published for them, and are then wiped: two signatures with one pair give the share.
 */
export class Nonces {
  readonly commitment: Commitment;
  readonly #purpose: Uint8Array;
  readonly #hiding: Secret;
  readonly #binding: Secret;

  /** Takes ownership of the nonces, big-endian scalars. */
  constructor(commitment: Commitment, purpose: Uint8Array, hiding: Secret, binding: Secret) {
    this.commitment = commitment;
    this.#purpose = purpose;
    this.#hiding = hiding;
    this.#binding = binding;
  }

  /**
   * The nonces, this once: whatever comes of it, they are gone.
   * @throws {NonceError} spent, made for something else, or not what the list says that we committed to
   */
  consume(
    purpose: Uint8Array,
    commitments: readonly Commitment[],
    group: Group,
  ): { readonly hiding: bigint; readonly binding: bigint } {
    try {
      if (this.#hiding.wiped) throw new NonceError('spent');
      if (!equal(purpose, this.#purpose)) throw new NonceError('made for another session');
      const { party, hiding, binding } = this.commitment;
      const listed = commitments.filter((commitment) => commitment.party === party);
      const [mine] = listed;
      if (mine === undefined || listed.length !== 1) throw new NonceError('not once in the commitment list');
      if (!group.equals(mine.hiding, hiding) || !group.equals(mine.binding, binding)) {
        throw new NonceError('not those of the commitment list');
      }
      return { hiding: secretToScalar(this.#hiding), binding: secretToScalar(this.#binding) };
    } finally {
      this.wipe();
    }
  }

  wipe(): void {
    this.#hiding.wipe();
    this.#binding.wipe();
  }
}

/** commit, RFC 9591 §5.1, with randomness hedged by the share and the purpose. */
export function commit(
  suite: Ciphersuite,
  { party, secret }: Pick<KeyShare, 'party' | 'secret'>,
  purpose: Uint8Array,
  randomness: Randomness,
): Nonces {
  const { group } = suite;
  const stream = hedged(randomness, secret, purpose);
  const hiding = generateNonce(suite, secret, stream.bytes(32));
  const binding = generateNonce(suite, secret, stream.bytes(32));
  return new Nonces(
    { party, hiding: group.multiplyBase(hiding), binding: group.multiplyBase(binding) },
    purpose,
    secretScalar(hiding, group.scalarBytes),
    secretScalar(binding, group.scalarBytes),
  );
}

/** nonce_generate, §4.1. @param random 32 fresh bytes, which are wiped */
export function generateNonce(suite: Ciphersuite, secret: Secret, random: Uint8Array): bigint {
  const input = concat(random, suite.group.encodeScalar(secretToScalar(secret)));
  const nonce = suite.h3(input);
  wipe(random, input);
  return nonce;
}

/** The integer that a secret of big-endian bytes holds. */
export function secretToScalar(secret: Secret): bigint {
  return secret.use(fromBytesBE);
}

/** Nonces were about to be used where they must not: a bug of the driver or an attack on it, never a peer's doing. */
export class NonceError extends Error {
  override readonly name = 'NonceError';
  readonly code = 'nonce';

  constructor(reason: string) {
    super(`nonces ${reason}`);
  }
}
