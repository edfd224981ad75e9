import { packageDigest } from '../activation/ready.ts';
import type { Ciphersuite } from '../frost/ciphersuite.ts';
import { signRounds } from '../frost/messages.ts';
import { signRules } from '../frost/rules.ts';
import { sign } from '../frost/sign.ts';
import { type KeyShare, type PublicPackage, publicPackageCodec } from '../keys.ts';
import type { Protocol, RoundSpec } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import type { Court } from '../session/court.ts';
import { tags } from '../tags.ts';
import { hash, hash512 } from '../transcript.ts';
import { encode } from '../wire/codec.ts';

export interface LifeInput {
  /** That of the key's scheme (`frost.suiteOf`). */
  readonly suite: Ciphersuite;
  /** Our share of the new epoch. Stays the caller's. */
  readonly share: KeyShare;
  /** 32 bytes. */
  readonly network: Uint8Array;
  /** {@link lifeSession}, 32 bytes. */
  readonly sid: Uint8Array;
  readonly randomness: Randomness;
}

/**
 * All members of a new epoch sign once together, before READY: every share is where it should be, and they fit. It is the
 * one use of shares that are not activated yet.
 *
 * What is made is FROST's signature but for its challenge, which is hashed under a tag of its own. So no verifier of any
 * scheme takes it, and no message that a client may have signed can stand for it, nor it for one.
 *
 * @returns the signature, which proves nothing to outsiders
 * @throws {SignInputError} if our own share is not that of the package; {@link Abort} naming everybody whose share is bad
 */
export function* proveLife({ suite, share, network, sid, randomness }: LifeInput): Protocol<Uint8Array> {
  const { publicPackage } = share;
  return yield* sign({
    suite: lifeSuite(suite),
    share,
    signers: publicPackage.members.map(({ party }) => party),
    message: lifeMessage(suite, network, publicPackage),
    sid,
    randomness,
  });
}

/** The session of those who stay, after a ceremony in which others take part who have no share: among members 1..n′. */
export function lifeSession(sid: Uint8Array, { transcript }: PublicPackage): Uint8Array {
  return hash(tags.lifeSession, sid, transcript);
}

export function lifeRounds(suite: Ciphersuite): readonly RoundSpec[] {
  return signRounds(suite);
}

export function lifeRules(suite: Ciphersuite, network: Uint8Array, publicPackage: PublicPackage): Court['rules'] {
  return signRules(lifeSuite(suite), publicPackage, lifeMessage(suite, network, publicPackage));
}

/** The scheme's own suite in all but the challenge. */
function lifeSuite(suite: Ciphersuite): Ciphersuite {
  return { ...suite, h2: (input) => suite.group.reduceScalar(hash512(tags.lifeChallenge, input)) };
}

/** Bound to network, key, epoch and transcript, as everything else that READY signs for. */
function lifeMessage({ group }: Ciphersuite, network: Uint8Array, publicPackage: PublicPackage): Uint8Array {
  return hash(tags.lifeMessage, packageDigest(network, encode(publicPackageCodec(group), publicPackage)));
}
