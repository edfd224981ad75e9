import { ascii, concat, equal, fromBytesBE, toBytesBE, u16, u64 } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import type { PublicPackage } from '../keys.ts';
import { Abort, broadcast, type Party, type Protocol, type Received } from '../protocol.ts';
import { hedged, secretScalar } from '../random.ts';
import { type Secret, wipe } from '../secret.ts';
import { primeField } from '../sharing/field.ts';
import { tags } from '../tags.ts';
import { hash, hash512 } from '../transcript.ts';
import type { EcdsaSignature } from './ecdsa.ts';
import { type Prepared, prepare } from './preparation.ts';
import { checkedKey, exchangeShares, shareOf } from './sign.ts';
import {
  checkPairs,
  checkSigner,
  EcdsaInputError,
  type PreparationInput,
  type SignerInput,
  sessionId,
} from './sign-context.ts';
import { type Lock, locksFormat } from './sign-messages.ts';
import { SCALAR_BYTES } from './suite.ts';

/**
 * One party's part of a signature of which all but the digest is settled (§7.2). It lives in memory only and is given out
 * once: two signatures with one nonce give the key. It must not outlive the epoch, nor a ban of one of its signers.
 */
export class Presignature {
  /** The same at every signer, 32 bytes. */
  readonly id: Uint8Array;
  /** What it may be used for: see {@link presignatureScope}. */
  readonly scope: Uint8Array;
  /** R: known to whoever took part, and moved before it is used. */
  readonly nonce: Point;
  readonly #phi: Secret;
  readonly #u: Secret;
  readonly #v: Secret;

  constructor(scope: Uint8Array, { id, nonce, phi, u, v }: Prepared) {
    this.id = id;
    this.scope = scope;
    this.nonce = nonce;
    [this.#phi, this.#u, this.#v] = [phi, u, v].map((scalar) => secretScalar(scalar, SCALAR_BYTES)) as [
      Secret,
      Secret,
      Secret,
    ];
  }

  /**
   * What {@link move} gave, in its new place. Wipes what it is given.
   * @throws {EncodingError} if R is no point
   */
  static moved(group: Group, { id, scope, nonce, secrets }: MovedPresignature): Presignature {
    try {
      const [phi, u, v] = [0, 1, 2].map((i) =>
        fromBytesBE(secrets.subarray(i * SCALAR_BYTES, (i + 1) * SCALAR_BYTES)),
      ) as [bigint, bigint, bigint];
      return new Presignature(scope, { id, nonce: group.decodePoint(nonce), phi, u, v });
    } finally {
      wipe(secrets);
    }
  }

  /**
   * Leaves here for another thread: from now on, this one is spent.
   * @throws {EcdsaInputError} if it was spent or wiped before
   */
  move(group: Group): MovedPresignature {
    const { phi, u, v } = this.consume(this.scope);
    const secrets = concat(...[phi, u, v].map((scalar) => toBytesBE(scalar, SCALAR_BYTES)));
    return { id: this.id, scope: this.scope, nonce: group.encodePoint(this.nonce), secrets };
  }

  /**
   * What there is, this once: whatever comes of it, it is gone.
   * @throws {EcdsaInputError} spent or wiped, or made for another key, epoch or set of signers
   */
  consume(scope: Uint8Array): Pick<Prepared, 'phi' | 'u' | 'v'> {
    try {
      if (this.#phi.wiped) throw new EcdsaInputError('presignature', 'the presignature is spent');
      if (!equal(scope, this.scope)) {
        throw new EcdsaInputError('presignature', 'the presignature was made for another key, epoch or set of signers');
      }
      const [phi, u, v] = [this.#phi, this.#u, this.#v].map((secret) => secret.use(fromBytesBE));
      return { phi, u, v } as Pick<Prepared, 'phi' | 'u' | 'v'>;
    } finally {
      this.wipe();
    }
  }

  wipe(): void {
    for (const secret of [this.#phi, this.#u, this.#v]) secret.wipe();
  }
}

/** A presignature on its way between threads of one process: never to a disk, never copied. Whoever takes it moves it in, or wipes it. */
export interface MovedPresignature {
  readonly id: Uint8Array;
  readonly scope: Uint8Array;
  /** R, encoded. */
  readonly nonce: Uint8Array;
  /** φ ‖ u ‖ v. */
  readonly secrets: Uint8Array;
}

/** What presignatures are good for: this epoch of this key, with these signers (ascending). 32 bytes. */
export function presignatureScope({ keyId, epoch, transcript }: PublicPackage, signers: readonly Party[]): Uint8Array {
  return hash(tags.presignatureScope, keyId, u64(epoch), transcript, concat(...signers.map(u16)));
}

/**
 * Rounds 1 and 2 of a signature ahead of time. @returns the caller's from now on
 * @throws {EcdsaInputError} before anything is said
 * @throws {Abort} see {@link prepare}
 */
export function* presign(input: PreparationInput): Protocol<Presignature> {
  const { publicPackage } = input.share;
  checkSigner(input);
  checkPairs(input);
  const prepared = yield* prepare(input, sessionId({ ...input, publicPackage, purpose: undefined }));
  const id = hash(tags.presignatureId, prepared.id, input.group.encodePoint(prepared.nonce));
  return new Presignature(presignatureScope(publicPackage, input.signers), { ...prepared, id });
}

export interface SignPresignedInput extends SignerInput {
  /** Spent from the first step on, whatever comes of it. */
  readonly presignature: Presignature;
  /** 32 bytes, hashed already. */
  readonly digest: Uint8Array;
  /** ε of BIP-32, as in {@link signEcdsa}. */
  readonly tweak?: bigint;
}

/**
 * A signature in two small rounds: everybody says what the presignature is used for, with a nonce, then its share. As R was
 * known beforehand, and digest or tweak could have been chosen to suit it, all nonces together move it (Groth, Shoup
 * 2021/1330). Whoever tells two parties two nonces makes them sign for two R: their shares then add up to nothing.
 *
 * @throws {EcdsaInputError} before anything is said
 * @throws {Abort} blaming nobody if not all signers use the same presignature for the same, or there is no signature
 */
export function* signWithPresignature(input: SignPresignedInput): Protocol<EcdsaSignature> {
  const { group, share, signers, presignature, sid, digest, tweak = 0n } = input;
  const { publicPackage } = share;
  const purpose = { digest, tweak };
  const key = checkedKey(input, purpose);
  const { phi, u, v } = presignature.consume(presignatureScope(publicPackage, signers));

  // The presignature's id covers key, epoch and signers.
  const use = hash(tags.presignatureUse, presignature.id, sid, digest, toBytesBE(tweak, SCALAR_BYTES));
  const randomness = hedged(input.randomness, share.secret, ascii(tags.presignatureUse), use, u16(share.party));
  const { broadcasts } = yield* broadcast(locksFormat(), { use, nonce: randomness.bytes(32) });
  const locks = signers.map((party) => (broadcasts.get(party) as Received<Lock>).value);
  if (!locks.every((lock) => equal(lock.use, use))) throw new Abort('locks', []);

  const { order } = group;
  const field = primeField(order);
  const shift = fromBytesBE(hash512(tags.presignatureShift, use, ...locks.map(({ nonce }) => nonce))) % order;
  const nonce = group.add(presignature.nonce, group.multiplyBase(shift));
  const moved = { phi, u: field.add(u, field.multiply(shift, phi)), v };
  return yield* exchangeShares(group, key, purpose, nonce, shareOf(group, purpose, nonce, moved));
}
