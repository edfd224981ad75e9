import type { Party } from '@quorate/protocol';
import type { PeerId } from '../network/network.ts';
import type { CeremonyView } from '../service.ts';
import type { Ceremony } from './ceremony.ts';
import type { Registered } from './registering.ts';
import type { Run } from './runner.ts';
import type { Task, Workshop } from './task.ts';

/** A ceremony and what belongs to it while it is open: timers, the registration in force, the session. */
export interface Entry {
  readonly id: string;
  /** Another one when its key moves on to another epoch. */
  task: Task;
  ceremony: Ceremony;
  /** Monotonic time at which the request became known here. */
  readonly since: number;
  /** Wall clock. */
  readonly createdAt: number;
  updatedAt: number;
  /** Who said that it will not take part, and why. */
  readonly declined: Map<PeerId, string>;
  /** The highest number of an epoch of its key that somebody says to know. Advice, not proof. */
  told: number;
  /** Called once it is over. */
  readonly waiting: Set<() => void>;
  /** Timers, by what they are for. */
  readonly cancels: Map<string, () => void>;
  /** The one registration that a Start may use. */
  registration: Registered | undefined;
  session: { readonly run: Run<unknown>; readonly parties: ReadonlyMap<PeerId, Party> } | undefined;
  /** Somebody's verified result is on its way to the disk. */
  recording: boolean;
}

/** A ceremony as it is shown. */
export function viewOf({ id, task, ceremony, createdAt, updatedAt }: Entry, workshop: Workshop): CeremonyView {
  const { state } = ceremony;
  const name = (peer: PeerId): string => workshop.nameOfPeer(peer);
  const nodeOf = (party: Party): string => {
    const node = task.members.find((member) => member.party === party)?.node;
    return node === undefined ? `party ${party}` : workshop.nameOf(node);
  };
  const culprits = ceremony.blames.map(({ party, code }) => ({ name: nodeOf(party), code }));
  return {
    id,
    kind: task.kind,
    key: task.keyName,
    state: state.name,
    round: state.name === 'running' ? state.round : undefined,
    attempt: Math.max(ceremony.registered - 1, 0),
    coordinator: state.name === 'accepted' ? name(state.coordinator) : undefined,
    participants: 'participants' in state ? state.participants.map(name) : [],
    createdAt,
    updatedAt,
    needsAccept: state.name === 'proposed',
    proposal: task.shown,
    result: state.name === 'done' ? state.result : undefined,
    failure:
      state.name === 'failed'
        ? { code: state.code, reason: state.reason, culprits, suspects: state.suspects.map(name) }
        : undefined,
  };
}
