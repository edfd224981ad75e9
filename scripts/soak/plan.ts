import { ascii, fromBytesBE, seeded } from '@quorate/protocol';
import type { Traffic } from './links.ts';

/** Something that happens to nodes or to the ways between them, and is over after so many milliseconds. */
export type Fault = { readonly milliseconds: number } & (
  | { readonly type: 'kill' | 'pause'; readonly nodes: readonly string[] }
  | { readonly type: 'cut'; readonly ways: readonly (readonly [from: string, to: string])[]; readonly traffic: Traffic }
);

/** A fault, and how long after the one before. */
export interface Planned {
  readonly after: number;
  readonly fault: Fault;
}

type Draw = (below: number) => number;

/**
 * What a storm is made of. In each every kind comes once: one node killed, some, all at once; nodes that stand still; one way, a
 * link, a node, half of the nodes cut off; a node that only hears, or is only heard; slow links. None lasts so long that peers are given up for good (45 s).
 */
const kinds: readonly ((names: readonly string[], draw: Draw) => Fault)[] = [
  kill(1),
  kill(1),
  kill(1),
  kill(1),
  kill(2),
  kill(3),
  (names, draw) => ({ type: 'kill', nodes: names, milliseconds: between(draw, 100, 2_000) }),
  (names, draw) => ({ type: 'pause', nodes: some(names, 1, draw), milliseconds: between(draw, 1_000, 8_000) }),
  (names, draw) => ({ type: 'pause', nodes: some(names, 2, draw), milliseconds: between(draw, 1_000, 4_000) }),
  (names, draw) => {
    const [one, other] = some(names, 2, draw) as [string, string];
    return cut([[one, other]], 'hold', draw);
  },
  (names, draw) => {
    const [one, other] = some(names, 2, draw) as [string, string];
    return cut(bothWays([one], [other]), 'refuse', draw);
  },
  (names, draw) => {
    const [one] = some(names, 1, draw) as [string];
    const others = names.filter((name) => name !== one);
    return cut(bothWays([one], others), 'hold', draw);
  },
  (names, draw) => {
    const [one] = some(names, 1, draw) as [string];
    const others = names.filter((name) => name !== one);
    const hears = draw(2) === 0;
    const ways = others.map((other): readonly [string, string] => (hears ? [one, other] : [other, one]));
    return cut(ways, 'hold', draw);
  },
  (names, draw) => {
    const few = some(names, Math.floor(names.length / 2), draw);
    const others = names.filter((name) => !few.includes(name));
    return cut(bothWays(few, others), draw(2) === 0 ? 'hold' : 'refuse', draw);
  },
  (names, draw) => {
    const [one] = some(names, 1, draw) as [string];
    const others = names.filter((name) => name !== one);
    return cut(bothWays([one], others), 'slow', draw);
  },
];

/** Storms for ever, the same for the same seed. @param faults of each storm, at most all kinds */
export function* storms(seed: number, names: readonly string[], faults: number = kinds.length): Generator<Planned[]> {
  const draw = drawing(seed);
  for (;;) {
    yield some(kinds, faults, draw).map((kind) => ({ after: between(draw, 1_000, 3_500), fault: kind(names, draw) }));
  }
}

/** Whole numbers from 0 to `below`, exclusive. */
export function drawing(seed: number): Draw {
  const randomness = seeded(ascii(`soak ${seed}`));
  return (below) => Number(fromBytesBE(randomness.bytes(6)) % BigInt(below));
}

/** So many of them, in any order. */
export function some<T>(all: readonly T[], count: number, draw: Draw): readonly T[] {
  const left = [...all];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(draw(left.length), 1)[0] as T);
}

function kill(count: number): (names: readonly string[], draw: Draw) => Fault {
  return (names, draw) => ({
    type: 'kill',
    nodes: some(names, count, draw),
    milliseconds: between(draw, 100, 5_000),
  });
}

function cut(ways: readonly (readonly [string, string])[], traffic: Traffic, draw: Draw): Fault {
  return { type: 'cut', ways, traffic, milliseconds: between(draw, 1_000, 10_000) };
}

function bothWays(some: readonly string[], others: readonly string[]): (readonly [string, string])[] {
  return some.flatMap((one) => others.flatMap((other) => [[one, other] as const, [other, one] as const]));
}

function between(draw: Draw, least: number, most: number): number {
  return least + draw(most - least);
}
