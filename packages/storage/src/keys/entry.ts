import { equal } from '@quorate/protocol';
import { limits } from '../limits.ts';
import type { IntegrityError } from '../sealing/errors.ts';
import { KeyError } from './errors.ts';
import type { EpochRecord, EpochState, KeyRecord } from './record.ts';

/** One sharing of a key, as far as it is public. */
export interface EpochInfo {
  readonly epoch: number;
  readonly state: EpochState['type'];
  readonly createdAt: number;
  readonly publicPackage: Uint8Array;
  readonly ready: Uint8Array;
  /** Undefined until there is one. */
  readonly certificate: Uint8Array | undefined;
  /** The parties with whom something is set up, ascending. */
  readonly material: readonly number[];
}

export interface KeyInfo {
  readonly keyId: Uint8Array;
  readonly name: string;
  readonly scheme: string;
  /** The operator forbids signing; whoever signs asks. */
  readonly frozen: boolean;
  /** The private key was put together somewhere, with the share of this node. */
  readonly exported: boolean;
  /** Lowest first. */
  readonly epochs: readonly EpochInfo[];
  /** The highest certified epoch: the one to use. Undefined until there is one. */
  readonly current: EpochInfo | undefined;
  /** Epochs above the highest that is known to be certified: attempts at renewing it of which nothing has come yet. */
  readonly attempts: number;
  /** What is damaged of the key, if something is: then it has no epochs here, and nothing is done with it. */
  readonly quarantined: IntegrityError | undefined;
  /** Of a quarantined key: the epochs that can still be read, lowest first, as they were perhaps long ago. */
  readonly remains: readonly EpochInfo[];
}

/** A key, as it is held in memory. */
export interface Entry {
  readonly keyId: Uint8Array;
  readonly record: KeyRecord;
  readonly quarantined?: IntegrityError;
  readonly remains?: Entry['epochs'];
  readonly epochs: ReadonlyMap<number, Epoch>;
}

export interface Epoch {
  readonly record: EpochRecord;
  /** The parties with whom something is set up. */
  readonly material: ReadonlySet<number>;
}

/** @throws {KeyError} `epoch-not-new`, `too-many-attempts` */
export function checkIsNext({ record, epochs }: Entry, epoch: number): void {
  const highest = highestOf(epochs.keys());
  if (epoch <= highest)
    throw new KeyError('epoch-not-new', `epoch ${epoch} of the key ${record.name} is not above ${highest}`);
  const open = attempts(epochs);
  if (open >= limits.uncertifiedEpochs)
    throw new KeyError(
      'too-many-attempts',
      `${open} attempts at the key ${record.name} were never certified: find out why`,
    );
}

/** How many epochs are above the highest that is known to be certified. */
function attempts(epochs: Entry['epochs']): number {
  const isCertified = ([, epoch]: readonly [number, Epoch]): boolean =>
    ['certified', 'active', 'retiring', 'elsewhere'].includes(epoch.record.state.type);
  const certified = highestOf([...epochs].filter(isCertified).map(([number]) => number));
  return [...epochs.keys()].filter((number) => number > certified).length;
}

/** −1 if there are none. There may be more of them than a call has room for arguments. */
function highestOf(numbers: Iterable<number>): number {
  let highest = -1;
  for (const number of numbers) highest = Math.max(highest, number);
  return highest;
}

/** @throws {KeyError} `quarantined` */
export function checkWhole({ quarantined, record }: Entry): void {
  if (quarantined !== undefined)
    throw new KeyError('quarantined', `the key ${record.name} is quarantined here: ${quarantined.message}`);
}

/** Whether a higher epoch is in use, here or elsewhere: this one is of no more use. */
export function isOvertaken({ epochs }: Entry, epoch: number): boolean {
  const isUsed = ({ record: { state } }: Epoch): boolean => state.type === 'active' || state.type === 'elsewhere';
  return [...epochs].some(([number, one]) => number > epoch && isUsed(one));
}

/** Whether there are secrets of the epoch on this disk. */
export function isKept({ state }: EpochRecord): boolean {
  return !['shredded', 'approved', 'elsewhere'].includes(state.type);
}

/** Whether what this node has under the number of an epoch is an attempt, or was one, that gives way to what was certified under it. */
export function isGivenUpFor(certified: Uint8Array, { state, statement }: EpochRecord): boolean {
  if (state.type === 'approved') return true;
  const isAttempt = state.type === 'prepared' || (state.type === 'shredded' && certificateOf(state) === undefined);
  return isAttempt && !equal(statement, certified);
}

/** The certified epochs below this one, RETIRING. */
export function retired(epochs: Entry['epochs'], below: number): ReadonlyMap<number, EpochRecord> {
  const older = [...epochs].flatMap(([number, { record }]): [number, EpochRecord][] => {
    const { type, value } = record.state;
    const retires = number < below && (type === 'certified' || type === 'active');
    return retires ? [[number, { ...record, state: { type: 'retiring', value } }]] : [];
  });
  return new Map(older);
}

export function withEpoch(entry: Entry, epoch: number, value: Epoch): Entry {
  return { ...entry, epochs: new Map([...entry.epochs, [epoch, value]]) };
}

const infos = new WeakMap<Entry, KeyInfo>();

/** Made once for as long as nothing changes: every request asks for it, and years of refreshes make many epochs. */
export function info(entry: Entry): KeyInfo {
  const made = infos.get(entry) ?? infoOf(entry);
  infos.set(entry, made);
  return made;
}

function infoOf({ keyId, record, epochs, quarantined, remains = new Map() }: Entry): KeyInfo {
  const all = epochInfos(epochs);
  return {
    keyId,
    name: record.name,
    scheme: record.scheme,
    frozen: record.frozen !== 0,
    exported: record.exported !== 0,
    epochs: all,
    current: all.findLast(({ state }) => state === 'certified' || state === 'active'),
    attempts: attempts(epochs),
    quarantined,
    remains: epochInfos(remains),
  };
}

function epochInfos(epochs: Entry['epochs']): readonly EpochInfo[] {
  return [...epochs].sort(([a], [b]) => a - b).map(([epoch, kept]) => epochInfo(epoch, kept));
}

function epochInfo(epoch: number, { record, material }: Epoch): EpochInfo {
  const { createdAt, publicPackage, statement, state } = record;
  const parties = [...material].sort((a, b) => a - b);
  const certificate = certificateOf(state);
  return { epoch, state: state.type, createdAt, publicPackage, ready: statement, certificate, material: parties };
}

/** What certifies an epoch in this state, if it is certified. */
export function certificateOf({ type, value }: EpochState): Uint8Array | undefined {
  if (type === 'prepared' || type === 'approved') return undefined;
  if (type !== 'shredded') return value;
  return value.certificate.length === 0 ? undefined : value.certificate;
}
