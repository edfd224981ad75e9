import { dkls23, type Protocol } from '@quorate/protocol';
import {
  type ChooseSet,
  type CompleteSet,
  chooseSet,
  completeSet,
  halvesOf,
  type MadeSet,
  type Unusable,
} from '../../stock/sets.ts';
import { type Exported, type ExportJob, exportJob } from './export.ts';
import { type KeygenJob, type KeygenOutput, keygen } from './keygen.ts';
import { type ProveLifeJob, proveLifeJob, type SettleJob, settleJob } from './life.ts';
import { type PairMaterials, type PairSetupJob, pairSetupJob } from './pairs.ts';
import {
  type ImportJob,
  importJob,
  type RefreshJob,
  type ReshareJob,
  type ReshareOutput,
  refreshJob,
  reshareJob,
} from './renewals.ts';
import { type Repaired, type RepairJob, repairJob } from './repair.ts';
import { type SignJob, signJob } from './sign.ts';
import {
  type EcdsaJob,
  presignJob,
  type SignEcdsaJob,
  type SignPresignedJob,
  signEcdsaJob,
  signPresignedJob,
} from './sign-ecdsa.ts';
import type { JobTools } from './tools.ts';

/** The protocols that hosts can run, by name: their inputs and outputs as plain data, fit to cross to a worker thread. */
export interface Jobs {
  keygen: { readonly input: KeygenJob; readonly output: KeygenOutput };
  refresh: { readonly input: RefreshJob; readonly output: KeygenOutput };
  repair: { readonly input: RepairJob; readonly output: Repaired };
  export: { readonly input: ExportJob; readonly output: Exported };
  import: { readonly input: ImportJob; readonly output: KeygenOutput };
  'prove-life': { readonly input: ProveLifeJob; readonly output: Uint8Array };
  reshare: { readonly input: ReshareJob; readonly output: ReshareOutput };
  settle: { readonly input: SettleJob; readonly output: PairMaterials };
  'pair-setup': { readonly input: PairSetupJob; readonly output: PairMaterials };
  sign: { readonly input: SignJob; readonly output: Uint8Array };
  'sign-ecdsa': { readonly input: SignEcdsaJob; readonly output: Uint8Array };
  'choose-set': { readonly input: ChooseSet; readonly output: MadeSet | Unusable };
  'complete-set': { readonly input: CompleteSet; readonly output: MadeSet | Unusable };
  presign: { readonly input: EcdsaJob; readonly output: dkls23.MovedPresignature };
  'sign-presigned': { readonly input: SignPresignedJob; readonly output: Uint8Array };
}

export type JobName = keyof Jobs;

/** The protocol of a job. */
export function startJob<N extends JobName>(
  name: N,
  input: Jobs[N]['input'],
  tools: JobTools,
): Protocol<Jobs[N]['output']> {
  const start = {
    keygen,
    refresh: refreshJob,
    repair: repairJob,
    import: importJob,
    export: exportJob,
    'prove-life': proveLifeJob,
    reshare: reshareJob,
    settle: settleJob,
    'pair-setup': pairSetupJob,
    sign: signJob,
    'sign-ecdsa': signEcdsaJob,
    'choose-set': atOnce(chooseSet),
    'complete-set': atOnce(completeSet),
    presign: presignJob,
    'sign-presigned': signPresignedJob,
  }[name] as (input: Jobs[N]['input'], tools: JobTools) => Protocol<Jobs[N]['output']>;
  return start(input, tools);
}

/** What of a job's input must not outlive it: wiped where it was, moved where it goes. */
export function secretsOf<N extends JobName>(name: N, input: Jobs[N]['input']): readonly Uint8Array[] {
  const secrets: { readonly [M in JobName]: (input: Jobs[M]['input']) => readonly Uint8Array[] } = {
    keygen: ({ receiveSecret, stock }) => [receiveSecret, ...stock.flatMap(halvesOf)],
    refresh: ({ receiveSecret, share, stock }) => [
      receiveSecret,
      ...(share === undefined ? [] : [share]),
      ...stock.flatMap(halvesOf),
    ],
    export: ({ receiveSecret, share }) => [receiveSecret, share],
    import: ({ receiveSecret, secret, stock }) => [
      receiveSecret,
      ...(secret === undefined ? [] : [secret]),
      ...stock.flatMap(halvesOf),
    ],
    repair: ({ receiveSecret, share }) => [receiveSecret, ...(share === undefined ? [] : [share])],
    'prove-life': ({ share }) => [share],
    reshare: ({ receiveSecret, share }) => [receiveSecret, ...(share === undefined ? [] : [share])],
    settle: ({ receiveSecret, share, stock }) => [receiveSecret, share, ...stock.flatMap(halvesOf)],
    'pair-setup': ({ receiveSecret, stock }) => [receiveSecret, ...stock.flatMap(halvesOf)],
    sign: ({ share }) => [share],
    'sign-ecdsa': ({ share, material }) => [share, ...material.values()],
    presign: ({ share, material }) => [share, ...material.values()],
    'sign-presigned': ({ share, presignature }) => [share, presignature.secrets],
    'choose-set': ({ hedge }) => [hedge],
    'complete-set': ({ keySecret }) => [keySecret],
  };
  return secrets[name](input);
}

/** What of a job's output the taker wipes, if anything is secret in it. */
export function secretsIn<N extends JobName>(name: N, output: Jobs[N]['output']): readonly Uint8Array[] {
  const inSet = (made: MadeSet | Unusable): readonly Uint8Array[] => ('unusable' in made ? [] : [made.half]);
  const secrets: { readonly [M in JobName]: (output: Jobs[M]['output']) => readonly Uint8Array[] } = {
    keygen: ({ share, material }) => [share, ...material.values()],
    refresh: ({ share, material }) => [share, ...material.values()],
    export: ({ key }) => (key === undefined ? [] : [key]),
    import: ({ share, material }) => [share, ...material.values()],
    repair: ({ share }) => (share === undefined ? [] : [share]),
    'prove-life': () => [],
    reshare: ({ receiveSecret, share }) => [receiveSecret, ...(share === undefined ? [] : [share])],
    settle: (material) => [...material.values()],
    'pair-setup': (material) => [...material.values()],
    sign: () => [],
    'sign-ecdsa': () => [],
    presign: ({ secrets: moved }) => [moved],
    'sign-presigned': () => [],
    'choose-set': inSet,
    'complete-set': inSet,
  };
  return secrets[name](output);
}

/** Work without rounds, as a protocol. */
function atOnce<I, O>(work: (input: I, tools: JobTools) => O): (input: I, tools: JobTools) => Protocol<O> {
  // oxlint-disable-next-line require-yield -- it has nothing to say to anybody
  return function* once(input, tools) {
    return work(input, tools);
  };
}
