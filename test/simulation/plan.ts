import type { Scheme } from '@quorate/protocol';
import { majority } from '../../packages/node/src/ceremonies/keygen.ts';
import { Dice } from './dice.ts';

/** What a committee is asked to do while things go wrong. */
export const protocols = ['keygen', 'sign', 'refresh', 'reshare', 'repair', 'mixed', 'restore'] as const;
export type ProtocolName = (typeof protocols)[number];

/** What may go wrong in any run. */
const common = [
  /** A connection breaks, with all that is on it. */
  'break',
  'delay',
  /** A frame arrives twice or thrice. */
  'duplicate',
  /** A frame of an older session arrives again. */
  'replay',
  /** Some hear only each other for a while; or go in and out of hearing. */
  'partition',
  /** One hears another, and is not heard. */
  'one-way',
  /** A process dies and its disk keeps what was written. */
  'kill',
  /** A machine loses power, and the disk what was not synced. */
  'power',
  /** All machines at once. */
  'blackout',
  /** Of what was not synced, a part is there after all. */
  'torn',
  /** A bit of the disk is another one after a restart. */
  'flip',
  /** A write fails; perhaps it was done all the same. */
  'disk',
  'skew',
  /** A process stands still, then goes on where it was. */
  'pause',
  /** Some members are the adversary's. */
  'corrupt',
] as const;
/** What may go wrong in a run of `restore`, besides. */
const ofIdentity = [
  /** A member's folder is put back to what it was. */
  'rollback',
  /** A copy of a member's folder is run beside it. */
  'clone',
] as const;
/** All of it, as whoever shrinks a failure switches it off. */
export const faultClasses = [...common, ...ofIdentity] as const;
export type FaultClass = (typeof faultClasses)[number];

/** Which seed of what, and what of its faults is left out: all that a run follows from. */
export interface Case {
  readonly protocol: ProtocolName;
  readonly seed: number;
  readonly isReal: boolean;
  /** Default: as the seed says. */
  readonly scheme?: Scheme | undefined;
  readonly without: readonly FaultClass[];
  /** Faults that are left out, by number: first and last. */
  readonly mute: readonly (readonly [first: number, last: number])[];
}

/** What a seed does: drawn once, so that seeds differ in kind (swarm testing). */
export interface Plan {
  readonly n: number;
  /** How many of them hold the first key. */
  readonly first: number;
  /** Of the first key. */
  readonly threshold: number;
  /** Whether keys go to other committees. */
  readonly reshares: boolean;
  /** How many members may be corrupt or destroyed, so that the others can go on, and the adversary cannot sign. */
  readonly f: number;
  readonly corrupt: number;
  readonly scheme: Scheme;
  readonly classes: ReadonlySet<FaultClass>;
  /** How often: parcels hit, of all. */
  readonly rate: number;
  /** How often in all, for what happens to machines. */
  readonly strikes: number;
  /** Milliseconds of a write, at least and at most. */
  readonly disk: readonly [number, number];
  /** For how long things go wrong, milliseconds. */
  readonly duration: number;
  /** Seconds; zero for never. */
  readonly refreshInterval: number;
  /** Whether operators are asked before a key is made, or goes to another committee. */
  readonly asks: boolean;
  /** That are kept ahead, of an ECDSA key. */
  readonly presignatures: number;
  /** Whether the corrupt members still cheat when everything else is well again. */
  readonly cheatsOn: boolean;
}

const durations: Readonly<Record<ProtocolName, number>> = {
  keygen: 40_000,
  sign: 15_000,
  refresh: 45_000,
  reshare: 45_000,
  repair: 30_000,
  mixed: 60_000,
  restore: 45_000,
};

export function planOf({ protocol, seed, isReal, scheme, without }: Case): Plan {
  const dice = new Dice(`${protocol} ${seed} plan`);
  const drawnSize = dice.any([3, 3, 3, 3, 3, 3, 4, 5]);
  // Real pairs take seconds to set up.
  const isSlow = isReal && scheme === 'ecdsa';
  const committees = new Dice(`${protocol} ${seed} committees`);
  // Six are enough for two committees that have nobody in common.
  const n = isSlow ? 3 : protocol === 'reshare' ? committees.any([4, 4, 4, 5, 6]) : drawnSize;
  const first = protocol === 'reshare' ? committees.between(3, n) : n;
  const threshold = majority(first);
  const reshares = protocol === 'reshare' || (protocol === 'mixed' && n > 3);
  // Every committee can do without one.
  const f = reshares ? 1 : Math.min(threshold - 1, n - threshold);
  const quiet = dice.chance(0.02);
  const drawnClasses = common.filter(() => dice.chance(0.4));
  const identity = new Dice(`${protocol} ${seed} identity`).any([...ofIdentity, 'both'] as const);
  const chosen: readonly FaultClass[] =
    protocol === 'restore'
      ? [...drawnClasses, ...ofIdentity.filter((one) => identity === 'both' || identity === one)]
      : drawnClasses;
  const classes = new Set(quiet ? [] : chosen.filter((one) => !without.includes(one)));
  const drawn = dice.any<Scheme>(isReal ? ['ed25519', 'taproot'] : [...Array<Scheme>(24).fill('ed25519'), 'ecdsa']);
  const drawnCorrupt = dice.between(1, f);
  // One is to lose its share, and the others to do without it.
  const corrupt = protocol === 'repair' || protocol === 'restore' ? Math.min(drawnCorrupt, f - 1) : drawnCorrupt;
  const scheduled = dice.chance(0.5);
  return {
    n,
    first,
    threshold,
    reshares,
    f,
    classes,
    corrupt: classes.has('corrupt') ? corrupt : 0,
    scheme: scheme ?? drawn,
    rate: dice.any([0.005, 0.02, 0.1]),
    strikes: dice.between(1, 5),
    disk: dice.any([
      [0, 0],
      [1, 1],
      [1, 3],
      [1, 20],
      [5, 200],
    ] as const),
    duration: durations[protocol],
    refreshInterval:
      scheduled && (protocol === 'refresh' || protocol === 'reshare' || protocol === 'mixed')
        ? dice.between(10, 60)
        : 0,
    asks: new Dice(`${protocol} ${seed} operators`).chance(0.2),
    presignatures: new Dice(`${protocol} ${seed} presignatures`).any([0, 1, 3]),
    cheatsOn: dice.chance(0.5),
  };
}

/** The command that runs a case again. */
export function commandOf({ protocol, seed, isReal, scheme, without, mute }: Case): string {
  const options = [
    `--protocol ${protocol} --seed ${seed}`,
    ...(isReal ? ['--real'] : []),
    ...(scheme === undefined ? [] : [`--scheme ${scheme}`]),
    ...(without.length === 0 ? [] : [`--without ${without.join(',')}`]),
    ...(mute.length === 0 ? [] : [`--mute ${mute.map((range) => range.join('-')).join(',')}`]),
  ];
  return `npm run simulate -- ${options.join(' ')} --trace`;
}
