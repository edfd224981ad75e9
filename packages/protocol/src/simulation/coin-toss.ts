import { toy } from '../groups/toy.ts';
import {
  Abort,
  type Blame,
  blame,
  broadcast,
  deliver,
  exchange,
  type Party,
  type Protocol,
  type RoundSpec,
  tryDecode,
} from '../protocol.ts';
import { type Randomness, randomScalar } from '../random.ts';
import type { Court, Rule } from '../session/court.ts';
import { kinds } from '../session/envelope.ts';
import { bytes, type Codec, choice, list, point, scalar, struct, u8, u16, vector } from '../wire/codec.ts';
import type { Scenario } from './committee.ts';

/**
 * The smallest protocol with every kind of message: parties toss a coin together by committing to a scalar, whispering
 * another one to each, and revealing the first. It exists so that the session layer can be attacked for itself.
 */
const commitCodec = struct({ coin: point(toy), pad: point(toy), memo: bytes(8) });
const whisperCodec = struct({
  pad: scalar(toy),
  hints: list(u16, 4),
  mood: choice({ calm: u8, cross: scalar(toy) }),
});
const revealCodec = struct({ coin: scalar(toy) });
const thanksCodec = vector(u8, 2);
const confirmCodec = struct({ side: u8 });

const commit = { label: 'commit', broadcast: commitCodec } as const;
const whisper = { label: 'whisper', direct: whisperCodec } as const;
const reveal = { label: 'reveal', broadcast: revealCodec, direct: thanksCodec, guarded: true } as const;
const confirm = { label: 'confirm', broadcast: confirmCodec, direct: thanksCodec } as const;

export const coinTossRounds: readonly RoundSpec[] = [commit, whisper, reveal, confirm];

/** Tosses the coin: 0 or 1, the same for all. */
export function* tossCoin(party: Party, parties: readonly Party[], randomness: Randomness): Protocol<number> {
  const coin = randomScalar(randomness, toy.order);
  const pad = randomScalar(randomness, toy.order);
  const commitments = yield* broadcast(commit, {
    coin: toy.multiplyBase(coin),
    pad: toy.multiplyBase(pad),
    memo: randomness.bytes(3),
  });

  const others = parties.filter((other) => other !== party);
  const secret = { pad, hints: [1, 2, party], mood: { type: 'cross', value: pad } } as const;
  const whispers = yield* deliver(whisper, new Map(others.map((other) => [other, secret])));
  const liars: Blame[] = [];
  for (const [other, { value, envelope }] of whispers.directs) {
    const promise = commitments.broadcasts.get(other);
    if (promise === undefined || toy.equals(toy.multiplyBase(value.pad), promise.value.pad)) continue;
    liars.push(blame(other, 'false-whisper', [promise.envelope, envelope]));
  }
  if (liars.length > 0) throw new Abort(whisper.label, liars);

  const thanks = new Map(others.map((other) => [other, [party % 256, 7] as const]));
  const reveals = yield* exchange(reveal, { coin }, thanks);
  let sum = 0n;
  for (const [other, { value, envelope }] of reveals.broadcasts) {
    const promise = commitments.broadcasts.get(other);
    sum += value.coin;
    if (promise === undefined || toy.equals(toy.multiplyBase(value.coin), promise.value.coin)) continue;
    liars.push(blame(other, 'false-opening', [promise.envelope, envelope]));
  }
  if (liars.length > 0) throw new Abort(reveal.label, liars);

  const side = Number(sum % 2n);
  yield* exchange(confirm, { side }, thanks);
  return side;
}

/** What proves a broken promise: the commitment, and the message that does not fit it. */
function broken<T>(round: number, codec: Codec<T>, opened: (value: T) => bigint, field: 'coin' | 'pad'): Rule {
  return (exhibits, _opening, accused) => {
    const [promise, opening] = exhibits;
    if (promise === undefined || opening === undefined || exhibits.length !== 2) return false;
    if (promise.from !== accused || opening.from !== accused) return false;
    if (promise.round !== 0 || promise.class !== 'broadcast' || opening.round !== round) return false;
    if (opening.class !== (round === 1 ? 'direct' : 'broadcast')) return false;
    const promised = tryDecode(commitCodec, promise.payload)?.value;
    const said = tryDecode(codec, opening.payload)?.value;
    if (promised === undefined || said === undefined) return false;
    return !toy.equals(toy.multiplyBase(opened(said)), promised[field]);
  };
}

export const coinTossRules: Court['rules'] = {
  'false-whisper': broken(1, whisperCodec, ({ pad }) => pad, 'pad'),
  'false-opening': broken(2, revealCodec, ({ coin }) => coin, 'coin'),
};

/** A committee that tosses a coin. */
export function coinToss(seed: number, parties: readonly Party[]): Scenario<number> {
  return {
    seed,
    parties,
    kind: kinds.keygen,
    rounds: coinTossRounds,
    rules: coinTossRules,
    run: (party, randomness) => tossCoin(party, parties, randomness),
  };
}
