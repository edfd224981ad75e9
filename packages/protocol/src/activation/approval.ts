import { u64 } from '../bytes.ts';
import type { Group } from '../groups/group.ts';
import { type PublicPackage, partyBytes, publicPackageCodec } from '../keys.ts';
import type { NodeKey, SignatureScheme } from '../primitives/signatures.ts';
import type { Party } from '../protocol.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import { type Codec, encode, fixed, mapped, struct, u16, u48, version } from '../wire/codec.ts';
import { packageDigest } from './ready.ts';

/**
 * "I dealt my share of the base epoch into this one, saw it through, and want it in its place." Signed by the node key of a
 * member that leaves; one that stays says as much by its READY. At most one per key and epoch.
 */
export interface Approval {
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  /** The epoch that is approved. */
  readonly epoch: number;
  /** The member's number in the base epoch. */
  readonly party: Party;
  /** `packageDigest` of the public package, 32 bytes. */
  readonly digest: Uint8Array;
  /** 64 bytes, over all of the above. */
  readonly signature: Uint8Array;
}

const APPROVAL_VERSION = 1;

export const approvalCodec: Codec<Approval> = mapped(
  struct({
    version: version(APPROVAL_VERSION),
    keyId: fixed(32),
    epoch: u48,
    party: u16,
    digest: fixed(32),
    signature: fixed(64),
  }),
  (approval: Approval) => ({ ...approval, version: APPROVAL_VERSION }),
  ({ version: _, ...approval }) => approval,
);

/** Signs an approval of `next`. Persist it before it leaves: a second one for the epoch would be a lie. */
export function approve(network: Uint8Array, group: Group, next: PublicPackage, party: Party, key: NodeKey): Approval {
  const { keyId, epoch } = next;
  const digest = packageDigest(network, encode(publicPackageCodec(group), next));
  const unsigned = { keyId, epoch, party, digest };
  return { ...unsigned, signature: key.sign(message(unsigned)) };
}

/** Whether `approval` is signed by the member of `base` for whom it speaks. */
export function verifyApproval(approval: Approval, base: PublicPackage, signatures: SignatureScheme): boolean {
  const member = base.members.find(({ party }) => party === approval.party);
  return member !== undefined && signatures.verify(member.node, message(approval), approval.signature);
}

function message({ keyId, epoch, party, digest }: Omit<Approval, 'signature'>): Uint8Array {
  return hash(tags.approval, keyId, u64(epoch), partyBytes(party), digest);
}
