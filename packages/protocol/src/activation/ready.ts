import { equal, u64 } from '../bytes.ts';
import type { Group } from '../groups/group.ts';
import { type Member, type PublicPackage, partyBytes, publicPackageCodec } from '../keys.ts';
import type { NodeKey, SignatureScheme } from '../primitives/signatures.ts';
import { type Blame, blame, type Evidence, type Party, tryDecode } from '../protocol.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import { type Codec, encode, fixed, mapped, struct, u16, u48, version } from '../wire/codec.ts';

/**
 * "My share of this epoch is on my disk, was read back, and fits this public package." Signed by the member's node key,
 * so that anybody may pass it on. A member signs at most one per key and epoch.
 */
export interface Ready {
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  readonly epoch: number;
  readonly party: Party;
  /** {@link packageDigest} of the public package, 32 bytes. */
  readonly digest: Uint8Array;
  /** 64 bytes, over all of the above. */
  readonly signature: Uint8Array;
}

export const READY_VERSION = 1;

const wireCodec = struct({
  version: version(READY_VERSION),
  keyId: fixed(32),
  epoch: u48,
  party: u16,
  digest: fixed(32),
  signature: fixed(64),
});

export const readyCodec: Codec<Ready> = mapped(
  wireCodec,
  (ready: Ready) => ({ ...ready, version: READY_VERSION }),
  ({ version: _, ...ready }) => ready,
);

/** What READY signs for: the network and every field of the public package, by way of its one encoding. 32 bytes. */
export function packageDigest(network: Uint8Array, encodedPackage: Uint8Array): Uint8Array {
  return hash(tags.publicPackage, network, encodedPackage);
}

/** Signs READY. Persist it before it leaves: it is a promise to keep the share. */
export function signReady(
  network: Uint8Array,
  group: Group,
  publicPackage: PublicPackage,
  party: Party,
  key: NodeKey,
): Ready {
  const { keyId, epoch } = publicPackage;
  const digest = packageDigest(network, encode(publicPackageCodec(group), publicPackage));
  const unsigned = { keyId, epoch, party, digest };
  return { ...unsigned, signature: key.sign(message(unsigned)) };
}

/** Whether `ready` is signed by `member`, for whom it speaks. */
export function verifyReady(ready: Ready, member: Member, signatures: SignatureScheme): boolean {
  return ready.party === member.party && signatures.verify(member.node, message(ready), ready.signature);
}

/** Whether two READY prove that `member` promised two outcomes of one epoch: what a third party asks of such evidence. */
export function isConflict(a: Ready, b: Ready, member: Member, signatures: SignatureScheme): boolean {
  const sameEpoch = equal(a.keyId, b.keyId) && a.epoch === b.epoch;
  return (
    sameEpoch && !equal(a.digest, b.digest) && verifyReady(a, member, signatures) && verifyReady(b, member, signatures)
  );
}

/** The verdict on two READY of one epoch, with both of them. */
export function blameConflict(a: Ready, b: Ready): Blame {
  return blame(
    a.party,
    'conflicting-ready',
    [a, b].map((ready) => encode(readyCodec, ready)),
  );
}

/** Judges {@link blameConflict}'s evidence, of which no session is the court: anybody who knows the member can. */
export function provesConflict(evidence: Evidence, member: Member, signatures: SignatureScheme): boolean {
  const said = evidence.envelopes.map((encoded) => tryDecode(readyCodec, encoded)?.value);
  const [a, b] = said;
  if (evidence.code !== 'conflicting-ready' || evidence.accused !== member.party) return false;
  return said.length === 2 && a !== undefined && b !== undefined && isConflict(a, b, member, signatures);
}

/** What an attempt at an epoch is known by where sessions are known by their ids: 32 bytes. */
export function attemptId(keyId: Uint8Array, epoch: number): Uint8Array {
  return hash(tags.attempt, keyId, u64(epoch));
}

/** Key and epoch are signed in the open, so that two promises about one epoch show without their packages. */
function message({ keyId, epoch, party, digest }: Omit<Ready, 'signature'>): Uint8Array {
  return hash(tags.ready, keyId, u64(epoch), partyBytes(party), digest);
}
