import { describe, expect, it } from 'vitest';
import { concat } from '../bytes.ts';
import type { NodeKey, SignatureScheme } from '../primitives/signatures.ts';
import { Abort, blame, type Party, type Round } from '../protocol.ts';
import { coinToss } from '../simulation/coin-toss.ts';
import { convene } from '../simulation/committee.ts';
import { encode } from '../wire/codec.ts';
import { accusationsCodec, type Court, judge } from './court.ts';
import { bodyDigest, decodeEnvelope, type Envelope, type Slot, sealEnvelope } from './envelope.ts';
import { Session } from './session.ts';

const parties = [1, 2, 3] as const;
const { court, keys } = convene(coinToss(3, parties));
const key = (party: Party): NodeKey => keys.get(party) as NodeKey;
const others = (party: Party): readonly Party[] => parties.filter((other) => other !== party);

/** What `party` says in a round of the coin toss; the session does not look inside. */
function roundOf(party: Party, index: number, word = 'x'): Round {
  const spec = coinToss(3, parties).rounds[index] as (typeof court.rounds)[number];
  const body = Uint8Array.of(party, index, word.charCodeAt(0));
  return {
    label: spec.label,
    broadcast: spec.broadcast && body,
    direct: spec.direct && new Map(others(party).map((to) => [to, body])),
    expects: { broadcast: spec.broadcast !== undefined, direct: spec.direct !== undefined },
    guarded: spec.guarded ?? false,
  };
}

/** Three sessions, and what each sent to each in the rounds so far. */
class Table {
  readonly sessions: ReadonlyMap<Party, Session>;
  readonly sent = new Map<string, readonly Uint8Array[]>();

  constructor(at: Court = court, keyOf = key) {
    this.sessions = new Map(parties.map((party) => [party, new Session(at, party, keyOf(party))]));
  }

  of(party: Party): Session {
    return this.sessions.get(party) as Session;
  }

  open(party: Party, index: number): void {
    const out = this.of(party).open(roundOf(party, index));
    for (const to of others(party)) {
      const frames = out.filter((one) => one.to === to).map(({ frame }) => frame);
      this.sent.set(`${index}/${party}/${to}`, frames);
    }
  }

  /** The first frame from one party to another in a round. */
  frame(index: number, from: Party, to: Party, which = 0): Uint8Array {
    return this.sent.get(`${index}/${from}/${to}`)?.[which] as Uint8Array;
  }

  deliver(index: number, from: Party, to: Party): void {
    for (const frame of this.sent.get(`${index}/${from}/${to}`) ?? []) {
      const verdict = this.of(to).receive(from, frame);
      if (verdict !== 'accepted') throw new Error(`a frame from ${from} to ${to} is ${verdict}`);
    }
  }

  /** Everybody opens, hears and completes rounds 0 to `last`. */
  play(last: number): this {
    for (let index = 0; index <= last; index++) {
      for (const party of parties) this.open(party, index);
      for (const party of parties) for (const to of others(party)) this.deliver(index, party, to);
      if (parties.some((party) => this.of(party).inbox() === undefined))
        throw new Error(`round ${index} is not complete`);
    }
    return this;
  }
}

function resealed(frame: Uint8Array, change: Partial<Envelope>, by?: Party): Uint8Array {
  const envelope: Envelope = { ...decodeEnvelope(frame), ...change };
  return sealEnvelope(envelope, envelope.echo, envelope.payload, key(by ?? envelope.from)).frame;
}

/** The Abort that `act` throws, whose evidence holds in court. */
function abortOf(act: () => unknown): Abort {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Abort)) throw error;
    for (const { party, code, evidence } of error.blames) {
      expect(evidence).toMatchObject({ accused: party, code });
      expect(judge(court, evidence)).toBe(true);
    }
    return error;
  }
  throw new Error('nothing was thrown');
}

const blamed = (act: () => unknown): string => {
  const { blames } = abortOf(act);
  return blames.map(({ party, code }) => `${party} ${code}`).join();
};

describe('a session', () => {
  it('brings what everybody said, and the same transcript to all', () => {
    const table = new Table();
    const transcripts: string[][] = [];
    for (let index = 0; index < 4; index++) {
      for (const party of parties) table.open(party, index);
      for (const party of parties) for (const to of others(party)) table.deliver(index, party, to);
      const inboxes = parties.map((party) => table.of(party).inbox());
      const { broadcast, direct } = roundOf(1, index);
      for (const [i, inbox] of inboxes.entries()) {
        const heardAll = [...(inbox?.broadcasts.keys() ?? [])];
        const heardDirectly = [...(inbox?.directs.keys() ?? [])];
        expect(heardAll).toEqual(broadcast === undefined ? [] : parties);
        expect(heardDirectly).toEqual(direct === undefined ? [] : others(parties[i] as Party));
        for (const [from, { payload, envelope }] of [...(inbox?.broadcasts ?? []), ...(inbox?.directs ?? [])]) {
          expect(payload).toEqual(Uint8Array.of(from, index, 120));
          expect(decodeEnvelope(envelope).from).toBe(from);
        }
      }
      transcripts.push([...new Set(inboxes.map((inbox) => String(inbox?.transcript)))]);
    }
    expect(transcripts.map(({ length }) => length)).toEqual([1, 1, 1, 1]);
    // Only broadcasts move it.
    expect(new Set(transcripts.flat()).size).toBe(3);
    expect(transcripts[1]).toEqual(transcripts[0]);
  });

  it('waits for everybody, and says for whom', () => {
    const table = new Table();
    expect(table.of(1).missing()).toEqual([]);
    expect(table.of(1).inbox()).toBeUndefined();
    for (const party of parties) table.open(party, 0);
    expect(table.of(1).missing()).toEqual([2, 3]);
    table.deliver(0, 3, 1);
    expect(table.of(1).missing()).toEqual([2]);
    expect(table.of(1).inbox()).toBeUndefined();
    table.deliver(0, 2, 1);
    expect(table.of(1).missing()).toEqual([]);
    expect(table.of(1).inbox()).toBe(table.of(1).inbox());
  });

  it('waits for both messages of a round that has two', () => {
    const table = new Table().play(1);
    for (const party of parties) table.open(party, 2);
    expect(table.of(1).receive(2, table.frame(2, 2, 1, 0))).toBe('accepted');
    table.deliver(2, 3, 1);
    expect(table.of(1).missing()).toEqual([2]);
    expect(table.of(1).receive(2, table.frame(2, 2, 1, 1))).toBe('accepted');
    expect(table.of(1).missing()).toEqual([]);
  });

  it('keeps messages that come a round early, in any order', () => {
    const table = new Table();
    for (const party of parties) table.open(party, 0);
    for (const [from, to] of [
      [1, 2],
      [3, 2],
      [1, 3],
      [2, 3],
    ] as const)
      table.deliver(0, from, to);
    table.open(2, 1);
    table.open(3, 1);
    table.deliver(1, 3, 1);
    table.deliver(1, 2, 1);
    expect(table.of(1).inbox()).toBeUndefined();
    table.deliver(0, 3, 1);
    table.deliver(0, 2, 1);
    expect(table.of(1).inbox()?.broadcasts.size).toBe(3);
    table.open(1, 1);
    expect(table.of(1).inbox()?.directs.size).toBe(2);
  });
});

describe('a frame changes nothing', () => {
  const table = new Table().play(1);
  const session = table.of(1);
  for (const party of parties) table.open(party, 2);
  const frame = table.frame(2, 2, 1);
  const direct = table.frame(2, 2, 1, 1);

  it.each<[string, Party, Uint8Array]>([
    ['noise', 2, new Uint8Array(300)],
    ['spoilt', 2, frame.map((byte, i) => (i === frame.length - 1 ? byte ^ 1 : byte))],
    ['from another session', 2, resealed(frame, { sid: court.network })],
    ['from another network', 2, resealed(frame, { network: court.sid })],
    ['of another kind', 2, resealed(frame, { kind: 77 })],
    ['over the connection of another', 3, frame],
    ['in the name of another', 2, resealed(frame, { from: 3 }, 2)],
    ['our own, reflected', 2, table.frame(2, 1, 2)],
    ['our own, from ourselves', 1, table.frame(2, 1, 2)],
    ['an abort in the name of another', 2, resealed(frame, { class: 'abort', from: 3 }, 2)],
  ])('when it is foreign: %s', (_, from, bytes) => {
    expect(session.receive(from, bytes)).toBe('foreign');
    expect(session.missing()).toEqual([2, 3]);
  });

  it.each<[string, Uint8Array]>([
    ['of a past round', table.frame(1, 2, 1)],
    ['of a round two ahead', resealed(frame, { round: 4 })],
    ['of a round that the protocol does not have', resealed(frame, { round: 255 })],
    ['direct, to another', resealed(direct, { to: 3 })],
  ])('when it is misplaced: %s', (_, bytes) => {
    expect(session.receive(2, bytes)).toBe('misplaced');
    expect(session.missing()).toEqual([2, 3]);
  });

  it('when it is misplaced: two rounds ahead, or of a class that the next round does not have', () => {
    const early = new Table().play(0);
    for (const round of [1, 2]) {
      const ahead = resealed(early.frame(0, 2, 1), { round, payload: new Uint8Array(9) });
      expect(early.of(1).receive(2, ahead)).toBe('misplaced');
    }
  });

  it('of a class that the open round does not have', () => {
    const early = new Table().play(0);
    for (const party of parties) early.open(party, 1);
    expect(early.of(1).receive(2, resealed(early.frame(1, 2, 1), { class: 'broadcast', to: 0 }))).toBe('misplaced');
  });

  it('when it came before', () => {
    expect(session.receive(2, frame)).toBe('accepted');
    expect(session.receive(2, frame)).toBe('duplicate');
    expect(session.receive(2, direct)).toBe('accepted');
    expect(session.receive(2, direct)).toBe('duplicate');
    expect(session.missing()).toEqual([3]);
  });
});

describe('whoever says two things in one place', () => {
  it('is blamed when both arrive: broadcast, direct, early or not', () => {
    const table = new Table();
    for (const party of parties) table.open(party, 0);
    const session = table.of(1);
    const twice = (frame: Uint8Array) => (): unknown => {
      session.receive(2, frame);
      return session.receive(2, resealed(frame, { payload: new Uint8Array(9) }));
    };
    expect(blamed(twice(table.frame(0, 2, 1)))).toBe('2 equivocation');
    for (const [from, to] of [
      [1, 2],
      [3, 2],
    ] as const)
      table.deliver(0, from, to);
    table.open(2, 1);
    expect(blamed(twice(table.frame(1, 2, 1)))).toBe('2 equivocation');
  });

  it('is blamed when another heard something else, as its echo shows', () => {
    for (const early of [false, true]) {
      const table = new Table();
      for (const party of parties) table.open(party, 0);
      const other = resealed(table.frame(0, 3, 2), { payload: new Uint8Array(9) });
      table.of(2).receive(3, other);
      table.deliver(0, 1, 2);
      table.open(2, 1);
      if (early) table.deliver(1, 2, 1);
      table.deliver(0, 2, 1);
      table.deliver(0, 3, 1);
      expect(table.of(1).inbox()).toBeDefined();
      expect(blamed(() => (early ? table.open(1, 1) : [table.open(1, 1), table.deliver(1, 2, 1)]))).toBe(
        '3 equivocation',
      );
    }
  });

  it('is not blamed for signing the same words twice', () => {
    // A signature scheme that, unlike Ed25519's usual signers, never signs twice alike.
    let salt = 0;
    const saltedKey = (party: Party): NodeKey => ({
      publicKey: key(party).publicKey,
      sign: (message) => {
        const tail = Uint8Array.of(salt++, 1);
        return concat(key(party).sign(concat(message, tail)).subarray(0, 62), tail);
      },
    });
    const salted: SignatureScheme = {
      name: 'salted',
      verify: (publicKey, message, signature) => {
        const signer = parties.find((party) => key(party).publicKey === publicKey) as Party;
        const whole = key(signer).sign(concat(message, signature.subarray(62)));
        return String(whole.subarray(0, 62)) === String(signature.subarray(0, 62));
      },
    };
    const table = new Table({ ...court, signatures: salted }, saltedKey);
    for (const party of parties) table.open(party, 0);
    const envelope = decodeEnvelope(table.frame(0, 3, 2));
    const again = sealEnvelope(envelope, envelope.echo, envelope.payload, saltedKey(3)).frame;
    expect(again).not.toEqual(table.frame(0, 3, 2));
    expect(table.of(2).receive(3, again)).toBe('accepted');
    expect(table.of(2).receive(3, table.frame(0, 3, 2))).toBe('duplicate');
    table.deliver(0, 1, 2);
    table.deliver(0, 2, 1);
    table.deliver(0, 3, 1);
    table.open(1, 1);
    table.open(2, 1);
    table.deliver(1, 2, 1);
  });

  it('may be ourselves only if our key is in use elsewhere, which is no one’s fault but ours', () => {
    const table = new Table();
    for (const party of parties) table.open(party, 0);
    table.of(2).receive(1, resealed(table.frame(0, 1, 2), { payload: new Uint8Array(9) }));
    table.deliver(0, 3, 2);
    table.open(2, 1);
    table.deliver(0, 2, 1);
    table.deliver(0, 3, 1);
    table.open(1, 1);
    expect(() => table.of(1).receive(2, table.frame(1, 2, 1))).toThrow(/the node key is in use elsewhere/);
  });
});

describe('an echo', () => {
  const echoing = (change: (echo: Envelope['echo']) => Envelope['echo'], early: boolean) => (): unknown => {
    const table = new Table();
    for (const party of parties) table.open(party, 0);
    for (const [from, to] of [
      [1, 2],
      [3, 2],
      [2, 1],
    ] as const)
      table.deliver(0, from, to);
    table.open(2, 1);
    const honest = table.frame(1, 2, 1);
    const lie = resealed(honest, { echo: change(decodeEnvelope(honest).echo) });
    if (early) expect(table.of(1).receive(2, lie)).toBe('accepted');
    table.deliver(0, 3, 1);
    table.open(1, 1);
    return table.of(1).receive(2, lie);
  };

  it.each<[string, (echo: Envelope['echo']) => Envelope['echo']]>([
    ['that is missing', () => []],
    ['that is too short', (echo) => echo.slice(0, 2)],
    ['that is too long', (echo) => [...echo, ...echo]],
    [
      'of what we never said',
      ([a, ...rest]) => [{ ...(a as Envelope['echo'][number]), digest: new Uint8Array(32) }, ...rest],
    ],
    [
      'with a forged signature',
      ([a, ...rest]) => [{ ...(a as Envelope['echo'][number]), signature: new Uint8Array(64) }, ...rest],
    ],
    [
      'of what the third never said',
      ([a, b, c]) => [a, b, { ...(c as Envelope['echo'][number]), digest: new Uint8Array(32) }] as Envelope['echo'],
    ],
    [
      'of what it never said itself',
      ([a, b, c]) => [a, { ...(b as Envelope['echo'][number]), digest: new Uint8Array(32) }, c] as Envelope['echo'],
    ],
  ])('%s is blamed on whoever signed it', (_, change) => {
    expect(blamed(echoing(change, false))).toBe('2 false-echo');
    expect(blamed(echoing(change, true))).toBe('2 false-echo');
  });

  it('where none is due is false', () => {
    const table = new Table();
    for (const party of parties) table.open(party, 0);
    const frame = table.frame(0, 2, 1);
    const entry = { digest: new Uint8Array(32), signature: new Uint8Array(64) };
    expect(blamed(() => table.of(1).receive(2, resealed(frame, { echo: [entry, entry, entry] })))).toBe('2 false-echo');
  });

  it('is of the body as it was received', () => {
    const table = new Table().play(0);
    table.open(2, 1);
    const { echo } = decodeEnvelope(table.frame(1, 2, 1));
    const heard = decodeEnvelope(table.frame(0, 3, 2));
    expect(echo[2]).toEqual({ digest: bodyDigest(heard.echo, heard.payload), signature: heard.signature });
  });
});

describe('whoever stops', () => {
  const table = new Table().play(0);
  const session = table.of(1);
  const slot: Slot = { ...decodeEnvelope(table.frame(0, 2, 1)), class: 'abort' };
  const saying = (payload: Uint8Array): Uint8Array => sealEnvelope(slot, [], payload, key(2)).frame;
  const accusing = (...blames: readonly ReturnType<typeof blame>[]): Uint8Array =>
    saying(
      encode(
        accusationsCodec,
        blames.map(({ evidence }) => evidence),
      ),
    );
  const malformed = blame(3, 'malformed', [resealed(table.frame(0, 3, 1), { payload: new Uint8Array(9) })]);
  const groundless = blame(3, 'equivocation', [table.frame(0, 3, 1)]);

  it('without a reason is named, and not blamed', () => {
    const abort = abortOf(() => session.receive(2, accusing()));
    expect(abort).toMatchObject({ blames: [], informant: 2, round: 'commit' });
  });

  it('with a proof is believed, and the proof is passed on', () => {
    const abort = abortOf(() => session.receive(2, accusing(malformed)));
    expect(abort).toMatchObject({ culprits: [3], informant: 2 });
    const [{ to, frame }] = session.leave(abort) as [{ to: Party; frame: Uint8Array }];
    expect(to).toBe(2);
    const heard = abortOf(() => table.of(3).receive(1, frame));
    expect(heard).toMatchObject({ culprits: [3], informant: 1 });
  });

  it('without a proof for all that it says is to blame itself', () => {
    expect(blamed(() => session.receive(2, accusing(groundless)))).toBe('2 false-accusation');
    expect(blamed(() => session.receive(2, accusing(malformed, groundless)))).toBe('2 false-accusation');
    expect(blamed(() => session.receive(2, saying(new Uint8Array(3))))).toBe('2 false-accusation');
    expect(abortOf(() => session.receive(2, accusing(groundless))).informant).toBeUndefined();
  });

  it('with more than we could pass on has merely given up', () => {
    let frame = accusing(groundless);
    for (let i = 0; i < 3; i++) frame = accusing(blame(2, 'false-accusation', [frame]));
    expect(abortOf(() => session.receive(2, frame))).toMatchObject({ blames: [], informant: 2 });
    const large = Array.from({ length: 14 }, () => blame(3, 'unheard-of', [], new Uint8Array(64 * 1024)));
    expect(abortOf(() => session.receive(2, accusing(...large)))).toMatchObject({ blames: [], informant: 2 });
  });

  it('before the first round can say so too', () => {
    const early = new Session(court, 1, key(1));
    const out = early.leave(new Abort('start', []));
    expect(out.map(({ to }) => to)).toEqual([2, 3]);
    const abort = abortOf(() => new Session(court, 2, key(2)).receive(1, (out[0] as { frame: Uint8Array }).frame));
    expect(abort).toMatchObject({ blames: [], informant: 1, round: 'start' });
    expect(early.open(roundOf(1, 0)).length).toBe(2);
  });
});

describe('a protocol that is not the one the court knows', () => {
  const session = (): Session => new Session(court, 1, key(1));
  it.each<[string, Partial<Round>]>([
    ['another label', { label: 'other' }],
    ['no broadcast', { broadcast: undefined }],
    ['a broadcast that it does not expect', { expects: { broadcast: false, direct: false } }],
    ['direct messages that it does not expect', { direct: new Map([[2, new Uint8Array(1)]]) }],
    ['direct messages that are missing', { expects: { broadcast: true, direct: true } }],
    [
      'direct messages that the court does not',
      { expects: { broadcast: true, direct: true }, direct: roundOf(1, 1).direct },
    ],
  ])('is a bug: %s', (_, change) => {
    expect(() => session().open({ ...roundOf(1, 0), ...change })).toThrow(/not the one that the session's court knows/);
  });

  it('is a bug: a broadcast that the court does not expect', () => {
    const round = { ...roundOf(1, 1), broadcast: new Uint8Array(1), expects: { broadcast: true, direct: true } };
    expect(() => new Table().play(0).of(1).open(round)).toThrow(/court knows/);
  });

  it('is a bug: somebody gets no direct message, or there is a round too many', () => {
    const table = new Table().play(0);
    expect(() => table.of(1).open({ ...roundOf(1, 1), direct: new Map([[2, new Uint8Array(1)]]) })).toThrow(
      /court knows/,
    );
    expect(() => new Table().play(3).of(1).open(roundOf(1, 0))).toThrow(/court knows/);
  });
});
