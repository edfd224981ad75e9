import { EncodingError } from './groups/group.ts';
import { type Codec, decode, encode } from './wire/codec.ts';

/**
 * A protocol is one readable function: a synchronous generator. Each `yield` is one communication round, `return` is the
 * result, and it fails in exactly four ways that never mix: an {@link InputError} (it cannot begin), an {@link Abort} (somebody
 * cheated, and here is the evidence), a timeout (the driver's business), or a bug (anything else that is thrown).
 */
export type Protocol<T> = Generator<Round, T, Inbox>;

/** A party of a key: its index 1..n, fixed by the ceremony's Start. */
export type Party = number;

/**
 * A protocol that cannot begin with what it was given: somebody proposed the impossible, or our own side of it is broken. Blames
 * nobody: before the session no word of others is evidence.
 */
export class InputError extends Error {
  override readonly name: string = 'InputError';
}

/** What a protocol asks of its driver: carry these bytes, and bring what the others sent. */
export interface Round {
  readonly label: string;
  /** The same bytes for everybody; echoed with the next message. */
  readonly broadcast: Uint8Array | undefined;
  /** Bytes for one recipient each; the protocol seals what is secret. */
  readonly direct: ReadonlyMap<Party, Uint8Array> | undefined;
  /** Which of the two every other party must send in this round. */
  readonly expects: { readonly broadcast: boolean; readonly direct: boolean };
  /**
   * The driver records `{sid, round, H(inbox)}` durably before it brings the inbox: nonces and presignatures are spent
   * on disk before a share exists.
   */
  readonly guarded: boolean;
}

/** A payload with the signed envelope it came in: the evidence, if it turns out to be wrong. */
export interface Signed {
  readonly payload: Uint8Array;
  readonly envelope: Uint8Array;
}

/** What one round brought, from every party; one's own broadcast is among them. */
export interface Inbox {
  readonly broadcasts: ReadonlyMap<Party, Signed>;
  readonly directs: ReadonlyMap<Party, Signed>;
  /** The hash of every broadcast so far, this round's included: equal at all parties unless somebody equivocated. */
  readonly transcript: Uint8Array;
}

/** The format of one round: what its messages are. A protocol lists its rounds so that tests can attack every field. */
export interface RoundSpec<B = unknown, D = unknown> {
  readonly label: string;
  readonly broadcast?: Codec<B>;
  readonly direct?: Codec<D>;
  readonly guarded?: boolean;
}

/** A decoded message and the envelope that proves who sent it. */
export interface Received<T> {
  readonly value: T;
  readonly envelope: Uint8Array;
}

/** What a round brought, decoded. */
export interface Messages<B, D> {
  readonly broadcasts: ReadonlyMap<Party, Received<B>>;
  readonly directs: ReadonlyMap<Party, Received<D>>;
  readonly transcript: Uint8Array;
}

/** Sends `value` to all and returns everybody's, one's own included. @throws {Abort} naming whoever sent nonsense */
export function* broadcast<B>(
  spec: RoundSpec<B, never> & { readonly broadcast: Codec<B> },
  value: B,
): Protocol<Messages<B, never>> {
  return yield* exchange<B, never>(spec, value, undefined);
}

/** Sends each party its own message and returns those for us. @throws {Abort} naming whoever sent nonsense */
export function* deliver<D>(
  spec: RoundSpec<never, D> & { readonly direct: Codec<D> },
  values: ReadonlyMap<Party, D>,
): Protocol<Messages<never, D>> {
  return yield* exchange<never, D>(spec, undefined, values);
}

/** A round of both kinds. @throws {Abort} naming whoever sent nonsense */
export function* exchange<B, D>(
  spec: RoundSpec<B, D>,
  value: B | undefined,
  values: ReadonlyMap<Party, D> | undefined,
): Protocol<Messages<B, D>> {
  const { label, broadcast: toAll, direct: toOne, guarded = false } = spec;
  const inbox = yield {
    label,
    broadcast: toAll === undefined ? undefined : encode(toAll, value as B),
    direct:
      toOne === undefined
        ? undefined
        : new Map([...(values ?? [])].map(([to, message]) => [to, encode(toOne, message)])),
    expects: { broadcast: toAll !== undefined, direct: toOne !== undefined },
    guarded,
  };
  const malformed: Blame[] = [];
  const read = <T>(codec: Codec<T> | undefined, from: ReadonlyMap<Party, Signed>): Map<Party, Received<T>> => {
    const out = new Map<Party, Received<T>>();
    if (codec === undefined) return out;
    for (const [party, { payload, envelope }] of from) {
      const decoded = tryDecode(codec, payload);
      if (decoded === undefined) malformed.push(blame(party, 'malformed', [envelope]));
      else out.set(party, { value: decoded.value, envelope });
    }
    return out;
  };
  const broadcasts = read(toAll, inbox.broadcasts);
  const directs = read(toOne, inbox.directs);
  if (malformed.length > 0) throw new Abort(label, malformed);
  return { broadcasts, directs, transcript: inbox.transcript };
}

/** The value, or undefined if the bytes are not exactly its encoding. */
export function tryDecode<T>(codec: Codec<T>, payload: Uint8Array): { readonly value: T } | undefined {
  try {
    return { value: decode(codec, payload) };
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  }
}

/**
 * What a third party needs to see that `accused` cheated: the signed envelopes at issue, and for some codes an opening
 * (of a sealed share, say). `session/court.ts` judges it; each protocol adds the rules for its own codes.
 */
export interface Evidence {
  readonly code: string;
  readonly accused: Party;
  readonly envelopes: readonly Uint8Array[];
  readonly opening: Uint8Array;
}

export interface Blame {
  readonly party: Party;
  readonly code: string;
  readonly evidence: Evidence;
}

/** A verdict with its evidence. */
export function blame(
  party: Party,
  code: string,
  envelopes: readonly Uint8Array[],
  opening: Uint8Array = new Uint8Array(0),
): Blame {
  return { party, code, evidence: { code, accused: party, envelopes, opening } };
}

/** The end of a session in which somebody cheated; with no blames, in which somebody else gave up. */
export class Abort extends Error {
  override readonly name = 'Abort';
  readonly code = 'abort';
  readonly round: string;
  readonly blames: readonly Blame[];
  /** Who told us, if it was not ourselves. With no blame, who gave up: a suspicion at most. */
  readonly informant: Party | undefined;
  /**
   * Parties that failed a secret-dependent check: the driver persists the ban before it answers anything; the wire shows a
   * generic abort. There is no evidence that could be shown.
   */
  readonly bans: readonly Party[];

  constructor(round: string, blames: readonly Blame[], informant?: Party, bans: readonly Party[] = []) {
    super(
      blames.length === 0
        ? `aborted in round ${round}`
        : `aborted in round ${round}: ${blames.map(({ party, code }) => `party ${party} (${code})`).join(', ')}`,
    );
    this.round = round;
    this.blames = blames;
    this.informant = informant;
    this.bans = bans;
  }

  get culprits(): readonly Party[] {
    return [...new Set(this.blames.map(({ party }) => party))].sort((a, b) => a - b);
  }
}
