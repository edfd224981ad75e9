import { parseArgs } from 'node:util';
import { schemes } from '@quorate/protocol';
import { type Case, type FaultClass, faultClasses, protocols } from './plan.ts';

/** What the command is asked to do. */
export interface Options {
  readonly cases: readonly Omit<Case, 'seed'>[];
  readonly first: number;
  readonly seeds: number;
  readonly workers: number;
  readonly trace: boolean;
  readonly shrink: boolean;
  readonly json: boolean;
  /** After so many failures nothing more is tried. */
  readonly failures: number;
  readonly planted: string | undefined;
}

/** @throws {Error} with what is wrong */
export function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      protocol: { type: 'string' },
      seeds: { type: 'string', default: '1000' },
      seed: { type: 'string' },
      first: { type: 'string', default: '0' },
      workers: { type: 'string', default: '2' },
      scheme: { type: 'string' },
      without: { type: 'string', default: '' },
      mute: { type: 'string', default: '' },
      real: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      shrink: { type: 'boolean', default: true },
      json: { type: 'boolean', default: false },
      failures: { type: 'string', default: '10' },
      planted: { type: 'boolean', default: false },
      match: { type: 'string', default: '' },
    },
    allowNegative: true,
  });
  const chosen = protocols.filter((one) => values.protocol === undefined || one === values.protocol);
  if (chosen.length === 0) throw new Error(`--protocol ${values.protocol}: give one of ${protocols.join(', ')}`);
  const scheme = schemes.find((one) => one === values.scheme);
  if (values.scheme !== undefined && scheme === undefined) throw new Error(`--scheme: one of ${schemes.join(', ')}`);
  const without = values.without.split(',').filter((name) => name !== '') as FaultClass[];
  const unknown = without.find((name) => !faultClasses.includes(name));
  if (unknown !== undefined) throw new Error(`--without ${unknown}: give some of ${faultClasses.join(', ')}`);
  const mute = values.mute
    .split(',')
    .filter((range) => range !== '')
    .map((range) => range.split('-').map((end) => numberOf('mute', end)) as [number, number]);
  const common = { isReal: values.real, scheme, without, mute };
  return {
    cases: chosen.map((protocol) => ({ protocol, ...common })),
    first: numberOf('seed', values.seed ?? values.first),
    seeds: values.seed === undefined ? numberOf('seeds', values.seeds) : 1,
    workers: Math.max(1, numberOf('workers', values.workers)),
    trace: values.trace,
    shrink: values.shrink,
    json: values.json,
    failures: numberOf('failures', values.failures),
    planted: values.planted ? values.match : undefined,
  };
}

function numberOf(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} ${text}: a number`);
  return Number(text);
}
