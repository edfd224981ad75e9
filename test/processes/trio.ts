import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CeremonyView, KeyView } from '@quorate/node';
import { type CeremonyKind, decodeEnvelope, kinds, sealEnvelope, toHex } from '@quorate/protocol';
import type { NodeFrame } from '../../packages/node/src/ceremonies/frames.ts';
import type { PeerId } from '../../packages/node/src/network/network.ts';
import { type TestnetNode, until } from '../../scripts/testnet/testnet.ts';
import { Puppet, unlock } from './member.ts';
import { finish, type PeerView, quorate, Scene, type SignOrder, signed } from './scene.ts';

type Envelope = ReturnType<typeof decodeEnvelope>;

/** A check in which the rogue cheats: its message of one round of signing, spoilt in so many places that it always fails. */
export interface Cheat {
  readonly round: 0 | 1;
  spoil(payload: Uint8Array): Uint8Array;
}

/** What a killed node left, of what it has with the rogue. */
export interface Remains {
  readonly banned: boolean;
  /** Checks that were begun and not finished. */
  readonly begun: number;
  /** Whether something is set up with the rogue. */
  readonly setUp: boolean;
  /** Kinds of what is in the audit log. */
  readonly audit: readonly string[];
}

/** How far a process has come since the moment from which it is watched. */
export interface Progress {
  /** Turns of the test's own event loop. */
  readonly turns: number;
  /** Times that its database was seen to have grown: a write each, or several at once. */
  readonly writes: number;
}

/** Turns after which a kill that waits for something happens all the same: some never comes. */
const patience = 20_000;

/**
 * Two processes and the rogue: a member in the test's own process that is honest unless told otherwise. It is the third party
 * of the key, so that the others propose what is to be set up with it. An ECDSA key of which two sign.
 */
export class Trio implements AsyncDisposable {
  readonly scene: Scene;
  readonly key: KeyView;
  readonly rogue: Puppet;
  /** By party. */
  readonly honest: readonly [TestnetNode, TestnetNode];
  /** Every signature of a request, by the request. */
  readonly signatures = new Map<string, string>();
  /** Sessions in which the rogue has cheated: whom, in which round, and what it has set up with it, as both can name it. */
  readonly cheated: {
    readonly victim: PeerId;
    readonly sid: string;
    readonly round: number;
    readonly setUp: string;
  }[] = [];

  private constructor(scene: Scene, key: KeyView, rogue: Puppet, honest: Trio['honest']) {
    this.scene = scene;
    this.key = key;
    this.rogue = rogue;
    this.honest = honest;
  }

  static async open(): Promise<Trio> {
    const scene = await Scene.open(3);
    try {
      const key = await scene.makeKey('vault', 'ecdsa', 2);
      const [one, two, rogue] = key.parties
        .toSorted((a, b) => a.party - b.party)
        .map(({ name }) => scene.node(name)) as [TestnetNode, TestnetNode, TestnetNode];
      await scene.net.signal(rogue, 'SIGTERM');
      return new Trio(scene, key, await Puppet.open(rogue, 2), [one, two]);
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rogue[Symbol.asyncDispose]();
    await this.scene[Symbol.asyncDispose]();
  }

  get rogueName(): string {
    return this.key.parties.find(({ party }) => party === 3)?.name ?? '';
  }

  other(victim: TestnetNode): TestnetNode {
    return victim === this.honest[0] ? this.honest[1] : this.honest[0];
  }

  peerOf({ name }: TestnetNode): PeerId {
    return this.rogue.member.peerOf(name);
  }

  /** An order that the rogue coordinates, if nobody stops it. */
  order(key: KeyView = this.key): SignOrder {
    const idempotencyKey = this.scene.idempotencyKey(key, ({ coordinators }) => coordinators[0] === this.rogueName);
    return this.scene.order(key, { idempotencyKey });
  }

  /** Both of the processes and the rogue end a request with one signature; returns it as the first of them tells it. */
  async finish(order: SignOrder, key: KeyView = this.key): Promise<CeremonyView> {
    const views: CeremonyView[] = [];
    for (const { client } of this.honest) views.push(signed(await finish(client, await client.sign(order)), key));
    const [first] = views as [CeremonyView];
    const own = (): CeremonyView | undefined => this.rogue.node.ceremonies().find(({ id }) => id === first.id);
    await until('the rogue to know the signature', 60, () => Promise.resolve(own()?.state === 'done'));
    for (const { id, result } of [...views, own() as CeremonyView]) {
      const signature = result?.type === 'signature' ? result.signature : '';
      const known = this.signatures.get(id) ?? signature;
      if (signature !== known) throw new Error(`two signatures of ${id}: ${known} and ${signature}`);
      this.signatures.set(id, signature);
    }
    return first;
  }

  /** Orders a signature while the other process stands still: only the victim and the rogue can make it. */
  async alone<T>(victim: TestnetNode, work: () => Promise<T>): Promise<T> {
    await this.scene.net.signal(this.other(victim), 'SIGSTOP');
    try {
      return await work();
    } finally {
      await this.scene.net.signal(this.other(victim), 'SIGCONT');
    }
  }

  /** The victim and the rogue sign, and nobody else. */
  async together(victim: TestnetNode, key: KeyView = this.key): Promise<void> {
    const order = this.order(key);
    const { client } = victim;
    await this.alone(victim, async () => signed(await finish(client, await client.sign(order)), key));
    await this.finish(order, key);
  }

  /** From now on the rogue says nothing of this kind, from the `first` round on. */
  hold(kind: CeremonyKind, first = 0): void {
    this.rogue.hold((frame) => {
      if (frame.type !== 'envelope') return false;
      const envelope = decodeEnvelope(frame.value);
      return envelope.kind === kinds[kind] && envelope.round >= first;
    });
  }

  /** From now on the rogue cheats one process whenever it can. @returns resolves at the first time, before it is sent */
  async cheat(victim: TestnetNode, { round, spoil }: Cheat): Promise<void> {
    const peer = this.peerOf(victim);
    const setUps = new Map<string, string>();
    return new Promise((resolve) => {
      this.rogue.change = (to, frame) => {
        if (to !== peer || frame.type !== 'envelope') return frame;
        const envelope = decodeEnvelope(frame.value);
        if (envelope.kind !== kinds.sign || envelope.class !== 'direct') return frame;
        const sid = toHex(envelope.sid);
        if (isOffer(envelope)) setUps.set(sid, fingerprintOf(envelope));
        if (envelope.round !== round) return frame;
        this.cheated.push({ victim: peer, sid, round, setUp: setUps.get(sid) ?? '' });
        resolve();
        const { identity } = this.rogue.member;
        return {
          type: 'envelope',
          value: sealEnvelope(envelope, envelope.echo, spoil(envelope.payload), identity).frame,
        };
      };
    });
  }

  behave(): void {
    this.rogue.change = (_, frame) => frame;
  }

  /**
   * What came of each time that the rogue cheated, as it can tell: the victim went on, or it gave up. Nothing, if the victim
   * said neither.
   */
  outcomes(): readonly { readonly setUp: string; readonly victim: PeerId; readonly passed: boolean }[] {
    return this.cheated.flatMap(({ victim, sid, round, setUp }) => {
      const after = this.#heard().filter((one) => one.from === victim && toHex(one.envelope.sid) === sid);
      const passed = after.some(({ envelope }) => envelope.class !== 'abort' && envelope.round > round);
      const ended = after.some(({ envelope }) => envelope.class === 'abort');
      return passed || ended ? [{ setUp, victim, passed }] : [];
    });
  }

  /** The fingerprints of set-ups with which the rogue has offered a process to multiply, from the `first` of its frames on. */
  offered(victim: TestnetNode, first = 0): ReadonlySet<string> {
    const peer = this.peerOf(victim);
    const own = this.rogue.said.slice(first).flatMap(({ to, frame }) => (to === peer ? envelopesOf(frame, '') : []));
    return new Set(own.flatMap(({ envelope }) => (isOffer(envelope) ? [fingerprintOf(envelope)] : [])));
  }

  /** Kills a process as soon as it is `due`, looked at in every turn of the event loop. */
  async killWhen(node: TestnetNode, due: (progress: Progress) => boolean): Promise<void> {
    const store = join(node.data, 'store');
    let size = sizeOf(store);
    for (let turns = 0, writes = 0; turns < patience && !due({ turns, writes }); turns++) {
      await new Promise((resolve) => void setImmediate(resolve));
      const now = sizeOf(store);
      if (now !== size) writes += 1;
      size = now;
    }
    await this.scene.net.signal(node, 'SIGKILL');
  }

  /** Reads the folder of a process that was killed. */
  async remains(victim: TestnetNode): Promise<Remains> {
    const { home } = await unlock(victim);
    try {
      const audit: string[] = [];
      for await (const { kind } of home.audit.entries()) audit.push(kind);
      let begun = 0;
      for await (const { parties } of home.sessions.unanswered()) if (parties.includes(3)) begun += 1;
      using material = await home.keys.materials.get(Buffer.from(this.key.keyId, 'hex'), this.key.epoch, 3);
      const banned = home.bans.has(this.rogue.member.identity.publicKey);
      return { banned, begun, setUp: material !== undefined, audit };
    } finally {
      await home.close();
    }
  }

  /** What an operator sees of the rogue at a process. */
  async seen({ data }: TestnetNode): Promise<PeerView> {
    const { stdout } = await quorate(['peers', '--data', data, '--json']);
    const { peers } = JSON.parse(stdout) as { readonly peers: readonly PeerView[] };
    const view = peers.find(({ name }) => name === this.rogueName);
    if (view === undefined) throw new Error(`no rogue in ${stdout}`);
    return view;
  }

  /** Takes from a process what it has set up with the rogue, as if it had burnt it. It stands still afterwards. */
  async drop(victim: TestnetNode): Promise<void> {
    await this.scene.net.signal(victim, 'SIGTERM');
    const { home } = await unlock(victim);
    await home.keys.materials.drop(Buffer.from(this.key.keyId, 'hex'), this.key.epoch, [3]);
    await home.close();
  }

  /** Until both say that they have something to multiply with each other. */
  async untilSetUp(victim: TestnetNode): Promise<void> {
    await until(`${victim.name} and the rogue to be set up`, 120, async () => {
      const own = this.rogue.node.peers().find(({ name }) => name === victim.name);
      return own?.pairs.missing === 0 && (await this.scene.peer(victim.name, this.rogueName)).pairs.missing === 0;
    });
  }

  /**
   * No nonce, commitment, share or message to multiply was used twice, as far as the rogue sees: one payload a place in a session,
   * and none of them in two sessions. No two signatures have the same r.
   */
  expectNothingTwice(): void {
    const places = new Map<string, string>();
    const values = new Map<string, string>();
    const own = this.rogue.said.flatMap(({ frame }) => envelopesOf(frame, 'rogue'));
    for (const { from, envelope } of [...this.#heard(), ...own]) {
      const { class: sort, payload, round, sid, to } = envelope;
      if (envelope.kind !== kinds.sign || sort === 'abort') continue;
      const place = `${from}/${toHex(sid)}/${round}/${sort}/${to}`;
      once(places, place, toHex(payload));
      for (const value of secretsOf(round, sort, payload)) once(values, value, `${from}/${toHex(sid)}`);
    }
    const rs = [...this.signatures.values()].map((signature) => signature.slice(0, 64));
    if (new Set(rs).size !== rs.length) throw new Error('two signatures with one r');
  }

  #heard(): readonly { readonly from: string; readonly envelope: Envelope }[] {
    return this.rogue.heard.flatMap(({ from, frame }) => envelopesOf(frame, from));
  }
}

function isOffer({ class: sort, kind, round }: Envelope): boolean {
  return kind === kinds.sign && round === 0 && sort === 'direct';
}

/** Of what both have set up: it follows the version, the session and the nonce. */
function fingerprintOf({ payload }: Envelope): string {
  return toHex(payload.subarray(65, 97));
}

function envelopesOf(
  frame: NodeFrame,
  from: string,
): readonly { readonly from: string; readonly envelope: Envelope }[] {
  return frame.type === 'envelope' ? [{ from, envelope: decodeEnvelope(frame.value) }] : [];
}

/** What of a message of signing must be new in each session: see `sign-messages.ts` for the layouts. */
function secretsOf(round: number, sort: string, payload: Uint8Array): readonly string[] {
  const part = (start: number, end?: number): string =>
    `${round}/${sort}/${start}/${toHex(payload.subarray(start, end))}`;
  if (round === 0 && sort === 'broadcast') return [part(1, 33), part(33, 65)];
  if (round === 0) return [part(97)];
  // R, its blinding; both products of it; the mask; what was multiplied.
  if (round === 1) return [part(1, 34), part(34, 66), part(99, 132), part(132, 165), part(165, 197), part(197)];
  return [part(1)];
}

function once(seen: Map<string, string>, name: string, value: string): void {
  const before = seen.get(name) ?? value;
  if (before !== value) throw new Error(`${name} was used twice`);
  seen.set(name, value);
}

/** Bytes of a database's logs: what is written goes there first. */
function sizeOf(store: string): number {
  return readdirSync(store)
    .filter((name) => name.endsWith('.log'))
    .reduce((sum, name) => sum + (statSync(join(store, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}
