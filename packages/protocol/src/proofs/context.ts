import { ascii, concat, u16 } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import type { Party } from '../protocol.ts';
import { hedged, type Randomness } from '../random.ts';
import { Secret } from '../secret.ts';
import { hash512, list } from '../transcript.ts';

/** Where a proof belongs; nowhere else does it verify. */
export interface ProofContext {
  /** The session id, or a transcript that covers it. */
  readonly session: Uint8Array;
  /** Who proves. */
  readonly party: Party;
  /** What the proof is for, where a session has several of one party. */
  readonly label: string;
}

/** The Fiat-Shamir challenge, over the context and every point of statement and commitment. */
export function challenge(group: Group, tag: string, context: ProofContext, points: readonly Point[]): bigint {
  return group.reduceScalar(hash512(tag, ...contextParts(group, context), encodeAll(group, points)));
}

/** Nonces for one proof of one statement, hedged with what is proved about. */
export function nonces(
  group: Group,
  tag: string,
  context: ProofContext,
  secrets: readonly bigint[],
  statement: readonly Point[],
  randomness: Randomness,
): Randomness {
  using secret = new Secret(concat(...secrets.map((scalar) => group.encodeScalar(scalar))));
  return hedged(randomness, secret, ascii(tag), ...contextParts(group, context), encodeAll(group, statement));
}

function contextParts(group: Group, { session, party, label }: ProofContext): readonly Uint8Array[] {
  return [ascii(group.name), session, u16(party), ascii(label)];
}

function encodeAll(group: Group, points: readonly Point[]): Uint8Array {
  return list(points.map((point) => group.encodePoint(point)));
}
