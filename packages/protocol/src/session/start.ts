import { equal } from '../bytes.ts';
import type { Group } from '../groups/group.ts';
import type { NodeKey, SignatureScheme } from '../primitives/signatures.ts';
import { type Party, tryDecode } from '../protocol.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import { bytes, type Codec, encode, fixed, list, point, struct, u8, u16, u48, version } from '../wire/codec.ts';
import { MAX_PARTIES } from './envelope.ts';

/**
 * What makes a session unique. Each participant signs a registration with fresh values; the coordinator puts them side by
 * side in a Start; the session id is the hash of all of it. So no party, and no coordinator, chooses a session id, and
 * whatever two parties disagree on gives them different sessions instead of a mixed one.
 */
export interface Registration {
  readonly network: Uint8Array;
  /** The request this is for, 32 bytes. */
  readonly request: Uint8Array;
  /** H(the request's body): what the participant checked and approved, 32 bytes. */
  readonly digest: Uint8Array;
  /** The key epoch that will be made or used. */
  readonly epoch: number;
  /** How often this participant registered for the request before. */
  readonly attempt: number;
  /** The participant's node key, 32 bytes. */
  readonly node: Uint8Array;
  /** 32 fresh bytes. */
  readonly nonce: Uint8Array;
  /** Counter ‖ 16 random bytes, 24 bytes: which life of the process. */
  readonly bootEpoch: Uint8Array;
  /** Ephemeral receive key in the ceremony's group; empty when nothing is sealed. */
  readonly receiveKey: Uint8Array;
  /** Parties that this participant saw fail in earlier attempts: advice to the coordinator, never blame. */
  readonly avoid: readonly Party[];
  /** Parties with which this participant holds no session of this kind now. The claim harms only its claimant. */
  readonly apart: readonly Party[];
  readonly presigned: PresignatureOffer;
  readonly signature: Uint8Array;
}

/** Presignatures that a participant keeps for one request and no other: a Start may name one of them. */
export interface PresignatureOffer {
  /** All who made them, and must sign, ascending. */
  readonly signers: readonly Party[];
  /** 32 bytes each. */
  readonly ids: readonly Uint8Array[];
}

export interface Start {
  readonly network: Uint8Array;
  /** A member of `kinds`. */
  readonly kind: number;
  readonly request: Uint8Array;
  readonly digest: Uint8Array;
  readonly epoch: number;
  /** How many sessions this coordinator began for the request before. */
  readonly attempt: number;
  /** The id of the presignature that is used, 32 bytes, offered by every participant; empty for none. */
  readonly presignature: Uint8Array;
  /** Ascending by party. */
  readonly participants: readonly { readonly party: Party; readonly registration: Registration }[];
}

export const REGISTRATION_VERSION = 1;
export const START_VERSION = 1;

/** Presignatures in one registration: enough for signers that are asked two things at once to find one that they all kept for each. */
export const MAX_OFFERED_PRESIGNATURES = 4;

const statement = {
  version: version(REGISTRATION_VERSION),
  network: fixed(32),
  request: fixed(32),
  digest: fixed(32),
  epoch: u48,
  attempt: u16,
  node: fixed(32),
  nonce: fixed(32),
  bootEpoch: fixed(24),
  receiveKey: bytes(64),
  avoid: list(u16, MAX_PARTIES),
  apart: list(u16, MAX_PARTIES),
  presigned: struct({ signers: list(u16, MAX_PARTIES), ids: list(fixed(32), MAX_OFFERED_PRESIGNATURES) }),
};

const statementCodec = struct(statement);

export const registrationCodec: Codec<Registration> = struct({
  ...statement,
  signature: fixed(64),
}) as Codec<Registration>;

export const startCodec: Codec<Start> = struct({
  version: version(START_VERSION),
  network: fixed(32),
  kind: u8,
  request: fixed(32),
  digest: fixed(32),
  epoch: u48,
  attempt: u16,
  presignature: bytes(32),
  participants: list(struct({ party: u16, registration: registrationCodec }), MAX_PARTIES),
}) as Codec<Start>;

/** Signs a registration with the node key whose public half it names. */
export function register(unsigned: Omit<Registration, 'signature' | 'node'>, key: NodeKey): Registration {
  const registration = { ...unsigned, node: key.publicKey };
  return { ...registration, signature: key.sign(registrationMessage(registration)) };
}

export function verifyRegistration(registration: Registration, signatures: SignatureScheme): boolean {
  return signatures.verify(registration.node, registrationMessage(registration), registration.signature);
}

function registrationMessage(registration: Omit<Registration, 'signature'>): Uint8Array {
  return hash(tags.registration, encode(statementCodec, { ...registration, version: REGISTRATION_VERSION }));
}

/** sid = H(Start), 32 bytes. */
export function sessionId(start: Start): Uint8Array {
  return hash(tags.start, encode(startCodec, start));
}

/**
 * Why `start` may not be joined, or undefined if it is well formed: registrations of this very request, signed by the
 * members they stand for, each party once, ascending. Whether one wants to join is the caller's question.
 *
 * @param members the node key of each party that may take part
 * @param receives the group in which every receive key must be a point, where the protocol seals to them
 */
export function faultOf(
  start: Start,
  members: ReadonlyMap<Party, Uint8Array>,
  signatures: SignatureScheme,
  receives?: Group,
): string | undefined {
  let previous = 0;
  for (const { party, registration } of start.participants) {
    if (party <= previous) return 'participants are not in ascending order';
    previous = party;
    const node = members.get(party);
    if (node === undefined || !equal(node, registration.node)) return `party ${party} is not played by that node`;
    const same =
      equal(registration.network, start.network) &&
      equal(registration.request, start.request) &&
      equal(registration.digest, start.digest) &&
      registration.epoch === start.epoch;
    if (!same) return `party ${party} registered for something else`;
    if (!verifyRegistration(registration, signatures)) return `the registration of party ${party} is not signed by it`;
    if (receives !== undefined && tryDecode(point(receives), registration.receiveKey) === undefined) {
      return `the receive key of party ${party} is not a point`;
    }
  }
  const without = start.participants.find(({ registration }) => !offers(registration, start));
  if (start.presignature.length > 0 && without !== undefined) {
    return `party ${without.party} did not offer that presignature to these signers`;
  }
  return undefined;
}

function offers({ presigned: { ids, signers } }: Registration, { participants, presignature }: Start): boolean {
  return (
    ids.some((id) => equal(id, presignature)) &&
    signers.length === participants.length &&
    signers.every((signer, i) => signer === participants[i]?.party)
  );
}
