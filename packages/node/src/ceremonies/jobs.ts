import {
  type DkgInput,
  dkg,
  frost,
  groupOf,
  type Member,
  type Party,
  type Protocol,
  type PublicPackage,
  publicPackageCodec,
  type Randomness,
  type Scheme,
  Secret,
  wire,
} from '@quorate/protocol';
import type { Tools } from '../tools.ts';
import { publicPackageOf } from './packages.ts';

/** The protocols that hosts can run, by name: their inputs and outputs as plain data, fit to cross to a worker thread. */
export interface Jobs {
  keygen: { readonly input: KeygenJob; readonly output: KeygenOutput };
  sign: { readonly input: SignJob; readonly output: Uint8Array };
}

export type JobName = keyof Jobs;

export interface KeygenJob {
  readonly network: Uint8Array;
  readonly sid: Uint8Array;
  readonly me: Party;
  readonly members: readonly Member[];
  readonly threshold: number;
  /** Encoded points, in the order of `members`. */
  readonly receiveKeys: readonly Uint8Array[];
  /** Encoded scalar; the job wipes it. */
  readonly receiveSecret: Uint8Array;
  readonly statement: DkgInput['statement'];
}

export interface KeygenOutput {
  /** The share as the protocol's `Secret` holds it; whoever takes it wipes it. */
  readonly share: Uint8Array;
  readonly publicPackage: Uint8Array;
}

export interface SignJob {
  readonly sid: Uint8Array;
  readonly me: Party;
  readonly signers: readonly Party[];
  readonly scheme: Scheme;
  readonly publicPackage: Uint8Array;
  /** The job wipes it. */
  readonly share: Uint8Array;
  readonly message: Uint8Array;
}

export type JobTools = Tools & { readonly randomness: Randomness };

/** The protocol of a job. */
export function startJob<N extends JobName>(
  name: N,
  input: Jobs[N]['input'],
  tools: JobTools,
): Protocol<Jobs[N]['output']> {
  const start = { keygen, sign: signJob }[name] as (
    input: Jobs[N]['input'],
    tools: JobTools,
  ) => Protocol<Jobs[N]['output']>;
  return start(input, tools);
}

/** What of a job's input must not outlive it: wiped where it was, moved where it goes. */
export function secretOf<N extends JobName>(name: N, input: Jobs[N]['input']): Uint8Array {
  return name === 'keygen' ? (input as KeygenJob).receiveSecret : (input as SignJob).share;
}

/** What of a job's output the taker wipes, if anything is secret in it. */
export function secretIn<N extends JobName>(name: N, output: Jobs[N]['output']): Uint8Array | undefined {
  return name === 'keygen' ? (output as KeygenOutput).share : undefined;
}

function* keygen(input: KeygenJob, { aead, groups, randomness, signatures }: JobTools): Protocol<KeygenOutput> {
  const group = groupOf(input.statement.scheme, groups);
  using receiveSecret = new Secret(input.receiveSecret);
  const outcome = yield* dkg({
    group,
    aead,
    signatures,
    network: input.network,
    sid: input.sid,
    me: input.me,
    members: input.members,
    threshold: input.threshold,
    receiveKeys: new Map(
      input.members.map(({ party }, i) => [party, group.decodePoint(input.receiveKeys[i] as Uint8Array)]),
    ),
    receiveSecret,
    statement: input.statement,
    randomness,
  });
  using share = outcome.share;
  const publicPackage: PublicPackage = outcome.publicPackage;
  return {
    share: share.use((bytes) => bytes.slice()),
    publicPackage: wire.encode(publicPackageCodec(group), publicPackage),
  };
}

function* signJob(input: SignJob, { groups, randomness }: JobTools): Protocol<Uint8Array> {
  using secret = new Secret(input.share);
  const suite = frost.suiteOf(input.scheme, groups);
  return yield* frost.sign({
    suite,
    signers: input.signers,
    share: {
      party: input.me,
      secret,
      publicPackage: publicPackageOf(suite.group, input.publicPackage),
    },
    message: input.message,
    sid: input.sid,
    randomness,
  });
}
