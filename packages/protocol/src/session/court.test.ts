import { describe, expect, it } from 'vitest';
import { concat } from '../bytes.ts';
import type { NodeKey } from '../primitives/signatures.ts';
import { Abort, type Blame, blame, type Evidence, type Party } from '../protocol.ts';
import { coinToss } from '../simulation/coin-toss.ts';
import { convene, simulate } from '../simulation/committee.ts';
import { seededStream } from '../simulation/seeds.ts';
import { slander } from '../simulation/slander.ts';
import { encode } from '../wire/codec.ts';
import { accusationsCodec, accusationsOf, admit, type Court, echoOf, evidenceCodec, followed, judge } from './court.ts';
import { decodeEnvelope, type EchoEntry, type Envelope, MAX_MESSAGE, type Slot, sealEnvelope } from './envelope.ts';
import { Session } from './session.ts';

const scenario = coinToss(11, [1, 2, 3]);
const { court, keys } = convene(scenario);
const frames = simulate(scenario).history;
const [honest, liar, third] = [1, 2, 3] as const;

/** What `from` really sent in a round. */
function said(from: Party, round: number, kind: 'broadcast' | 'direct' = 'broadcast'): Uint8Array {
  const found = frames.find(({ frame }) => {
    const envelope = decodeEnvelope(frame);
    return envelope.from === from && envelope.round === round && envelope.class === kind;
  });
  return (found as { frame: Uint8Array }).frame;
}

/** A true message with something else in it, signed by `by`. */
function resealed(
  frame: Uint8Array,
  change: Partial<Slot> & { echo?: readonly EchoEntry[]; payload?: Uint8Array },
  by?: Party,
): Uint8Array {
  const envelope: Envelope = { ...decodeEnvelope(frame), ...change };
  return sealEnvelope(envelope, envelope.echo, envelope.payload, keys.get(by ?? envelope.from) as NodeKey).frame;
}

const convicts = (accused: Party, code: string, ...exhibits: Uint8Array[]): boolean =>
  judge(court, blame(accused, code, exhibits).evidence);

const nonsense = new Uint8Array(5);
const accusing = (by: Party, ...accusations: Evidence[]): Uint8Array =>
  resealed(said(by, 0), { class: 'abort', payload: encode(accusationsCodec, accusations) });

describe('what a court looks at', () => {
  const frame = said(liar, 0);
  it('is what a party signed in this session, and nothing else', () => {
    expect(admit(court, frame)?.from).toBe(liar);
    const others: Record<string, Uint8Array> = {
      noise: nonsense,
      'cut short': frame.slice(0, -1),
      'another network': resealed(frame, { network: court.sid }),
      'another session': resealed(frame, { sid: court.network }),
      'another kind': resealed(frame, { kind: 9 }),
      'a stranger': resealed(frame, { from: 4 }, liar),
      'in the name of another': resealed(frame, { from: honest }, liar),
      'a broadcast to one': resealed(frame, { to: 1 }),
      'an abort to one': resealed(frame, { class: 'abort', to: 1 }),
      'a direct message to all': resealed(said(liar, 1, 'direct'), { to: 0 }),
      'a direct message to itself': resealed(said(liar, 1, 'direct'), { to: liar }),
      'a direct message to a stranger': resealed(said(liar, 1, 'direct'), { to: 4 }),
    };
    for (const [name, other] of Object.entries(others)) expect(admit(court, other), name).toBeUndefined();
  });

  it('comes from those who take part, even when more keys are known', () => {
    const smaller: Court = { ...court, parties: [1, 3] };
    expect(admit(smaller, frame)).toBeUndefined();
    expect(judge(smaller, blame(liar, 'malformed', [resealed(frame, { payload: nonsense })]).evidence)).toBe(false);
  });
});

describe('malformed', () => {
  const bad = resealed(said(liar, 0), { payload: nonsense });
  it('is a message that does not decode', () => {
    expect(convicts(liar, 'malformed', bad)).toBe(true);
    expect(convicts(liar, 'malformed', resealed(said(liar, 1, 'direct'), { payload: nonsense }))).toBe(true);
    expect(
      convicts(
        liar,
        'malformed',
        resealed(said(liar, 2), { payload: concat(decodeEnvelope(said(liar, 2)).payload, Uint8Array.of(0)) }),
      ),
    ).toBe(true);
  });
  it('is nothing else', () => {
    expect(convicts(liar, 'malformed', said(liar, 0))).toBe(false);
    expect(convicts(honest, 'malformed', bad)).toBe(false);
    expect(convicts(liar, 'malformed')).toBe(false);
    expect(convicts(liar, 'malformed', bad, bad)).toBe(false);
    expect(convicts(liar, 'malformed', bad.slice(0, -1))).toBe(false);
    expect(convicts(4, 'malformed', bad)).toBe(false);
  });
  it('has no meaning where the protocol expects no message', () => {
    expect(convicts(liar, 'malformed', resealed(bad, { round: 1 }))).toBe(false);
    expect(convicts(liar, 'malformed', resealed(bad, { round: 4 }))).toBe(false);
    expect(convicts(liar, 'malformed', resealed(bad, { class: 'abort' }))).toBe(false);
  });
});

describe('equivocation', () => {
  const one = said(liar, 0);
  const two = resealed(one, { payload: decodeEnvelope(said(third, 0)).payload });
  const echo = decodeEnvelope(said(third, 1, 'direct')).echo;
  const { signature } = decodeEnvelope(two);
  it('is two bodies in one slot, however they are seen', () => {
    expect(convicts(liar, 'equivocation', one, two)).toBe(true);
    const secondEntry = sealEnvelope(
      decodeEnvelope(two),
      decodeEnvelope(two).echo,
      decodeEnvelope(two).payload,
      keys.get(liar) as NodeKey,
    ).entry;
    const echoing = resealed(said(third, 1, 'direct'), {
      echo: [echo[0] as EchoEntry, secondEntry, echo[2] as EchoEntry],
    });
    expect(signature).toEqual(secondEntry.signature);
    expect(convicts(liar, 'equivocation', one, echoing)).toBe(true);
    expect(convicts(liar, 'equivocation', said(honest, 1, 'direct'), echoing)).toBe(true);
    expect(convicts(third, 'equivocation', one, echoing)).toBe(false);
  });
  it('is not the same body twice, nor two slots, nor what only another says', () => {
    expect(convicts(liar, 'equivocation', one)).toBe(false);
    expect(convicts(liar, 'equivocation', one, one)).toBe(false);
    expect(convicts(liar, 'equivocation', one, said(liar, 2))).toBe(false);
    expect(convicts(liar, 'equivocation', said(liar, 2), resealed(one, { round: 3 }))).toBe(false);
    const direct = said(liar, 1, 'direct');
    const elsewhere = decodeEnvelope(direct).to === honest ? third : honest;
    expect(convicts(liar, 'equivocation', direct, resealed(direct, { to: elsewhere, payload: nonsense }))).toBe(false);
    expect(convicts(liar, 'equivocation', direct, resealed(direct, { payload: nonsense }))).toBe(true);
    expect(convicts(honest, 'equivocation', one, two)).toBe(false);
    const invented = { digest: new Uint8Array(32), signature: (echo[0] as EchoEntry).signature };
    const framing = resealed(said(liar, 1, 'direct'), { echo: [invented, echo[1] as EchoEntry, echo[2] as EchoEntry] });
    expect(convicts(honest, 'equivocation', said(honest, 0), framing)).toBe(false);
  });
  it('is not giving up twice', () => {
    const gaveUp = accusing(liar);
    const again = accusing(liar, blame(third, 'malformed', [said(third, 0)]).evidence);
    expect(convicts(liar, 'equivocation', gaveUp, again)).toBe(false);
  });
});

describe('false echo', () => {
  const direct = said(liar, 1, 'direct');
  const { echo } = decodeEnvelope(direct);
  const with_ = (changed: readonly EchoEntry[]): Uint8Array => resealed(direct, { echo: changed });
  it('is an echo of the wrong length, or of what nobody said', () => {
    expect(convicts(liar, 'false-echo', with_([]))).toBe(true);
    expect(convicts(liar, 'false-echo', with_(echo.slice(1)))).toBe(true);
    expect(convicts(liar, 'false-echo', with_([...echo, echo[0] as EchoEntry]))).toBe(true);
    expect(convicts(liar, 'false-echo', with_([...echo].reverse()))).toBe(true);
    expect(convicts(liar, 'false-echo', resealed(said(liar, 0), { echo }))).toBe(true);
    expect(convicts(liar, 'false-echo', resealed(said(liar, 2, 'direct'), { echo }))).toBe(true);
  });
  it('is nothing else', () => {
    expect(convicts(liar, 'false-echo', direct)).toBe(false);
    for (const round of [0, 2, 3]) expect(convicts(liar, 'false-echo', said(liar, round))).toBe(false);
    expect(convicts(honest, 'false-echo', with_([]))).toBe(false);
    expect(convicts(liar, 'false-echo', with_([]), with_([]))).toBe(false);
    expect(convicts(liar, 'false-echo', resealed(accusing(liar), { echo }))).toBe(false);
  });
  it('is due after a broadcast round only, with the first message', () => {
    const echoed = (round: number, kind: 'broadcast' | 'direct'): number =>
      decodeEnvelope(said(liar, round, kind)).echo.length;
    expect([
      echoed(0, 'broadcast'),
      echoed(1, 'direct'),
      echoed(2, 'broadcast'),
      echoed(2, 'direct'),
      echoed(3, 'broadcast'),
      echoed(3, 'direct'),
    ]).toEqual([0, 3, 0, 0, 3, 0]);
    expect(echoOf(court, { ...decodeEnvelope(direct), round: 0 }, liar)).toBeUndefined();
  });
});

describe('false accusation', () => {
  const groundless = blame(honest, 'malformed', [said(honest, 0)]).evidence;
  const true_ = blame(third, 'malformed', [resealed(said(third, 0), { payload: nonsense })]).evidence;
  it('is an abort that proves nothing, in part or as a whole', () => {
    expect(convicts(liar, 'false-accusation', accusing(liar, groundless))).toBe(true);
    expect(convicts(liar, 'false-accusation', accusing(liar, true_, groundless))).toBe(true);
    expect(convicts(liar, 'false-accusation', resealed(accusing(liar), { payload: nonsense }))).toBe(true);
  });
  it('is nothing else', () => {
    expect(convicts(liar, 'false-accusation', accusing(liar, true_))).toBe(false);
    expect(convicts(liar, 'false-accusation', accusing(liar))).toBe(false);
    expect(convicts(honest, 'false-accusation', accusing(liar, groundless))).toBe(false);
    expect(convicts(liar, 'false-accusation', said(liar, 0))).toBe(false);
    expect(convicts(liar, 'false-accusation', accusing(liar, groundless), accusing(liar, groundless))).toBe(false);
  });
  it('may be said of a false accusation, but not for ever', () => {
    const wrapped = (inner: Uint8Array, by: Party, of: Party): Uint8Array =>
      accusing(by, blame(of, 'false-accusation', [inner]).evidence);
    const lie = accusing(liar, groundless);
    const truth = wrapped(lie, honest, liar);
    expect(convicts(honest, 'false-accusation', truth)).toBe(false);
    const counter = wrapped(truth, third, honest);
    expect(convicts(third, 'false-accusation', counter)).toBe(false); // true, but nested three deep
    expect(convicts(liar, 'false-accusation', resealed(truth, { from: liar }))).toBe(false);
    const deceit = wrapped(accusing(honest, true_), third, honest);
    expect(convicts(third, 'false-accusation', deceit)).toBe(true);
    let deep = lie;
    for (let i = 0; i < 300; i++) deep = wrapped(deep, liar, liar);
    expect(convicts(liar, 'false-accusation', deep)).toBe(false);
    expect(followed(decodeEnvelope(deep).payload)).toBeUndefined();
    expect(followed(decodeEnvelope(lie).payload)?.accusations).toEqual([groundless]);
    expect(followed(decodeEnvelope(truth).payload)).toBeDefined();
    expect(followed(decodeEnvelope(counter).payload)).toBeUndefined();
    expect(followed(nonsense)).toEqual({ accusations: undefined });
  });
});

describe('a code of the protocol', () => {
  it('is judged by its rule, and unknown codes prove nothing', () => {
    const open = resealed(said(liar, 2), { payload: decodeEnvelope(said(third, 2)).payload });
    expect(convicts(liar, 'false-opening', said(liar, 0), open)).toBe(true);
    expect(convicts(liar, 'false-opening', said(liar, 0), said(liar, 2))).toBe(false);
    for (const code of ['false', 'constructor', 'toString', '__proto__', '']) {
      expect(convicts(liar, code, said(liar, 0), open)).toBe(false);
    }
  });
  it('never sees an exhibit that was not signed in this session', () => {
    const gullible: Court = { ...court, rules: { gullible: () => true } };
    const by = (...exhibits: Uint8Array[]): boolean => judge(gullible, blame(liar, 'gullible', exhibits).evidence);
    expect(by()).toBe(true);
    expect(by(said(liar, 0), said(third, 0))).toBe(true);
    expect(by(said(liar, 0), nonsense)).toBe(false);
    expect(judge(gullible, blame(4, 'gullible', []).evidence)).toBe(false);
  });
});

describe('an abort', () => {
  const bad = (party: Party, length: number): Blame =>
    blame(party, 'malformed', [resealed(said(party, 0), { payload: new Uint8Array(length) })]);
  it('tells as much as fits, and is always fit to be passed on', () => {
    const large = [1, 2, 3].map((party) => bad(party, MAX_MESSAGE));
    const told = followed(accusationsOf(large.map(({ evidence }) => evidence)))?.accusations;
    expect(told).toEqual(large.slice(0, 2).map(({ evidence }) => evidence));
    const many = Array.from({ length: 150 }, () => bad(1, 3).evidence);
    expect(followed(accusationsOf(many))?.accusations?.length).toBe(100);
    expect(followed(accusationsOf([]))?.accusations).toEqual([]);
  });
  it('of the largest size can still be shown to be false, by an abort that others follow', () => {
    const filler = (opening: number): Evidence => blame(third, 'unheard-of', [], new Uint8Array(opening)).evidence;
    const room = 800 * 1024 - 2;
    const one = encode(evidenceCodec, filler(0)).length;
    const fill = Array.from({ length: 12 }, () => filler(64 * 1024));
    const payload = encode(accusationsCodec, [...fill, filler(room - 12 * (one + 64 * 1024) - one)]);
    expect(payload.length).toBe(800 * 1024);
    const lie = resealed(accusing(liar), { payload });
    const reply = new Session(court, honest, keys.get(honest) as NodeKey);
    let abort: unknown;
    try {
      reply.receive(liar, lie);
    } catch (error) {
      abort = error;
    }
    expect((abort as Abort).culprits).toEqual([liar]);
    const [{ frame }] = reply.leave(abort as Abort) as readonly { frame: Uint8Array }[] as [{ frame: Uint8Array }];
    expect(followed(decodeEnvelope(frame).payload)?.accusations?.map(({ accused }) => accused)).toEqual([liar]);
    const larger = encode(accusationsCodec, [...fill, filler(room - 12 * (one + 64 * 1024) - one + 1)]);
    expect(followed(larger)).toBeUndefined();
  });
});

describe('whatever a liar brings forward', () => {
  it.each([1, 2, 3, 4])('convicts nobody who is honest (seed %i)', (seed) => {
    slander(coinToss(seed, [1, 2, 3, 4]), 4, 1500, seededStream(seed, 'slander'));
  });
  it('would be noticed', () => {
    const gullible = { ...scenario, rules: { gullible: () => true } };
    expect(() => slander(gullible, 3, 200, seededStream(1, 'slander'))).toThrow(/is convicted of gullible/);
  });
});
