import {
  type DkgInput,
  dkg,
  dkls23,
  frost,
  type Group,
  groupOf,
  type Member,
  type Party,
  type Point,
  type Protocol,
  type PublicPackage,
  publicPackageCodec,
  type Randomness,
  renewal,
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
import { type Repaired, type RepairJob, repairJob } from './repair-job.ts';
import { encodeSignature } from './signing.ts';

/** The protocols that hosts can run, by name: their inputs and outputs as plain data, fit to cross to a worker thread. */
export interface Jobs {
  keygen: { readonly input: KeygenJob; readonly output: KeygenOutput };
  refresh: { readonly input: RefreshJob; readonly output: KeygenOutput };
  repair: { readonly input: RepairJob; readonly output: Repaired };
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
  /** Empty but for ECDSA. */
  readonly material: PairMaterials;
  readonly publicPackage: Uint8Array;
}

/** What was set up with each other member, for storage; whoever takes it wipes it. */
export type PairMaterials = ReadonlyMap<Party, Uint8Array>;

export interface RefreshJob {
  readonly network: Uint8Array;
  readonly sid: Uint8Array;
  readonly me: Party;
  readonly scheme: Scheme;
  /** The encoded public package of the epoch that is dealt from. */
  readonly base: Uint8Array;
  readonly dealers: readonly Party[];
  readonly epoch: number;
  /** Our share of that epoch if we deal; the job wipes it. */
  readonly share: Uint8Array | undefined;
  /** Encoded points, in the order of the members. */
  readonly receiveKeys: readonly Uint8Array[];
  /** Encoded scalar; the job wipes it. */
  readonly receiveSecret: Uint8Array;
  /** As of a keygen. */
  readonly stock: KeygenJob['stock'];
}

export interface ProveLifeJob {
  readonly network: Uint8Array;
  /** Of the second session. */
  readonly sid: Uint8Array;
  readonly me: Party;
  /** Encoded: of the new epoch, and its group's scheme. */
  readonly publicPackage: Uint8Array;
  readonly scheme: Scheme;
  /** Of the new epoch; the job wipes it. */
  readonly share: Uint8Array;
}

export interface ReshareJob extends Omit<RefreshJob, 'stock'> {
  /** The new committee. `me` is our seat, and `receiveKeys` are in the order of the seats. */
  readonly members: readonly Member[];
  readonly threshold: number;
}

export interface ReshareOutput {
  /** As of a keygen; undefined if we leave. */
  readonly share: Uint8Array | undefined;
  readonly publicPackage: Uint8Array;
  /** What the session that follows needs again; whoever takes it wipes it. */
  readonly receiveSecret: Uint8Array;
}

/** The members of the new epoch by themselves: they prove that they live, and of an ECDSA key set up what they multiply with. */
export interface SettleJob extends ProveLifeJob {
  /** Encoded points, in the order of the members. */
  readonly receiveKeys: readonly Uint8Array[];
  /** Encoded scalar; the job wipes it. */
  readonly receiveSecret: Uint8Array;
  /** As of a keygen. */
  readonly stock: KeygenJob['stock'];
}

export interface PairSetupJob {
  readonly sid: Uint8Array;
  readonly me: Party;
  readonly members: readonly Member[];
  /** Encoded points, in the order of `members`. */
  readonly receiveKeys: readonly Uint8Array[];
  /** Encoded scalar; the job wipes it. */
  readonly receiveSecret: Uint8Array;
  /** T of the key's public package. */
  readonly transcript: Uint8Array;
  /** As of a keygen. */
  readonly stock: KeygenJob['stock'];
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

/** What a party of an ECDSA key computes with. */
export interface EcdsaJob {
  readonly sid: Uint8Array;
  readonly me: Party;
  readonly signers: readonly Party[];
  readonly publicPackage: Uint8Array;
  /** The job wipes it, and what was set up with each other signer. */
  readonly share: Uint8Array;
  readonly material: PairMaterials;
  readonly banned: readonly Party[];
}

export interface SignEcdsaJob extends EcdsaJob {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** ε of BIP-32. */
  readonly tweak: bigint;
}

export interface SignPresignedJob extends Omit<SignEcdsaJob, 'material'> {
  /** Moves here: the job wipes it. */
  readonly presignature: dkls23.MovedPresignature;
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
    refresh: refreshJob,
    repair: repairJob,
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

/** A key, and for ECDSA what every two members need to multiply. */
function* keygen(input: KeygenJob, tools: JobTools): Protocol<KeygenOutput> {
  const { aead, groups, randomness, signatures } = tools;
  const { network, sid, me, members, threshold, statement } = input;
  const group = groupOf(statement.scheme, groups);
  using receiveSecret = new Secret(input.receiveSecret);
  using _taken = ownStock(input);
  const receiveKeys = decodeReceiveKeys(group, input);
  const common = { group, aead, sid, me, members, receiveKeys, receiveSecret, randomness };
  const outcome = yield* dkg({ ...common, signatures, network, threshold, statement });
  using share = outcome.share;
  return yield* withPairs(outcome.publicPackage, share, common, input, tools);
}

/** New shares for the same committee, and for ECDSA everything that it needs to multiply, from the bottom. */
function* refreshJob(input: RefreshJob, tools: JobTools): Protocol<KeygenOutput> {
  const { aead, groups, randomness, signatures } = tools;
  const { network, sid, me, scheme, dealers, epoch } = input;
  using secrets = new DisposableStack();
  secrets.use(ownStock(input));
  const receiveSecret = secrets.use(new Secret(input.receiveSecret));
  const secret = input.share === undefined ? undefined : secrets.use(new Secret(input.share));
  const group = groupOf(scheme, groups);
  const base = publicPackageOf(group, input.base);
  const { members } = base;
  const receiveKeys = decodeReceiveKeys(group, { members, receiveKeys: input.receiveKeys });
  const common = { group, aead, sid, me, members, receiveKeys, receiveSecret, randomness };
  const parameters = renewal.refresh({ ...common, signatures, network }, { base, dealers, epoch });
  const outcome = yield* renewal.renew({ ...parameters, me, secret, receiveSecret, randomness });
  const share = secrets.use(outcome.share as Secret);
  return yield* withPairs(outcome.publicPackage, share, common, input, tools);
}

type PairSetupSession = Omit<dkls23.PairSetupInput, 'suite' | 'transcript' | 'ecdh' | 'stock'>;

/** What a ceremony leaves that made shares: of an ECDSA key, every two members set up with each other what they multiply with. */
function* withPairs(
  publicPackage: PublicPackage,
  share: Secret,
  session: PairSetupSession,
  input: Pick<KeygenJob, 'stock'>,
  { ecdh }: JobTools,
): Protocol<KeygenOutput> {
  const { group } = session;
  const { scheme, transcript } = publicPackage;
  const stock = stockOf(group, input);
  const pairs =
    scheme === 'ecdsa'
      ? yield* dkls23.pairSetup({ ...session, suite: dkls23.suiteA, transcript, ecdh, stock })
      : new Map<Party, dkls23.PairMaterial>();
  return {
    share: share.use((bytes) => bytes.slice()),
    material: encodePairs(pairs),
    publicPackage: wire.encode(publicPackageCodec(group), publicPackage),
  };
}

/** Every new share is where it should be, and they fit: all members sign once with them what verifies nowhere. */
function* proveLifeJob(input: ProveLifeJob, { groups, randomness }: JobTools): Protocol<Uint8Array> {
  using secret = new Secret(input.share);
  const { network, sid, me, scheme } = input;
  const suite = frost.suiteOf(scheme, groups);
  const share = { party: me, secret, publicPackage: publicPackageOf(suite.group, input.publicPackage) };
  return yield* renewal.proveLife({ suite, share, network, sid, randomness });
}

/** Shares for another committee; who leaves it has none. */
function* reshareJob(input: ReshareJob, tools: JobTools): Protocol<ReshareOutput> {
  const { aead, groups, randomness, signatures } = tools;
  const { network, sid, me, scheme, dealers, epoch, members, threshold } = input;
  using secrets = new DisposableStack();
  const receiveSecret = secrets.use(new Secret(input.receiveSecret));
  const secret = input.share === undefined ? undefined : secrets.use(new Secret(input.share));
  const group = groupOf(scheme, groups);
  const base = publicPackageOf(group, input.base);
  const { policyHash } = base;
  const seats = renewal.seatsOf({ base, dealers, members });
  const receiveKeys = decodeReceiveKeys(group, { members: seats, receiveKeys: input.receiveKeys });
  const session = { group, aead, sid, signatures, network, receiveKeys };
  const parameters = renewal.reshare(session, { base, dealers, epoch, members, threshold, policyHash });
  const outcome = yield* renewal.renew({ ...parameters, me, secret, receiveSecret, randomness });
  const share = outcome.share === undefined ? undefined : secrets.use(outcome.share);
  return {
    share: share?.use((bytes) => bytes.slice()),
    publicPackage: wire.encode(publicPackageCodec(group), outcome.publicPackage),
    receiveSecret: receiveSecret.use((bytes) => bytes.slice()),
  };
}

function* settleJob(input: SettleJob, tools: JobTools): Protocol<PairMaterials> {
  using secrets = new DisposableStack();
  secrets.use(ownStock(input));
  const receiveSecret = secrets.use(new Secret(input.receiveSecret));
  yield* proveLifeJob(input, tools);
  const { me, scheme, sid } = input;
  if (scheme !== 'ecdsa') return new Map();
  const { aead, ecdh, groups, randomness } = tools;
  const group = groupOf(scheme, groups);
  const { members, transcript } = publicPackageOf(group, input.publicPackage);
  const receiveKeys = decodeReceiveKeys(group, { members, receiveKeys: input.receiveKeys });
  const stock = stockOf(group, input);
  const session = { group, suite: dkls23.suiteA, aead, ecdh, sid, me, members, receiveKeys, receiveSecret };
  return encodePairs(yield* dkls23.pairSetup({ ...session, transcript, randomness, stock }));
}

/** What two parties of a key that is in use need to multiply, anew. */
function* pairSetupJob(input: PairSetupJob, { aead, ecdh, groups, randomness }: JobTools): Protocol<PairMaterials> {
  const { me, members, sid, transcript } = input;
  const group = groupOf('ecdsa', groups);
  const suite = dkls23.suiteA;
  using receiveSecret = new Secret(input.receiveSecret);
  using _taken = ownStock(input);
  const receiveKeys = decodeReceiveKeys(group, input);
  const stock = stockOf(group, input);
  return encodePairs(
    yield* dkls23.pairSetup({
      group,
      suite,
      aead,
      ecdh,
      sid,
      me,
      members,
      receiveKeys,
      receiveSecret,
      transcript,
      randomness,
      stock,
    }),
  );
}

/** Wipes what was taken of the stock when the job is over, however it ends. */
function ownStock({ stock }: Pick<KeygenJob, 'stock'>): DisposableStack {
  const taken = new DisposableStack();
  for (const half of stock.flatMap(halvesOf)) taken.adopt(half, wipe);
  return taken;
}

function stockOf(group: Group, { stock }: Pick<KeygenJob, 'stock'>): ReadonlyMap<Party, ReturnType<typeof setsOf>> {
  return new Map(stock.map((sets) => [sets.party, setsOf(group, sets)]));
}

function decodeReceiveKeys(
  group: Group,
  { members, receiveKeys }: Pick<KeygenJob, 'members' | 'receiveKeys'>,
): ReadonlyMap<Party, Point> {
  return new Map(members.map(({ party }, i) => [party, group.decodePoint(receiveKeys[i] as Uint8Array)]));
}

/** As storage keeps it. Wipes what it was given. */
function encodePairs(pairs: ReadonlyMap<Party, dkls23.PairMaterial>): PairMaterials {
  const encoded = new Map<Party, Uint8Array>();
  for (const [peer, pair] of pairs) {
    using secret = dkls23.encodePairMaterial(dkls23.suiteA, pair);
    dkls23.wipePairMaterial(pair);
    encoded.set(
      peer,
      secret.use((bytes) => bytes.slice()),
    );
  }
  return encoded;
}

function* signEcdsaJob(input: SignEcdsaJob, tools: JobTools): Protocol<Uint8Array> {
  using secrets = new DisposableStack();
  const { digest, tweak } = input;
  return encodeSignature(yield* dkls23.signEcdsa({ ...preparationOf(input, tools, secrets), digest, tweak }));
}

function* presignJob(input: EcdsaJob, tools: JobTools): Protocol<dkls23.MovedPresignature> {
  using secrets = new DisposableStack();
  const prepared = preparationOf(input, tools, secrets);
  return (yield* dkls23.presign(prepared)).move(prepared.group);
}

function* signPresignedJob(input: SignPresignedJob, tools: JobTools): Protocol<Uint8Array> {
  using secrets = new DisposableStack();
  const signer = signerOf(input, tools, secrets);
  const presignature = dkls23.Presignature.moved(signer.group, input.presignature);
  secrets.defer(() => presignature.wipe());
  const { digest, tweak } = input;
  return encodeSignature(yield* dkls23.signWithPresignature({ ...signer, presignature, digest, tweak }));
}

/** @param secrets what wipes everything when the job ends */
function preparationOf(input: EcdsaJob, tools: JobTools, secrets: DisposableStack): dkls23.PreparationInput {
  for (const encoded of input.material.values()) secrets.adopt(encoded, wipe);
  const signer = signerOf(input, tools, secrets);
  const pairs = new Map(
    [...input.material].map(([peer, encoded]) => {
      const pair = dkls23.decodePairMaterial(dkls23.suiteA, encoded);
      return [peer, secrets.adopt(pair, dkls23.wipePairMaterial)] as const;
    }),
  );
  return { ...signer, multiplication: tools.multiplication, pairs };
}

function signerOf(
  { banned, me, publicPackage, share, sid, signers }: Omit<EcdsaJob, 'material'>,
  { groups, randomness }: JobTools,
  secrets: DisposableStack,
): dkls23.SignerInput {
  const group = groupOf('ecdsa', groups);
  const secret = secrets.use(new Secret(share));
  return {
    group,
    share: { party: me, secret, publicPackage: publicPackageOf(group, publicPackage) },
    signers,
    banned: new Set(banned),
    sid,
    randomness,
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
