import { equal } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import type { SignatureScheme } from '../primitives/signatures.ts';
import { type Evidence, type Party, type RoundSpec, tryDecode } from '../protocol.ts';
import { bytes, type Codec, encode, list, struct, text, u16 } from '../wire/codec.ts';
import {
  bodyDigest,
  decodeEnvelope,
  type EchoEntry,
  type Envelope,
  MAX_PARTIES,
  type Slot,
  verifyEntry,
} from './envelope.ts';

/**
 * Judges evidence the way any third party would: from the signed envelopes and what the ceremony's Start makes public,
 * and from nothing else. An honest party's evidence is always upheld; evidence against an honest party never is.
 */
export interface Court {
  readonly network: Uint8Array;
  readonly sid: Uint8Array;
  readonly kind: number;
  /** Who takes part, ascending. */
  readonly parties: readonly Party[];
  /** Their node keys, 32 bytes each. */
  readonly keys: ReadonlyMap<Party, Uint8Array>;
  readonly signatures: SignatureScheme;
  /** The formats of the protocol's rounds. */
  readonly rounds: readonly RoundSpec[];
  /** What counts as proof of the protocol's own codes. */
  readonly rules: Readonly<Record<string, Rule>>;
}

/** Whether `exhibits`, all signed and of this session, prove that `accused` cheated. It must not throw. */
export type Rule = (exhibits: readonly Envelope[], opening: Uint8Array, accused: Party) => boolean;

const MAX_EVIDENCE_ENVELOPE = 920 * 1024;
/** What the accusations of one abort may weigh: two messages of the largest size, and then some. */
const MAX_ACCUSATIONS = 800 * 1024;
/** What an abort weighs more than the accusations in it, at most, once it is evidence itself. */
const WRAPPING = 1024;
/**
 * An accusation may say that another accusation is false, and so on: liars could nest them until an honest judge runs out
 * of stack. An honest party follows aborts nested once, so its own evidence is nested at most twice; deeper proves nothing.
 */
const MAX_FOLLOWED = 1;

/** Blame that travels: what an abort message carries. */
export const evidenceCodec: Codec<Evidence> = struct({
  code: text(40),
  accused: u16,
  envelopes: list(bytes(MAX_EVIDENCE_ENVELOPE), 2 * MAX_PARTIES),
  opening: bytes(64 * 1024),
});

export const accusationsCodec: Codec<readonly Evidence[]> = list(evidenceCodec, MAX_PARTIES);

/** True if the evidence proves that the accused cheated in this session. */
export function judge(court: Court, evidence: Evidence): boolean {
  return nesting(evidence) <= MAX_FOLLOWED + 1 && isProof(court, evidence);
}

/**
 * What an abort says, if it is fit to be passed on: whoever follows it must be able to prove to others that it was false.
 * An abort that is too large, or nested too deep, only says that its sender gives up.
 *
 * @returns `accusations` undefined when the payload is nonsense
 */
export function followed(payload: Uint8Array): { readonly accusations: readonly Evidence[] | undefined } | undefined {
  const accusations = tryDecode(accusationsCodec, payload)?.value;
  const depth = Math.max(0, ...(accusations ?? []).map((evidence) => nesting(evidence)));
  if (depth > MAX_FOLLOWED || payload.length > MAX_ACCUSATIONS + depth * WRAPPING) return undefined;
  return { accusations };
}

/** The payload of an abort: as many of the accusations as fit, the first ones first. */
export function accusationsOf(all: readonly Evidence[]): Uint8Array {
  const told: Evidence[] = [];
  let weight = 2;
  for (const evidence of all.slice(0, MAX_PARTIES)) {
    const more = encode(evidenceCodec, evidence).length;
    if (weight + more > MAX_ACCUSATIONS + nesting(evidence) * WRAPPING) continue;
    weight += more;
    told.push(evidence);
  }
  return encode(accusationsCodec, told);
}

/** How many accusations of false accusation are nested in one another; stops counting at three. */
function nesting(evidence: Evidence, limit: number = MAX_FOLLOWED + 2): number {
  if (evidence.code !== 'false-accusation' || limit === 0) return 0;
  const inner = evidence.envelopes.flatMap(accusationsIn);
  return 1 + Math.max(0, ...inner.map((one) => nesting(one, limit - 1)));
}

function accusationsIn(frame: Uint8Array): readonly Evidence[] {
  const envelope = tryEnvelope(frame);
  return (envelope?.class === 'abort' ? tryDecode(accusationsCodec, envelope.payload)?.value : undefined) ?? [];
}

function isProof(court: Court, evidence: Evidence): boolean {
  if (!court.parties.includes(evidence.accused)) return false;
  const exhibits: Envelope[] = [];
  for (const frame of evidence.envelopes) {
    const exhibit = admit(court, frame);
    if (exhibit === undefined) return false;
    exhibits.push(exhibit);
  }
  switch (evidence.code) {
    case 'malformed':
      return exhibits.length === 1 && isMalformed(court, exhibits[0] as Envelope, evidence.accused);
    case 'equivocation':
      return equivocated(court, exhibits, evidence.accused);
    case 'false-echo':
      return exhibits.length === 1 && echoesFalsely(court, exhibits[0] as Envelope, evidence.accused);
    case 'false-accusation':
      return exhibits.length === 1 && accusesFalsely(court, exhibits[0] as Envelope, evidence.accused);
    default: {
      const rule = Object.hasOwn(court.rules, evidence.code) ? court.rules[evidence.code] : undefined;
      return rule?.(exhibits, evidence.opening, evidence.accused) ?? false;
    }
  }
}

/** What an exhibit says, if it is in its place and decodes. */
export function said<T>(
  codec: Codec<T>,
  exhibit: Envelope | undefined,
  place: Pick<Envelope, 'round' | 'class' | 'from'>,
): T | undefined {
  const { from, round, class: kind } = place;
  const here = exhibit?.from === from && exhibit.round === round && exhibit.class === kind;
  return here ? tryDecode(codec, exhibit.payload)?.value : undefined;
}

/** Whether `exhibit` echoes exactly these messages of the round before, one of every party in their order. */
export function echoes({ parties }: Pick<Court, 'parties'>, exhibit: Envelope, messages: readonly Envelope[]): boolean {
  const { echo } = exhibit;
  return (
    echo.length === parties.length &&
    messages.length === parties.length &&
    messages.every((message, i) => equal(digestOf(message), (echo[i] as EchoEntry).digest))
  );
}

/** What stands for an envelope in an echo. */
export function digestOf({ echo, payload }: Envelope): Uint8Array {
  return bodyDigest(echo, payload);
}

/** The envelope, if it is of this session and signed by the party it names. */
export function admit(court: Court, frame: Uint8Array): Envelope | undefined {
  const envelope = tryEnvelope(frame);
  if (envelope === undefined) return undefined;
  const key = court.keys.get(envelope.from);
  const here = equal(envelope.network, court.network) && equal(envelope.sid, court.sid) && envelope.kind === court.kind;
  if (!here || key === undefined || !court.parties.includes(envelope.from)) return undefined;
  const direct = envelope.class === 'direct';
  if (direct ? !court.parties.includes(envelope.to) || envelope.to === envelope.from : envelope.to !== 0)
    return undefined;
  const digest = bodyDigest(envelope.echo, envelope.payload, court.signatures.sha256);
  const entry = { digest, signature: envelope.signature };
  return verifyEntry(envelope, entry, key, court.signatures) ? envelope : undefined;
}

function tryEnvelope(frame: Uint8Array): Envelope | undefined {
  try {
    return decodeEnvelope(frame);
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  }
}

function isMalformed(court: Court, { from, round, class: kind, payload }: Envelope, accused: Party): boolean {
  const spec = court.rounds[round];
  const codec = kind === 'broadcast' ? spec?.broadcast : kind === 'direct' ? spec?.direct : undefined;
  return from === accused && codec !== undefined && tryDecode(codec, payload) === undefined;
}

/** Two different signed bodies in one slot, each seen directly or in an echo. Aborts are exempt: giving up twice is no lie. */
function equivocated(court: Court, exhibits: readonly Envelope[], accused: Party): boolean {
  const key = court.keys.get(accused) as Uint8Array;
  const said = new Map<string, Uint8Array>();
  for (const exhibit of exhibits) {
    const statements: [Slot, Uint8Array][] = [];
    if (exhibit.from === accused && exhibit.class !== 'abort')
      statements.push([exhibit, bodyDigest(exhibit.echo, exhibit.payload)]);
    const echoed = echoOf(court, exhibit, accused);
    if (echoed !== undefined && verifyEntry(echoed.slot, echoed.entry, key, court.signatures)) {
      statements.push([echoed.slot, echoed.entry.digest]);
    }
    for (const [slot, digest] of statements) {
      const place = `${slot.round}/${slot.to}`;
      const before = said.get(place);
      if (before !== undefined && !equal(before, digest)) return true;
      said.set(place, digest);
    }
  }
  return false;
}

/** What `exhibit` says it received from `party` in the round before. */
export function echoOf(
  court: Pick<Court, 'parties'>,
  exhibit: Envelope,
  party: Party,
): { readonly slot: Slot; readonly entry: EchoEntry } | undefined {
  const entry = exhibit.echo[court.parties.indexOf(party)];
  if (entry === undefined || exhibit.round === 0) return undefined;
  return { slot: { ...exhibit, round: exhibit.round - 1, class: 'broadcast', from: party, to: 0 }, entry };
}

/** Whether the envelope must carry an echo: the first message of a party after a broadcast round. */
export function echoLength(
  court: Pick<Court, 'parties' | 'rounds'>,
  { round, class: kind }: Pick<Slot, 'round' | 'class'>,
): number {
  const spec = court.rounds[round];
  const first = kind === 'broadcast' || (kind === 'direct' && spec?.broadcast === undefined);
  return first && court.rounds[round - 1]?.broadcast !== undefined ? court.parties.length : 0;
}

function echoesFalsely(court: Court, exhibit: Envelope, accused: Party): boolean {
  if (exhibit.from !== accused || exhibit.class === 'abort') return false;
  if (exhibit.echo.length !== echoLength(court, exhibit)) return true;
  return (
    exhibit.echo.length > 0 &&
    court.parties.some((party) => {
      const echoed = echoOf(court, exhibit, party);
      return (
        echoed === undefined ||
        !verifyEntry(echoed.slot, echoed.entry, court.keys.get(party) as Uint8Array, court.signatures)
      );
    })
  );
}

function accusesFalsely(court: Court, exhibit: Envelope, accused: Party): boolean {
  if (exhibit.from !== accused || exhibit.class !== 'abort') return false;
  const accusations = tryDecode(accusationsCodec, exhibit.payload);
  return accusations === undefined || accusations.value.some((evidence) => !isProof(court, evidence));
}
