import {
  decodeEnvelope,
  dkls23,
  fromBytesBE,
  groupOf,
  type PublicPackage,
  type Scheme,
  toHex,
  verifyingShare,
} from '@quorate/protocol';
import type { Cut, OperationKind } from '@quorate/storage';
import { primeField } from '../../protocol/src/sharing/field.ts';
import { combine } from '../../protocol/src/sharing/shamir.ts';
import { packageOf } from '../src/ceremonies/packages.ts';
import type { Home } from '../src/home.ts';
import { limits } from '../src/limits.ts';
import { Committee, type Member } from './committee.ts';
import { toyTools } from './toy-tools.ts';

/** A protocol in which members of a key write. */
export interface Story {
  /** How many nodes there are. */
  readonly nodes: number;
  /** What there is before it. */
  readonly before: (committee: Committee, scheme: Scheme) => Promise<unknown>;
  /** Who begins it. */
  readonly by: string;
  /** Has it begin at a member; again, if an earlier one came to nothing. */
  readonly begin: (committee: Committee, at: string, scheme: Scheme, name: string) => Promise<unknown>;
  /** Whether it is done at a member. */
  readonly isDone: (committee: Committee, at: string, name: string) => boolean;
  /** Whether it makes whole what was lost: until it is done, not all is well. */
  readonly mends?: boolean;
  /** Whether a restart knows that it was done. */
  readonly isKept: boolean;
  /** What a key is called that is made when the first came to nothing: its name may still come to be. */
  readonly again?: string;
}

/** Where one node is cut off, or all of them with it. */
export interface CrashPoint {
  readonly name: string;
  readonly nth: number;
  readonly moment: Cut['moment'];
  readonly kind: OperationKind;
  readonly all?: boolean;
  /** How long it is away, milliseconds. */
  readonly away?: number;
}

/**
 * The moments of each operation that leave something else on the disk, or with the others. A batch that is synced and nothing
 * more is the moment before its counter.
 */
const moments: Record<OperationKind, readonly Cut['moment'][]> = {
  batch: ['before', 'within'],
  unsynced: ['before', 'within', 'after'],
  copy: ['before', 'after'],
  erase: ['before', 'within', 'after'],
  counter: ['before', 'within', 'after'],
};

const first = 'treasury';

/** Every point at which a run without a crash can be cut, at one member. */
export async function crashPoints(story: Story, scheme: Scheme, name: string): Promise<readonly CrashPoint[]> {
  const committee = await prepared(story, scheme);
  const { store } = committee.at(name);
  const done = store.operations.length;
  begin(story, committee, story.by, scheme, first);
  await finished(committee, story, first, [...committee.members.keys()]);
  const operations = store.operations.slice(done);
  return operations.flatMap((kind, i) => {
    // Of a batch whose write is torn there is nothing, so it matters only what was not synced before it.
    const cuts = moments[kind].filter(
      (moment) => kind !== 'batch' || moment === 'before' || operations[i - 1] === 'unsynced',
    );
    return cuts.map((moment) => ({ name, nth: i + 1, moment, kind }));
  });
}

/**
 * One run that is cut at a point: the node comes back, time passes, and all agree, with shares of the same key that nobody lost;
 * then a run is finished, and the key signs.
 * @returns what is wrong, nothing if all is well
 */
export async function crashAt(story: Story, scheme: Scheme, point: CrashPoint): Promise<readonly string[]> {
  const committee = await prepared(story, scheme);
  const names = [...committee.members.keys()];
  const victim = committee.at(point.name);
  const victims = point.all === true ? [...committee.members.values()] : [victim];
  const publicKey =
    committee.at('alice').home.keys.byName(first) === undefined ? undefined : await keyOf(committee, first);
  let isDead = false;
  let acknowledged = false;
  const died = (): void => {
    isDead = true;
    for (const member of victims) {
      member.tamper = () => [];
      member.store.powerOff();
    }
    acknowledged = names.some((name) => story.isDone(committee, name, first));
  };
  victim.store.cut({ nth: point.nth, moment: point.moment, died });
  begin(story, committee, story.by, scheme, first);
  await finished(committee, story, first, names, () => isDead);
  if (!isDead) return ['the point was not reached'];
  if (victim.store.operations.at(-1) !== point.kind) return ['another operation was cut'];
  const answers = answersOf(committee);

  for (const member of victims) await committee.stop(member);
  await committee.run(point.away ?? 100);
  for (const member of victims) {
    member.tamper = undefined;
    await committee.start(member);
  }
  await committee.run(recovery);
  const isDone = (name: string): boolean => story.isDone(committee, point.name, name);
  if (acknowledged && story.isKept && !isDone(first)) return ['what was done is lost'];
  const problems = story.mends === true && !isDone(first) ? [] : await problemsOf(committee, scheme, first, publicKey);
  if (problems.length > 0) return problems;

  let name = first;
  if (!isDone(first)) {
    // What was answered is answered again; what came to nothing is in nobody's way.
    name = acknowledged ? first : (story.again ?? first);
    // The number of an attempt may be known to another member already, or an earlier one may be open there until it expires.
    for (let tries = 0; tries < 3 && !isDone(name); tries++) {
      begin(story, committee, point.name, scheme, name);
      await committee.run(recovery);
      if (!isDone(name)) await committee.run(expiry);
    }
    if (!isDone(name)) return [`cannot be done again: ${JSON.stringify(committee.states())}`];
  }
  const request = committee.order('after', { key: name, ...intentOf(scheme) });
  const holders = holdersOf(committee, name).map((one) => one.name);
  const signer = holders.includes(point.name) ? point.name : (holders[0] as string);
  const signed = await committee.sign(signer, request, 60_000);
  if (signed.state !== 'done') return [`does not sign: ${JSON.stringify(signed.failure)}`];
  if (scheme === 'ed25519' && !(await committee.verifies('after', signed, name))) return ['signs what does not verify'];
  for (const [id, signature] of answersOf(committee))
    if ((answers.get(id) ?? signature) !== signature) return ['gives two answers'];
  return problemsOf(committee, scheme, name, name === first ? publicKey : undefined);
}

const intentOf = (scheme: Scheme) =>
  scheme === 'ecdsa'
    ? ({ intent: { type: 'hashed', value: { hash: 'sha256', message: new Uint8Array(3) } } } as const)
    : {};

/** Has a story begin, without waiting: time must pass, and whoever is dead never answers. What is refused is not done. */
function begin(story: Story, committee: Committee, at: string, scheme: Scheme, name: string): void {
  story.begin(committee, at, scheme, name).catch(() => undefined);
}

/** Longer than any round, and any wait for another. */
const recovery = 120_000;
/** Longer than any proposal is good for: until then whoever took it in waits for it. */
const expiry = limits.longestRequest + 600_000;

async function prepared(story: Story, scheme: Scheme): Promise<Committee> {
  const committee = await Committee.open(story.nodes, `crash points ${scheme}`, {}, toyTools());
  await story.before(committee, scheme);
  return committee;
}

/** Until it is done at these members, and what is done after that is, or until somebody is dead. */
async function finished(
  committee: Committee,
  story: Story,
  name: string,
  at: readonly string[],
  isDead: () => boolean = () => false,
): Promise<void> {
  await committee.until(() => isDead() || at.every((member) => story.isDone(committee, member, name)), 120_000);
  for (let passed = 0; passed < 3 * limits.readyInterval && !isDead(); passed += 100) await committee.run(100);
}

/** The epoch that a node knows to be in use, there or elsewhere; zero if there is none. */
function epochOf(committee: Committee, at: string, name: string): number {
  const epochs = committee.at(at).home.keys.byName(name)?.epochs ?? [];
  return epochs.findLast(({ state }) => ['certified', 'active', 'elsewhere'].includes(state))?.epoch ?? 0;
}

/** The nodes that hold a share of a key. */
function holdersOf(committee: Committee, name: string): readonly Member[] {
  return [...committee.members.values()].filter(({ home }) => home.keys.byName(name)?.current !== undefined);
}

async function keyOf(committee: Committee, name: string): Promise<string> {
  return (await committee.at('alice').node.key(name)).publicKey;
}

/** The signatures that anybody gives, by request. */
function answersOf(committee: Committee): ReadonlyMap<string, string> {
  const ceremonies = [...committee.members.values()].flatMap(({ node }) => node.ceremonies());
  return new Map(
    ceremonies.flatMap(({ id, result }) => (result?.type === 'signature' ? [[id, result.signature]] : [])),
  );
}

/** What does not hold, of all that must hold whenever nothing is under way. */
async function problemsOf(
  committee: Committee,
  scheme: Scheme,
  key: string,
  publicKey: string | undefined,
): Promise<readonly string[]> {
  const members = [...committee.members.values()];
  const problems = new Set<string>();
  // Whoever was never given a share has none.
  const known = members.filter(({ home }) => home.keys.byName(key) !== undefined);
  const epochs = new Set(known.map(({ name }) => epochOf(committee, name, key)));
  if (epochs.size > 1) problems.add(`the epochs differ: ${[...epochs].join(', ')}`);
  for (const member of members) for (const problem of await ofNode(member)) problems.add(`${member.name}: ${problem}`);
  for (const problem of nonceProblems(members)) problems.add(problem);
  if (publicKey !== undefined && (epochs.size === 0 || epochs.has(0))) problems.add('the key is lost');
  if (problems.size === 0 && epochs.size === 1 && !epochs.has(0)) {
    for (const problem of await shareProblems(committee, scheme, key, publicKey)) problems.add(problem);
  }
  return [...problems];
}

/** Damage that a crash must not look like, and blame that it must not bring. */
async function ofNode({ fatal, home, log, node }: Member): Promise<readonly string[]> {
  const problems = fatal.map((error) => `stops: ${String(error)}`);
  if (home.keys.list().some(({ quarantined }) => quarantined !== undefined)) problems.push('quarantines a key');
  const found = { blames: await kept(home, 'blames/'), bans: await kept(home, 'bans/') };
  for (const [what, count] of Object.entries(found)) if (count > 0) problems.push(`${what} somebody`);
  for (const { failure } of node.ceremonies())
    if ((failure?.culprits.length ?? 0) > 0) problems.push(`names culprits: ${failure?.code}`);
  if (!(await home.audit.verify()).ok) problems.push('its audit log is broken');
  if ((await home.keyring.manifest.checkAll()).length > 0) problems.push('records are missing');
  return [...problems, ...log.filter((line) => line.includes('"error"') && line.includes('"level":"error"'))];
}

async function kept({ keyring }: Home, prefix: string): Promise<number> {
  let count = 0;
  for await (const _ of keyring.records.places(prefix)) count += 1;
  return count;
}

/** In no round of a session anybody says two things to the same member, and what is drawn for one is used in no other. */
function nonceProblems(members: readonly Member[]): readonly string[] {
  const problems: string[] = [];
  for (const { name, sent } of members) {
    const said = new Map<string, string>();
    const sessionOf = new Map<string, string>();
    for (const { to, frame } of sent) {
      if (frame.type !== 'envelope') continue;
      const { class: sort, kind, payload, round, sid } = decodeEnvelope(frame.value);
      const [place, text, session] = [`${toHex(sid)}/${round}/${sort}/${to}`, toHex(payload), toHex(sid)];
      if ((said.get(place) ?? text) !== text) problems.push(`${name} says two things in round ${round} of ${kind}`);
      said.set(place, text);
      // Whoever has nothing to deal says so in a few bytes.
      if (round !== 0 || sort !== 'broadcast' || payload.length < 32) continue;
      if ((sessionOf.get(text) ?? session) !== session) problems.push(`${name} uses a commitment twice`);
      sessionOf.set(text, session);
    }
  }
  return problems;
}

/** All members hold shares of one package; any threshold of them makes its key, the one that there was before. */
async function shareProblems(
  committee: Committee,
  scheme: Scheme,
  key: string,
  publicKey: string | undefined,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const members = holdersOf(committee, key);
  const group = groupOf(scheme, committee.tools.groups);
  const field = primeField(group.order);
  const held = await Promise.all(members.map((member) => holding(committee, member, scheme, key)));
  const { package: publicPackage, encoded } = held[0] as Holding;
  if (held.some((one) => one.encoded !== encoded)) return ['the packages differ'];
  if (held.length < publicPackage.members.length) return ['a member has no share'];
  if (publicKey !== undefined && publicKey !== (await keyOf(committee, key))) problems.push('the key is another');
  for (const { party, share } of held)
    if (!group.equals(group.multiplyBase(share), verifyingShare(publicPackage, party)))
      problems.push(`the share of ${party} is another epoch's`);
  for (const left of held) {
    const some = held.filter((one) => one !== left).slice(0, publicPackage.threshold);
    const secret = combine(
      field,
      some.map(({ party, share }) => ({ id: BigInt(party), value: share })),
    );
    if (!group.equals(group.multiplyBase(secret), publicPackage.groupKey)) problems.push('the shares make another key');
  }
  if (scheme !== 'ecdsa') return problems;
  for (const a of held)
    for (const b of held) if (a !== b && !isPair(a.pairs.get(b.party), b.pairs.get(a.party))) problems.push('no pair');
  return problems;
}

interface Holding {
  readonly party: number;
  readonly share: bigint;
  readonly encoded: string;
  readonly package: PublicPackage;
  readonly pairs: ReadonlyMap<number, dkls23.PairMaterial>;
}

async function holding(committee: Committee, member: Member, scheme: Scheme, key: string): Promise<Holding> {
  const { keys } = member.home;
  const info = keys.byName(key);
  if (info?.current === undefined) throw new Error('there is a key');
  const { current, keyId } = info;
  using share = await keys.share(keyId, current.epoch);
  const publicPackage = packageOf({ scheme }, current, committee.tools);
  const party = publicPackage.members.find(({ node }) => toHex(node) === toHex(member.key.publicKey))?.party ?? 0;
  const pairs = new Map<number, dkls23.PairMaterial>();
  for (const peer of current.material) {
    using material = await keys.materials.get(keyId, current.epoch, peer);
    if (material !== undefined)
      pairs.set(
        peer,
        material.use((bytes) => dkls23.decodePairMaterial(dkls23.suiteA, bytes.slice())),
      );
  }
  const encoded = toHex(current.publicPackage);
  return { party, share: share.use(fromBytesBE), encoded, package: publicPackage, pairs };
}

/** Whether two ends belong together: one knows every leaf, the other all but those that it left out. */
function isPair(bob: dkls23.PairMaterial | undefined, alice: dkls23.PairMaterial | undefined): boolean {
  if (bob === undefined || alice === undefined) return false;
  const [all, most] = [bob.asBob.leaves.use(toHex), alice.asAlice.leaves.use(toHex)];
  const blocks = (hex: string): readonly string[] => hex.match(/.{32}/g) ?? [];
  const known = blocks(all);
  return (
    bob.zeroSeed.use(toHex) === alice.zeroSeed.use(toHex) &&
    toHex(bob.asBob.fingerprint) === toHex(alice.asAlice.fingerprint) &&
    blocks(most).every((block, i) => block === known[i] || /^0*$/.test(block))
  );
}

async function withKey(committee: Committee, scheme: Scheme): Promise<void> {
  const members = ['alice', 'bob', 'carol'];
  await committee.at('alice').node.keygen({ name: first, scheme, threshold: 2, members });
  await committee.until(() => members.every((member) => epochOf(committee, member, first) === 1));
  await committee.run(limits.refreshPause);
}

/** A member's share of a key is gone, in both copies. */
async function loseShare(committee: Committee, name: string): Promise<void> {
  const member = committee.at(name);
  await committee.stop(member);
  for await (const [place] of member.store.entries('shares/'))
    await member.store.batch([{ type: 'delete', key: place }]);
  for (const copy of await member.store.beside.copies()) await member.store.beside.eraseCopy(copy);
  await committee.start(member);
  await committee.run(20);
}

/** A protocol at whose end a higher epoch is in use everywhere. */
function epochStory(from: number, begin: Story['begin']): Story {
  return {
    nodes: 3,
    before: from === 0 ? async () => undefined : withKey,
    begin,
    isDone: (committee, at, name) => epochOf(committee, at, name) > from,
    isKept: true,
    by: 'alice',
    ...(from === 0 ? { again: 'second' } : {}),
  };
}

/** The protocols. A key is of two out of three. */
export const stories: Readonly<Record<string, Story>> = {
  keygen: epochStory(0, async (committee, at, scheme, name) =>
    committee.at(at).node.keygen({ name, scheme, threshold: 2 }),
  ),
  refresh: epochStory(1, async (committee, at, _, name) => committee.at(at).node.refresh(name)),
  reshare: {
    ...epochStory(1, async (committee) =>
      committee.at('alice').node.reshare(first, { members: ['bob', 'carol', 'dave'], threshold: 2 }),
    ),
    nodes: 4,
  },
  repair: {
    nodes: 3,
    before: async (committee, scheme) => {
      await withKey(committee, scheme);
      await loseShare(committee, 'bob');
    },
    begin: async (committee) => committee.at('bob').node.repair(first),
    isDone: (committee) => epochOf(committee, 'bob', first) > 0,
    by: 'bob',
    mends: true,
    isKept: true,
  },
  signature: {
    nodes: 3,
    isKept: false,
    by: 'alice',
    before: withKey,
    begin: async (committee, at, scheme) =>
      committee.at(at).node.sign(committee.order('order', { expires: 1_700_000_600_000, ...intentOf(scheme) })),
    isDone: (committee, at) =>
      committee
        .at(at)
        .node.ceremonies()
        .some(({ kind, state }) => kind === 'sign' && state === 'done'),
  },
};
