import { blame, type Party, type RoundSpec } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import { accusationsCodec } from '../session/court.ts';
import { encode } from '../wire/codec.ts';
import type { Adversary, Move, Reply } from './adversary.ts';
import { mutationsOf } from './mutations.ts';

/**
 * An adversary without a plan: its parties mostly keep to the protocol, and now and then do any one thing wrong, alone or
 * together. How often, and which kinds of wrong, is drawn once per run, so that runs differ in kind (swarm testing).
 *
 * @param random drawn from for everything; give each seed its own
 */
export function swarm(rounds: readonly RoundSpec[], random: Randomness): Adversary {
  const below = (limit: number): number => random.bytes(3).reduce((value, byte) => value * 256 + byte, 0) % limit;
  const any = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const rate = any([2, 5, 20]);
  const repertoire = [mutate, echo, replay, repeat, accuse, silence, misplace].filter(() => below(2) === 0);

  function mutate({ class: kind, payload, round }: Move): Reply {
    const codec = kind === 'abort' ? accusationsCodec : rounds[round]?.[kind];
    return codec === undefined
      ? { type: 'keep' }
      : { type: 'replace', payload: any(mutationsOf(codec, payload, random)).payload };
  }

  function echo({ echo: entries }: Move): Reply {
    if (entries.length === 0) return { type: 'keep' };
    const at = below(entries.length);
    const noise = { digest: random.bytes(32), signature: random.bytes(64) };
    return { type: 'replace', echo: entries.map((entry, i) => (i === at ? noise : entry)) };
  }

  function replay({ history, seal }: Move): Reply {
    return { type: 'frames', frames: [...(history.length === 0 ? [] : [any(history).frame]), seal({})] };
  }

  function repeat(move: Move): Reply {
    const change = mutate(move);
    return { type: 'frames', frames: [move.seal({}), move.seal(change.type === 'replace' ? change : {})] };
  }

  function accuse({ history, seal, to }: Move): Reply {
    const exhibits = history.length === 0 ? [] : [any(history).frame, any(history).frame].slice(below(2));
    const accused: Party = below(2) === 0 ? to : below(5);
    const { evidence } = blame(accused, any(['malformed', 'equivocation', 'false-echo', 'false-accusation']), exhibits);
    return {
      type: 'frames',
      frames: [seal({ slot: { class: 'abort', to: 0 }, echo: [], payload: encode(accusationsCodec, [evidence]) })],
    };
  }

  function silence(): Reply {
    return { type: 'withhold' };
  }

  function misplace({ seal, slot }: Move): Reply {
    const round = any([0, slot.round + 1, slot.round + 2]);
    const elsewhere = any([
      { round },
      { class: any(['broadcast', 'direct', 'abort'] as const) },
      { to: below(5) },
      { from: below(5) },
    ]);
    return { type: 'frames', frames: [seal({ slot: elsewhere }), seal({})] };
  }

  return (move) => {
    const act = repertoire.length === 0 || below(rate) > 0 ? undefined : any(repertoire);
    return act?.(move) ?? { type: move.class === 'abort' && below(2) === 0 ? 'withhold' : 'keep' };
  };
}
