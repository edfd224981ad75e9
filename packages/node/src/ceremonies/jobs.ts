import {
  type DkgInput,
  dkg,
  dkls23,
  frost,
  groupOf,
  MAX_PARTIES,
  type Member,
  type Party,
  type Protocol,
  publicPackageCodec,
  type Randomness,
  type Scheme,
  Secret,
  wipe,
  wire,
} from '@quorate/protocol';
import {
  type ChooseSet,
  type CompleteSet,
  chooseSet,
  completeSet,
  halvesOf,
  type MadeSet,
  setsOf,
  type TakenSets,
  type Unusable,
} from '../stock/sets.ts';
import type { Tools } from '../tools.ts';
import { publicPackageOf } from './packages.ts';
import { encodeSignature } from './signing.ts';

/** The protocols that hosts can run, by name: their inputs and outputs as plain data, fit to cross to a worker thread. */
export interface Jobs {
  keygen: { readonly input: KeygenJob; readonly output: KeygenOutput };
  sign: { readonly input: SignJob; readonly output: Uint8Array };
  'sign-ecdsa': { readonly input: SignEcdsaJob; readonly output: Uint8Array };
  'choose-set': { readonly input: ChooseSet; readonly output: MadeSet | Unusable };
  'complete-set': { readonly input: CompleteSet; readonly output: MadeSet | Unusable };
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
  /** ECDSA: base transfers made ahead. The job wipes them, used or not. */
  readonly stock: readonly (TakenSets & { readonly party: Party })[];
}

export interface KeygenOutput {
  /** The share as the protocol's `Secret` holds it; whoever takes it wipes it. */
  readonly share: Uint8Array;
  /** ECDSA: what was set up with every other member, for storage; whoever takes it wipes it. */
  readonly material: Uint8Array | undefined;
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

export interface SignEcdsaJob {
  readonly sid: Uint8Array;
  readonly me: Party;
  readonly signers: readonly Party[];
  readonly publicPackage: Uint8Array;
  /** The job wipes both. */
  readonly share: Uint8Array;
  readonly material: Uint8Array;
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** ε of BIP-32. */
  readonly tweak: bigint;
  readonly banned: readonly Party[];
}

export type JobTools = Tools & { readonly randomness: Randomness };

/** The protocol of a job. */
export function startJob<N extends JobName>(
  name: N,
  input: Jobs[N]['input'],
  tools: JobTools,
): Protocol<Jobs[N]['output']> {
  const start = {
    keygen,
    sign: signJob,
    'sign-ecdsa': signEcdsaJob,
    'choose-set': atOnce(chooseSet),
    'complete-set': atOnce(completeSet),
  }[name] as (input: Jobs[N]['input'], tools: JobTools) => Protocol<Jobs[N]['output']>;
  return start(input, tools);
}

/** What of a job's input must not outlive it: wiped where it was, moved where it goes. */
export function secretsOf<N extends JobName>(name: N, input: Jobs[N]['input']): readonly Uint8Array[] {
  const secrets: { readonly [M in JobName]: (input: Jobs[M]['input']) => readonly Uint8Array[] } = {
    keygen: ({ receiveSecret, stock }) => [receiveSecret, ...stock.flatMap(halvesOf)],
    sign: ({ share }) => [share],
    'sign-ecdsa': ({ share, material }) => [share, material],
    'choose-set': ({ hedge }) => [hedge],
    'complete-set': ({ keySecret }) => [keySecret],
  };
  return secrets[name](input);
}

/** What of a job's output the taker wipes, if anything is secret in it. */
export function secretsIn<N extends JobName>(name: N, output: Jobs[N]['output']): readonly Uint8Array[] {
  const inSet = (made: MadeSet | Unusable): readonly Uint8Array[] => ('unusable' in made ? [] : [made.half]);
  const secrets: { readonly [M in JobName]: (output: Jobs[M]['output']) => readonly Uint8Array[] } = {
    keygen: ({ share, material }) => (material === undefined ? [share] : [share, material]),
    sign: () => [],
    'sign-ecdsa': () => [],
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

/** A key, and for ECDSA what every two members need to multiply. */
function* keygen(input: KeygenJob, tools: JobTools): Protocol<KeygenOutput> {
  const { aead, groups, randomness, signatures } = tools;
  const { network, sid, me, members, threshold, statement } = input;
  const group = groupOf(statement.scheme, groups);
  using receiveSecret = new Secret(input.receiveSecret);
  using taken = new DisposableStack();
  for (const half of input.stock.flatMap(halvesOf)) taken.adopt(half, wipe);
  const receiveKeys = new Map(
    members.map(({ party }, i) => [party, group.decodePoint(input.receiveKeys[i] as Uint8Array)]),
  );
  const common = { group, aead, sid, me, members, receiveKeys, receiveSecret, randomness };
  const outcome = yield* dkg({ ...common, signatures, network, threshold, statement });
  using share = outcome.share;
  const { publicPackage } = outcome;
  let material: Uint8Array | undefined;
  if (statement.scheme === 'ecdsa') {
    const { transcript } = publicPackage;
    const stock = new Map(input.stock.map((sets) => [sets.party, setsOf(group, sets)]));
    const pairs = yield* dkls23.pairSetup({ ...common, suite: dkls23.suiteA, transcript, ecdh: tools.ecdh, stock });
    material = encodeMaterial(pairs);
  }
  return {
    share: share.use((bytes) => bytes.slice()),
    material,
    publicPackage: wire.encode(publicPackageCodec(group), publicPackage),
  };
}

/** The pairs of one party, one after the other, as storage keeps them. Wipes what it was given. */
function encodeMaterial(pairs: ReadonlyMap<Party, dkls23.PairMaterial>): Uint8Array {
  const encoded = [...pairs.values()].map((pair) => {
    using secret = dkls23.encodePairMaterial(dkls23.suiteA, pair);
    dkls23.wipePairMaterial(pair);
    return secret.use((bytes) => bytes.slice());
  });
  const material = wire.encode(materialCodec, encoded);
  wipe(...encoded);
  return material;
}

const materialCodec = wire.list(wire.bytes(64 * 1024), MAX_PARTIES);

function* signEcdsaJob(input: SignEcdsaJob, { groups, multiplication, randomness }: JobTools): Protocol<Uint8Array> {
  using secrets = new DisposableStack();
  const secret = secrets.use(new Secret(input.share));
  secrets.adopt(input.material, wipe);
  const { me, signers, sid, digest, tweak } = input;
  const group = groupOf('ecdsa', groups);
  const pairs = new Map<Party, dkls23.PairMaterial>();
  for (const encoded of wire.decode(materialCodec, input.material)) {
    const pair = secrets.adopt(dkls23.decodePairMaterial(dkls23.suiteA, encoded), dkls23.wipePairMaterial);
    wipe(encoded);
    pairs.set(pair.peer, pair);
  }
  const share = { party: me, secret, publicPackage: publicPackageOf(group, input.publicPackage) };
  const banned = new Set(input.banned);
  return encodeSignature(
    yield* dkls23.signEcdsa({ group, multiplication, share, pairs, signers, banned, sid, randomness, digest, tweak }),
  );
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
