import { ascii, concat } from '../bytes.ts';
import { blame, type Evidence, type Party, type RoundSpec } from '../protocol.ts';
import { accusationsCodec } from '../session/court.ts';
import { decodeEnvelope, type EchoEntry, type Envelope, type MessageClass } from '../session/envelope.ts';
import { type Codec, encode } from '../wire/codec.ts';
import type { Adversary, Move, Reply } from './adversary.ts';
import { type Scenario, simulate } from './committee.ts';
import { type Mutation, mutationsOf } from './mutations.ts';
import { seededStream } from './seeds.ts';

/**
 * What came of a fault. `culprit`: honest parties blame a corrupted one, and nobody waits in vain. `nobody`: nobody is
 * blamed, and somebody waits or gives up. `harmless`: every honest party ended with its result.
 */
export type Verdict = 'culprit' | 'nobody' | 'harmless';

/** One thing that one party does wrong, once. */
export interface Fault {
  readonly name: string;
  readonly culprit: Party;
  /** The message at issue. */
  readonly round: number;
  readonly label: string;
  readonly class: MessageClass;
  /** What must come of it; undefined where only the protocol's author can say. */
  readonly verdicts: readonly Verdict[] | undefined;
  readonly adversary: Adversary;
  /** Set when the fault makes sense only for a party that speaks last. */
  readonly rushing?: true;
}

type Kind = 'broadcast' | 'direct';

/**
 * Every fault of `culprit` at every message it sends: each mutation of each field, and what can be done to a message
 * without touching its content. Found by running the scenario honestly once.
 */
export function faultsOf<T>(scenario: Scenario<T>, culprit: Party): readonly Fault[] {
  const { history } = simulate({ ...scenario, corrupted: undefined, adversary: undefined });
  const sent = history.filter(({ from }) => from === culprit).map(({ frame }) => decodeEnvelope(frame));
  return scenario.rounds.flatMap((spec, round) =>
    (['broadcast', 'direct'] as const).flatMap((kind) => {
      const sample = sent.find((envelope) => envelope.round === round && envelope.class === kind);
      const codec = spec[kind];
      if (sample === undefined || codec === undefined) return [];
      const place = { culprit, round, label: spec.label, class: kind };
      return [...valueFaults(scenario, place, codec, sample), ...sessionFaults(scenario, place, spec, sample)];
    }),
  );
}

type Place = Pick<Fault, 'culprit' | 'round' | 'label' | 'class'>;

function valueFaults<T>(
  { seed, parties }: Scenario<T>,
  place: Place,
  codec: Codec<unknown>,
  sample: Envelope,
): readonly Fault[] {
  const first = parties.find((party) => party !== place.culprit) as Party;
  const mutations = (payload: Uint8Array): readonly Mutation[] =>
    mutationsOf(codec, payload, seededStream(seed, `${place.label} mutations`));
  return mutations(sample.payload).map(({ name, malformed }) => ({
    ...place,
    name,
    verdicts: malformed ? (['culprit'] as const) : undefined,
    adversary: at(place, ({ to, payload }) => {
      if (place.class === 'direct' && to !== first) return { type: 'keep' };
      const mutation = mutations(payload).find((one) => one.name === name);
      return mutation === undefined ? { type: 'keep' } : { type: 'replace', payload: mutation.payload };
    }),
  }));
}

function sessionFaults<T>(scenario: Scenario<T>, place: Place, spec: RoundSpec, sample: Envelope): readonly Fault[] {
  const { parties, seed, rounds, rules } = scenario;
  const others = parties.filter((party) => party !== place.culprit);
  const [first] = others as [Party];
  const kind = place.class as Kind;
  const last = place.round === rounds.length - 1;
  const fault = (name: string, verdicts: Fault['verdicts'], act: (move: Move) => Reply): Fault => ({
    ...place,
    name,
    verdicts,
    adversary: at(place, act),
  });
  const instead = (name: string, verdicts: Fault['verdicts'], frame: (move: Move) => Uint8Array): Fault =>
    fault(name, verdicts, (move) => ({ type: 'frames', frames: [frame(move)] }));
  const before = (name: string, frame: (move: Move) => Uint8Array): Fault =>
    fault(name, ['harmless'], (move) => ({ type: 'frames', frames: [frame(move), move.seal({})] }));
  const silence: Fault['verdicts'] = ['nobody'];
  const copied: Fault = {
    ...fault('with the value of another', undefined, ({ history, from, round }) => {
      const theirs = history
        .filter((one) => one.from !== from)
        .map(({ frame }) => decodeEnvelope(frame))
        .find((one) => one.round === round && one.class === kind);
      return theirs === undefined ? { type: 'keep' } : { type: 'replace', payload: theirs.payload };
    }),
    rushing: true,
  };

  const faults = [
    fault('withheld from all', silence, () => ({ type: 'withhold' })),
    fault('withheld from one', silence, ({ to }) => ({ type: to === first ? 'withhold' : 'keep' })),
    instead('from another session', silence, ({ seal, slot }) => seal({ slot: { sid: flip(slot.sid) } })),
    instead('from another network', silence, ({ seal, slot }) => seal({ slot: { network: flip(slot.network) } })),
    instead('of another kind', silence, ({ seal, slot }) => seal({ slot: { kind: slot.kind ^ 1 } })),
    instead('in the name of another', silence, ({ seal, to }) => seal({ slot: { from: to } })),
    instead('in the name of a stranger', silence, ({ seal }) => seal({ slot: { from: Math.max(...parties) + 1 } })),
    instead('of a far round', silence, ({ seal, slot }) => seal({ slot: { round: slot.round + 2 } })),
    instead('to somebody else', silence, ({ seal, slot }) => seal({ slot: { to: kind === 'direct' ? 0 : slot.from } })),
    instead('not signed', silence, ({ seal }) => spoil(seal({}))),
    instead('of another version', silence, ({ seal }) => concat(Uint8Array.of(2), seal({}).subarray(1))),
    instead('reflected', silence, ({ history, from, to }) =>
      heard(history, (one) => one.from === to && one.to === from),
    ),
    instead('copied whole', silence, ({ history, from }) => heard(history, (one) => one.from !== from)),
    before('after noise', ({ random }) => random.bytes(200)),
    before('after nothing', () => new Uint8Array(0)),
    before('after itself with another signature', ({ seal }) => spoil(seal({}))),
    before('after a replay of another session', ({ seal, slot }) => seal({ slot: { sid: flip(slot.sid) } })),
    before('after what the recipient said', ({ history, from, to }) =>
      heard(history, (one) => one.from === to && one.to === from),
    ),
    before('twice', ({ seal }) => seal({})),
    copied,
    instead('giving up', silence, ({ seal }) => accuse(seal, [])),
    instead('accusing in gibberish', ['culprit'], ({ seal, random }) =>
      seal({ slot: { class: 'abort', to: 0 }, echo: [], payload: random.bytes(40) }),
    ),
    instead('accusing in circles', silence, ({ seal, slot }) => {
      let frame = accuse(seal, []);
      for (let i = 0; i < 5; i++) frame = accuse(seal, [blame(slot.from, 'false-accusation', [frame]).evidence]);
      return frame;
    }),
    ...['malformed', 'equivocation', 'false-echo', 'false-accusation', 'unheard-of', ...Object.keys(rules)].map(
      (code) =>
        instead(`accusing falsely of ${code}`, ['culprit'], ({ seal, history, to }) => {
          const exhibits = history.filter(({ from }) => from === to).map(({ frame }) => frame);
          const shown =
            code === 'equivocation' || Object.hasOwn(rules, code) ? exhibits.slice(0, 2) : exhibits.slice(0, 1);
          return accuse(seal, [blame(to, code, shown).evidence]);
        }),
    ),
  ];
  const other = mutationsOf(spec[kind] as Codec<unknown>, sample.payload, seededStream(seed, 'equivocation')).find(
    ({ malformed }) => !malformed,
  );
  if (other !== undefined) {
    const undetected: readonly Verdict[] = ['culprit', 'harmless'];
    faults.push(
      fault('said twice, differently', undetected, ({ seal }) => ({
        type: 'frames',
        frames: [seal({}), seal({ payload: other.payload })],
      })),
    );
    if (kind === 'broadcast') {
      const seen: Fault['verdicts'] = last || others.length < 2 ? undefined : ['culprit'];
      faults.push(
        fault('told one party something else', seen, ({ to }) =>
          to === first ? { type: 'replace', payload: other.payload } : { type: 'keep' },
        ),
      );
    }
  }
  return [...faults, ...echoFaults(fault, place, sample, parties)];
}

/** Lies about what was received. */
function echoFaults(
  fault: (name: string, verdicts: Fault['verdicts'], act: (move: Move) => Reply) => Fault,
  { culprit }: Place,
  sample: Envelope,
  parties: readonly Party[],
): readonly Fault[] {
  const lie = (name: string, echo: (honest: readonly EchoEntry[]) => readonly EchoEntry[]): Fault =>
    fault(name, ['culprit'], (move) => ({ type: 'replace', echo: echo(move.echo) }));
  const noise: EchoEntry = { digest: new Uint8Array(32), signature: new Uint8Array(64) };
  if (sample.echo.length === 0) return [lie('with an echo that is not due', () => parties.map(() => noise))];
  const change = (at: number, by: (entry: EchoEntry) => EchoEntry) => (honest: readonly EchoEntry[]) =>
    honest.map((entry, i) => (i === at ? by(entry) : entry));
  const honest = parties.findIndex((party) => party !== culprit);
  return [
    lie('without its echo', () => []),
    lie('with a short echo', (entries) => entries.slice(1)),
    lie('with a long echo', (entries) => [...entries, noise]),
    lie('with its echo reversed', (entries) => [...entries].reverse()),
    lie(
      'echoing another digest',
      change(honest, (entry) => ({ ...entry, digest: flip(entry.digest) })),
    ),
    lie(
      'echoing another signature',
      change(honest, (entry) => ({ ...entry, signature: flip(entry.signature) })),
    ),
    lie(
      'echoing itself wrongly',
      change(parties.indexOf(culprit), (entry) => ({ ...entry, digest: flip(entry.digest) })),
    ),
  ];
}

/** Acts on one message, keeps the others, and keeps quiet about what the corrupted party itself finds out. */
function at(place: Place, act: (move: Move) => Reply): Adversary {
  return (move) => {
    if (move.class === 'abort') return { type: 'withhold' };
    return move.round === place.round && move.class === place.class && move.from === place.culprit
      ? act(move)
      : { type: 'keep' };
  };
}

function accuse(seal: Move['seal'], accusations: readonly Evidence[]): Uint8Array {
  return seal({ slot: { class: 'abort', to: 0 }, echo: [], payload: encode(accusationsCodec, accusations) });
}

/** The first frame so far that fits, or a few bytes when nobody said anything yet. */
function heard(history: Move['history'], fits: (one: Move['history'][number]) => boolean): Uint8Array {
  return history.find(fits)?.frame ?? ascii('nothing heard yet');
}

function flip(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
}

function spoil(frame: Uint8Array): Uint8Array {
  return frame.map((byte, i) => (i === frame.length - 1 ? byte ^ 1 : byte));
}
