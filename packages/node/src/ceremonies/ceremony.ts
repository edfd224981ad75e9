import type { Blame, CeremonyKind } from '@quorate/protocol';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';
import type { CeremonyView, FailureCode } from '../service.ts';

/**
 * One request at one member, as a pure state machine: `(ceremony, event) → ceremony and effects`. What a member believes
 * here is its own business: nothing in it is decided by what others say, save what they proved.
 */
export interface Ceremony {
  readonly kind: CeremonyKind;
  readonly state: CeremonyState;
  /** Members in the order in which they are asked to coordinate. */
  readonly order: readonly PeerId[];
  /** How often this member registered. */
  readonly registered: number;
  /** Coordinators that let this request lie. Forgotten once nobody else is left. */
  readonly stalled: readonly PeerId[];
  /** Sessions that broke since another coordinator was asked. */
  readonly broken: number;
  /** Who failed in earlier attempts: told to the next coordinator as advice. */
  readonly avoid: readonly PeerId[];
  readonly blames: readonly Blame[];
}

export type CeremonyState =
  /** The request was verified and waits for this node's operator. It does not imply that anybody else knows it. */
  | { readonly name: 'proposed' }
  /**
   * This member approved, durably, and registered with `coordinator`. It does not imply that the others approved, nor
   * that the coordinator got the registration.
   */
  | { readonly name: 'accepted'; readonly coordinator: PeerId }
  /** This member is in a session with `participants`. It does not imply that the others have begun. */
  | { readonly name: 'running'; readonly participants: readonly PeerId[]; readonly round: string | undefined }
  /**
   * Keygen only: the share is on this member's disk and READY is signed. The key may become active at any later time,
   * whatever this ceremony says: only the certificate decides. It does not imply that anybody else is as far.
   */
  | { readonly name: 'confirming'; readonly participants: readonly PeerId[] }
  /** The result was verified and recorded here. It does not imply that every other member has it yet. */
  | {
      readonly name: 'done';
      readonly result: NonNullable<CeremonyView['result']>;
      readonly participants: readonly PeerId[];
    }
  /** This member has stopped. It does not imply that the others have: they may still reach a result without it. */
  | {
      readonly name: 'failed';
      readonly code: FailureCode;
      readonly reason: string;
      readonly suspects: readonly PeerId[];
      readonly participants: readonly PeerId[];
    };

export type CeremonyEvent =
  /** The operator, or the rules, approve. */
  | { readonly type: 'accept' }
  | { readonly type: 'cancel'; readonly code: FailureCode; readonly reason: string }
  /** A valid Start names our latest registration. */
  | { readonly type: 'started'; readonly participants: readonly PeerId[] }
  | { readonly type: 'round'; readonly label: string }
  /** Keygen: the share is on disk and READY is signed. */
  | { readonly type: 'prepared' }
  /** Somebody's result, verified and recorded by us. */
  | {
      readonly type: 'finished';
      readonly result: NonNullable<CeremonyView['result']>;
      /** Who made it, as far as one was told; default: whom we made it with. */
      readonly participants?: readonly PeerId[];
    }
  /** The session ended without a result. */
  | {
      readonly type: 'broke';
      readonly reason: string;
      readonly blames: readonly Blame[];
      /** Parties proven to have cheated, by peer. */
      readonly culprits: readonly PeerId[];
      readonly suspects: readonly PeerId[];
    }
  /** The coordinator was not heard of for too long, began nothing for much longer, or is not connected any more. */
  | { readonly type: 'stalled' }
  /** With whom this member sits together has changed: its registration must say it. */
  | { readonly type: 'reseated' }
  /** The key is in another epoch: other members may have the turn to coordinate. */
  | { readonly type: 'moved'; readonly order: readonly PeerId[] }
  /** A member is connected (again). If its turn to coordinate comes first, it is asked, as the others will. */
  | { readonly type: 'joined'; readonly peer: PeerId }
  /** The request's time is over: nothing new may begin. */
  | { readonly type: 'expired' };

export type CeremonyEffect =
  /** Send a fresh registration to the coordinator; every earlier one is void. */
  | { readonly type: 'register'; readonly coordinator: PeerId }
  /** Send the registration in force to another coordinator, too: whichever begins first may use it. */
  | { readonly type: 'ask'; readonly coordinator: PeerId }
  /** End the session, if there is one, and wipe what was prepared for it. */
  | { readonly type: 'leave' };

export interface CeremonyStep {
  readonly ceremony: Ceremony;
  readonly effects: readonly CeremonyEffect[];
}

/** A request that was just verified. */
export function propose(kind: Ceremony['kind'], order: readonly PeerId[]): Ceremony {
  return { kind, state: { name: 'proposed' }, order, registered: 0, stalled: [], broken: 0, avoid: [], blames: [] };
}

export function isOver({ state }: Ceremony): boolean {
  return state.name === 'done' || state.name === 'failed';
}

/** @param live members that are connected, oneself included */
export function transition(ceremony: Ceremony, event: CeremonyEvent, live: ReadonlySet<PeerId>): CeremonyStep {
  const { state } = ceremony;
  if (isOver(ceremony)) return unchanged(ceremony);
  switch (event.type) {
    case 'finished':
      return {
        ceremony: {
          ...ceremony,
          state: { name: 'done', result: event.result, participants: event.participants ?? participantsOf(state) },
        },
        effects: [{ type: 'leave' }],
      };
    case 'cancel':
      return fail(ceremony, event.code, event.reason, []);
    case 'accept':
      return state.name === 'proposed' ? register(ceremony, live) : unchanged(ceremony);
    case 'started':
      if (state.name !== 'accepted') return unchanged(ceremony);
      return become(ceremony, { name: 'running', participants: event.participants, round: undefined });
    case 'round':
      return state.name === 'running' ? become(ceremony, { ...state, round: event.label }) : unchanged(ceremony);
    case 'prepared':
      if (state.name !== 'running') return unchanged(ceremony);
      return become(ceremony, { name: 'confirming', participants: state.participants });
    case 'broke':
      return state.name === 'running' ? broke(ceremony, event, live) : unchanged(ceremony);
    case 'stalled':
      if (state.name !== 'accepted') return unchanged(ceremony);
      return ask({ ...ceremony, stalled: [...ceremony.stalled, state.coordinator] }, live);
    case 'reseated':
      return state.name === 'accepted' ? register(ceremony, live) : unchanged(ceremony);
    case 'moved': {
      const moved = { ...ceremony, order: event.order, stalled: [] };
      return state.name === 'accepted' ? register(moved, live) : { ceremony: moved, effects: [] };
    }
    case 'joined':
      return joined(ceremony, event.peer);
    case 'expired':
      return expire(ceremony);
  }
}

function broke(
  ceremony: Ceremony,
  { reason, blames, culprits, suspects }: CeremonyEvent & { readonly type: 'broke' },
  live: ReadonlySet<PeerId>,
): CeremonyStep {
  const after = {
    ...ceremony,
    blames: [...ceremony.blames, ...blames],
    avoid: [...new Set([...ceremony.avoid, ...culprits, ...suspects])],
  };
  // A signature needs any t. What needs everybody is not tried again by itself: whoever wanted it decides.
  if (ceremony.kind !== 'sign') return fail(after, culprits.length > 0 ? 'cheated' : 'timeout', reason, suspects);
  const broken = after.broken + 1;
  if (broken < limits.sessionsPerCoordinator) return register({ ...after, broken }, live);
  return register({ ...after, broken: 0, stalled: [...after.stalled, nextCoordinator(after, live).coordinator] }, live);
}

function expire(ceremony: Ceremony): CeremonyStep {
  const { state, avoid } = ceremony;
  // What has begun ends by its own deadlines; a prepared key is for the certificate to decide.
  if (state.name === 'running' || state.name === 'confirming') return unchanged(ceremony);
  if (state.name === 'proposed') return fail(ceremony, 'expired', 'nobody accepted it in time', []);
  return fail(ceremony, 'no-quorum', 'not enough members took part in time', avoid);
}

function register(ceremony: Ceremony, live: ReadonlySet<PeerId>): CeremonyStep {
  const { coordinator, stalled } = nextCoordinator(ceremony, live);
  const registered = ceremony.registered + 1;
  return {
    ceremony: { ...ceremony, stalled, registered, state: { name: 'accepted', coordinator } },
    effects: [{ type: 'register', coordinator }],
  };
}

function ask(ceremony: Ceremony, live: ReadonlySet<PeerId>): CeremonyStep {
  const { coordinator, stalled } = nextCoordinator(ceremony, live);
  return {
    ceremony: { ...ceremony, stalled, broken: 0, state: { name: 'accepted', coordinator } },
    effects: [{ type: 'ask', coordinator }],
  };
}

function joined(ceremony: Ceremony, peer: PeerId): CeremonyStep {
  const { state, order } = ceremony;
  if (state.name !== 'accepted' || !order.includes(peer)) return unchanged(ceremony);
  if (order.indexOf(peer) >= order.indexOf(state.coordinator)) return unchanged(ceremony);
  const stalled = ceremony.stalled.filter((one) => one !== peer);
  return {
    ceremony: { ...ceremony, stalled, state: { name: 'accepted', coordinator: peer } },
    effects: [{ type: 'ask', coordinator: peer }],
  };
}

/** The first in order that is connected and did not let this request lie; when all did, the first again. */
function nextCoordinator(
  ceremony: Ceremony,
  live: ReadonlySet<PeerId>,
): { readonly coordinator: PeerId; readonly stalled: readonly PeerId[] } {
  const fresh = ceremony.order.filter((peer) => live.has(peer) && !ceremony.stalled.includes(peer));
  const stalled = fresh.length > 0 ? ceremony.stalled : [];
  const coordinator = fresh[0] ?? ceremony.order.find((peer) => live.has(peer));
  if (coordinator === undefined) throw new Error('a member is always live to itself');
  return { coordinator, stalled };
}

function fail(ceremony: Ceremony, code: FailureCode, reason: string, suspects: readonly PeerId[]): CeremonyStep {
  const state = { name: 'failed', code, reason, suspects, participants: participantsOf(ceremony.state) } as const;
  return { ceremony: { ...ceremony, state }, effects: [{ type: 'leave' }] };
}

function participantsOf(state: CeremonyState): readonly PeerId[] {
  return 'participants' in state ? state.participants : [];
}

function become(ceremony: Ceremony, state: CeremonyState): CeremonyStep {
  return { ceremony: { ...ceremony, state }, effects: [] };
}

function unchanged(ceremony: Ceremony): CeremonyStep {
  return { ceremony, effects: [] };
}
