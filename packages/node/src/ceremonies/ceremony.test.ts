import { describe, expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { type Ceremony, type CeremonyEvent, type CeremonyState, isOver, propose, transition } from './ceremony.ts';

const alice = 'alice';
const bob = 'bob';
const carol = 'carol';
const everybody = new Set([alice, bob, carol]);
const result = { type: 'key', publicKey: '00', epoch: 1 } as const;

const states: Readonly<Record<CeremonyState['name'], CeremonyState>> = {
  proposed: { name: 'proposed' },
  accepted: { name: 'accepted', coordinator: alice },
  running: { name: 'running', participants: [alice, bob], round: 'commitments' },
  confirming: { name: 'confirming', participants: [alice, bob] },
  done: { name: 'done', result, participants: [alice, bob] },
  failed: { name: 'failed', code: 'timeout', reason: 'x', suspects: [], participants: [] },
};

const broke = { type: 'broke', reason: 'silence', blames: [], culprits: [], suspects: [bob] } as const;
const events: Readonly<Record<string, CeremonyEvent>> = {
  accept: { type: 'accept' },
  cancel: { type: 'cancel', code: 'cancelled', reason: 'no' },
  started: { type: 'started', participants: [bob, carol] },
  round: { type: 'round', label: 'shares' },
  prepared: { type: 'prepared' },
  finished: { type: 'finished', result },
  broke,
  stalled: { type: 'stalled' },
  joined: { type: 'joined', peer: alice },
  expired: { type: 'expired' },
};

function at(state: CeremonyState['name'], kind: Ceremony['kind'] = 'sign'): Ceremony {
  return { ...propose(kind, [alice, bob, carol]), state: states[state], registered: 1 };
}

/** The state after each event, and the effects: r(egister), a(sk), l(eave). A dash: nothing changes. */
const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  accept: { proposed: 'accepted r', accepted: '-', running: '-', confirming: '-' },
  cancel: { proposed: 'failed l', accepted: 'failed l', running: 'failed l', confirming: 'failed l' },
  started: { proposed: '-', accepted: 'running', running: '-', confirming: '-' },
  round: { proposed: '-', accepted: '-', running: 'running', confirming: '-' },
  prepared: { proposed: '-', accepted: '-', running: 'confirming', confirming: '-' },
  finished: { proposed: 'done l', accepted: 'done l', running: 'done l', confirming: 'done l' },
  broke: { proposed: '-', accepted: '-', running: 'accepted r', confirming: '-' },
  stalled: { proposed: '-', accepted: 'accepted a', running: '-', confirming: '-' },
  joined: { proposed: '-', accepted: '-', running: '-', confirming: '-' },
  expired: { proposed: 'failed l', accepted: 'failed l', running: '-', confirming: '-' },
};

const cells = Object.entries(table).flatMap(([event, row]) =>
  Object.entries({ ...row, done: '-', failed: '-' }).map(([state, outcome]) => [event, state, outcome] as const),
);

describe('a ceremony', () => {
  test.for(cells)('%s when %s: %s', ([event, state, outcome]) => {
    const before = at(state as CeremonyState['name']);
    const { ceremony, effects } = transition(before, events[event] as CeremonyEvent, everybody);
    const shown = [ceremony.state.name, ...effects.map(({ type }) => type[0])].join(' ');
    expect(ceremony === before ? '-' : shown).toBe(outcome);
    if (ceremony === before) expect(effects).toEqual([]);
  });

  test('asks the first coordinator in order that is there', () => {
    const { ceremony, effects } = transition(at('proposed'), { type: 'accept' }, new Set([bob, carol]));
    expect(effects).toEqual([{ type: 'register', coordinator: bob }]);
    expect(ceremony).toMatchObject({ registered: 2, state: { name: 'accepted', coordinator: bob } });
  });

  test('goes through all coordinators as they stall, and begins again, with the registration it made', () => {
    let ceremony = transition(at('proposed'), { type: 'accept' }, everybody).ceremony;
    const asked: string[] = [];
    for (let i = 0; i < 5; i++) {
      const step = transition(ceremony, { type: 'stalled' }, everybody);
      asked.push(
        ...step.effects.map((effect) => ('coordinator' in effect ? `${effect.type} ${effect.coordinator}` : 'leave')),
      );
      ceremony = step.ceremony;
    }
    expect(asked).toEqual(['ask bob', 'ask carol', 'ask alice', 'ask bob', 'ask carol']);
    expect(ceremony.registered).toBe(2);
  });

  test('stays alone with itself when nobody else is there', () => {
    const { ceremony } = transition({ ...at('accepted'), stalled: [alice] }, { type: 'stalled' }, new Set([alice]));
    expect(ceremony.state).toEqual({ name: 'accepted', coordinator: alice });
  });

  test('returns to a coordinator whose turn comes first when that one is back', () => {
    const before: Ceremony = { ...at('accepted'), stalled: [alice], state: { name: 'accepted', coordinator: carol } };
    const step = transition(before, { type: 'joined', peer: alice }, everybody);
    expect(step.effects).toEqual([{ type: 'ask', coordinator: alice }]);
    expect(step.ceremony).toMatchObject({ stalled: [], state: { coordinator: alice } });
    for (const peer of [carol, 'stranger'])
      expect(transition(before, { type: 'joined', peer }, everybody).ceremony).toBe(before);
  });

  test('of a signature registers anew without whoever failed; the coordinator of broken sessions is left after some', () => {
    let ceremony = at('running');
    const asked: (string | undefined)[] = [];
    for (let i = 0; i < limits.sessionsPerCoordinator + 1; i++) {
      const step = transition({ ...ceremony, state: states.running }, { ...broke, culprits: [carol] }, everybody);
      asked.push(step.effects[0]?.type === 'register' ? step.effects[0].coordinator : undefined);
      ceremony = step.ceremony;
    }
    expect(asked).toEqual([...Array.from({ length: limits.sessionsPerCoordinator - 1 }, () => alice), bob, bob]);
    expect(ceremony.avoid).toEqual([carol, bob]);
    expect(ceremony.registered).toBe(limits.sessionsPerCoordinator + 2);
  });

  test.for([
    [[], 'timeout'],
    [[carol], 'cheated'],
  ] as const)(
    'of a key fails when its session breaks, since it needs everybody: culprits %j, %s',
    ([culprits, code]) => {
      const { ceremony, effects } = transition(at('running', 'keygen'), { ...broke, culprits }, everybody);
      expect(ceremony.state).toMatchObject({ name: 'failed', code, suspects: [bob], participants: [alice, bob] });
      expect(effects).toEqual([{ type: 'leave' }]);
    },
  );

  test('that expires says whether anybody took part', () => {
    expect(transition(at('proposed'), { type: 'expired' }, everybody).ceremony.state).toMatchObject({
      code: 'expired',
    });
    expect(transition(at('accepted'), { type: 'expired' }, everybody).ceremony.state).toMatchObject({
      code: 'no-quorum',
    });
  });

  test('that is over is final', () => {
    for (const name of ['done', 'failed'] as const) {
      for (const event of Object.values(events))
        expect(transition(at(name), event, everybody).ceremony.state).toBe(states[name]);
      expect(isOver(at(name))).toBe(true);
    }
    for (const name of ['proposed', 'accepted', 'running', 'confirming'] as const) expect(isOver(at(name))).toBe(false);
  });

  test('that was finished by others names them', () => {
    const { ceremony } = transition(at('accepted'), { type: 'finished', result, participants: [carol] }, everybody);
    expect(ceremony.state).toEqual({ name: 'done', result, participants: [carol] });
  });
});
