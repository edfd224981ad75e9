import { type Court, type NodeKey, type Party, type Protocol, Session } from '@quorate/protocol';

/** Milliseconds, by phase and in all. */
export interface Spent {
  readonly total: number;
  readonly phases: ReadonlyMap<string, number>;
}

/** One party of a committee in this process. */
export interface Player<T> {
  readonly party: Party;
  readonly key: NodeKey;
  readonly protocol: Protocol<T>;
}

/** The phase in which envelopes are signed, verified and compared. */
const sessionPhase = 'session';
/** The phase after the last round. */
const lastPhase = 'result';

/**
 * Runs a protocol among all `players` in this thread, over real sessions, in lock step. A phase is the step that leads to
 * the round of its name, summed over the players.
 */
export function runCommittee<T>(
  court: Court,
  players: readonly Player<T>[],
): { readonly results: readonly T[]; readonly spent: Spent } {
  const phases = new Map<string, number>();
  const measured = <R>(phase: string | undefined, act: () => R, nameOf?: (result: R) => string): R => {
    const before = performance.now();
    const result = act();
    const name = phase ?? nameOf?.(result) ?? '';
    phases.set(name, (phases.get(name) ?? 0) + performance.now() - before);
    return result;
  };
  const began = performance.now();
  const sessions = new Map(players.map(({ party, key }) => [party, new Session(court, party, key)]));
  const sessionOf = (party: Party): Session => sessions.get(party) as Session;
  const results: T[] = [];
  for (let first = true; results.length < players.length; first = false) {
    const frames: { readonly from: Party; readonly to: Party; readonly frame: Uint8Array }[] = [];
    for (const { party, protocol } of players) {
      const inbox = first ? undefined : measured(sessionPhase, () => sessionOf(party).inbox());
      if (!first && inbox === undefined) throw new Error('a round is not complete');
      const step = measured(
        undefined,
        () => (inbox === undefined ? protocol.next(...([] as never)) : protocol.next(inbox)),
        ({ done, value }) => (done === true ? lastPhase : value.label),
      );
      if (step.done === true) results.push(step.value);
      else
        for (const { to, frame } of measured(sessionPhase, () => sessionOf(party).open(step.value)))
          frames.push({ from: party, to, frame });
    }
    measured(sessionPhase, () => {
      for (const { from, to, frame } of frames) sessionOf(to).receive(from, frame);
    });
  }
  return { results, spent: { total: performance.now() - began, phases } };
}
