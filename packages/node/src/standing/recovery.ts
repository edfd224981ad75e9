import {
  type Certificate,
  CertificateError,
  certificateCodec,
  equal,
  type PublicPackage,
  toHex,
  tryDecode,
} from '@quorate/protocol';
import type { OwnMark } from '@quorate/storage';
import { limits } from '../limits.ts';
import { bootCounter } from '../network/hello.ts';
import type { PeerId } from '../network/network.ts';
import { ServiceError } from '../service.ts';
import type { Told } from './messages.ts';
import type { StandingParts } from './parts.ts';
import { firstOf, generationOf, readStatement, type Statement } from './statement.ts';

/** A later epoch of a key than this disk knows, as a peer proved. */
interface Learned extends Pick<PublicPackage, 'baseEpoch' | 'epoch' | 'members' | 'threshold'> {
  readonly keyId: Uint8Array;
  /** Encoded. */
  readonly publicPackage: Uint8Array;
  readonly certificate: Uint8Array;
  readonly decoded: Certificate;
}

interface Committee {
  readonly nodes: readonly Uint8Array[];
  /** How many of its members, one of them honest, have to confirm: all others at most. */
  readonly need: number;
}

/**
 * Where this node itself stands. If somebody shows it a statement with its own signature that it does not know of, then its disk
 * was rolled back or it runs twice. From then on, over restarts, it takes part in nothing, until as many peers of each of its
 * committees as would be needed to sign have told it what they know of it and that no other instance of it is there. Then it drops
 * whatever was set up with others and begins a new generation, above everything that it ever said. Nothing but its own signature
 * puts it there, so no number of liars can.
 */
export class Recovery {
  readonly #parts: StandingParts;
  #nonce: Uint8Array | undefined;
  readonly #confirmed = new Set<PeerId>();
  /** What this disk does not know, by key id: the newest that each peer proved. */
  readonly #learned = new Map<string, Map<PeerId, Learned>>();
  #cancel = (): void => undefined;
  #completing = false;
  /** Whether it was settled since the start that others have a signature of ours that this disk did not know. */
  #isSettled = false;
  #closed = false;
  /** What is said to all once the node has recovered. */
  onRecovered: () => void = () => undefined;

  constructor(parts: StandingParts) {
    this.#parts = parts;
  }

  open(): void {
    if (this.isHeld) this.#begin();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  get #own(): OwnMark {
    return this.#parts.marks.own();
  }

  /** Whether the node takes part in nothing. */
  get isHeld(): boolean {
    return this.#own.state !== 'well';
  }

  get confirmedBy(): readonly PeerId[] {
    return [...this.#confirmed];
  }

  /** Why nothing is done, and what to do about it. */
  get reason(): string | undefined {
    switch (this.#own.state) {
      case 'well':
        return undefined;
      case 'recovering':
        return 'this node was rolled back, or runs twice: it does nothing until enough peers confirm where it stands; if it runs nowhere else, `quorate identity resolve` shortens the wait';
      case 'suspended':
        return 'another node runs with the identity of this one: stop one of them, then `quorate identity resolve` at the other';
      case 'resolved':
        return 'this node does nothing until enough peers confirm where it stands';
    }
  }

  /** What only this disk could know, and may not any more: for the operator, from the first sign until the next start. */
  get forgotten(): string | undefined {
    if (!this.#isSettled && this.#own.evidence.length === 0) return undefined;
    const what = 'what operators said here since it was copied is forgotten, freezes of keys above all';
    return `if an older copy of this node's disk was put back, ${what}: freeze again what must not be used`;
  }

  /** Judges a statement that `peer` showed. One that we did not sign says nothing. */
  face(peer: PeerId, bytes: Uint8Array): void {
    const { config, key, tools } = this.#parts;
    const statement = readStatement(bytes, config.networkId, key.publicKey, tools.signatures);
    if (statement !== undefined && !this.#knows(statement)) this.#enter(peer, statement, bytes);
  }

  /** A peer heard two instances of us in turn. It is one peer's word: of a node that is well it shows nothing. */
  twin(): void {
    if (this.#own.state === 'recovering') this.#inBackground(this.#change('suspended'));
  }

  /** The operator says that no other instance runs. @param doubted whether any peer doubts this node */
  async resolve(doubted: boolean): Promise<void> {
    const { audit, clock, held } = this.#parts;
    if (!this.isHeld && !doubted)
      throw new ServiceError('not-suspended', 'nothing is known against this node, and no connected peer doubts it');
    if (this.#own.state === 'resolved') return;
    await this.#change('resolved');
    held(this.reason ?? '');
    await audit.append(clock.now(), 'identity-resolved', {});
    this.#begin();
  }

  /** A certificate that a peer sent in answer to our question. */
  learn(peer: PeerId, nonce: Uint8Array, encoded: Uint8Array): void {
    const { certificate: pass, key, keys, nameOf } = this.#parts;
    if (this.#nonce === undefined || !equal(nonce, this.#nonce)) return;
    const decoded = tryDecode(certificateCodec, encoded)?.value;
    const publicPackage = decoded && this.#verified(decoded);
    if (decoded === undefined || publicPackage === undefined)
      return this.#parts.log.warn('a peer shows what proves nothing', { peer: nameOf(peer) });
    const { baseEpoch, epoch, keyId, members, threshold } = publicPackage;
    if (!members.some(({ node }) => equal(node, key.publicKey))) return;
    const learned = this.#learned.get(toHex(keyId)) ?? new Map<PeerId, Learned>();
    this.#learned.set(toHex(keyId), learned);
    if (epoch < (learned.get(peer)?.epoch ?? 0)) return;
    // Most peers prove the same.
    const same = [...learned.values()].find(({ certificate }) => equal(certificate, encoded));
    const proof = { certificate: encoded, decoded, publicPackage: decoded.publicPackage };
    learned.set(peer, same ?? { baseEpoch, epoch, keyId, members, threshold, ...proof });
    if (keys.get(keyId)?.epochs.some((one) => one.epoch === epoch) === true) pass(peer, encoded);
  }

  /**
   * The shares of later epochs were lost here. As many members as could sign just confirmed where this node stands, so at least one
   * that is honest hears what certifies the epoch: one who kept its READY back may be the only one who knew.
   */
  async #markLost(): Promise<void> {
    const { connected, keys, marks, peerOf, show } = this.#parts;
    for (const { certificate, epoch, keyId, members } of this.#proved()) {
      if (keys.get(keyId)?.epochs.some((one) => one.epoch === epoch) === true) continue;
      const others = members.map(({ node }) => peerOf(node)).filter((peer) => connected().includes(peer));
      const told = this.#learned.get(toHex(keyId));
      for (const peer of others) if ((told?.get(peer)?.epoch ?? 0) < epoch) show(peer, certificate);
      await marks.raise(keyId, epoch);
    }
  }

  /** A peer told all that it knows. */
  told(peer: PeerId, { nonce, statements, twin, wait }: Told): void {
    if (this.#nonce === undefined || !equal(nonce, this.#nonce)) return;
    for (const statement of statements) this.face(peer, statement);
    if (twin === 1) return this.twin();
    if (wait === 0) this.#confirmed.add(peer);
  }

  /** Asks everybody, and counts the answers when there was time for them. */
  #begin(): void {
    this.#cancel();
    if (this.#closed || this.#own.state === 'suspended') return;
    const { clock, connected, keys, randomness, send } = this.#parts;
    const nonce = randomness.bytes(32);
    this.#nonce = nonce;
    this.#confirmed.clear();
    const resolved = this.#own.state === 'resolved' ? 1 : 0;
    const held = keys.list().map(({ current, keyId }) => ({ keyId, epoch: current?.epoch ?? 0 }));
    const asked = { nonce, resolved, keys: held.slice(0, limits.askedKeys) };
    for (const peer of connected()) send(peer, { type: 'asked', value: asked });
    this.#cancel = clock.after(limits.recoveryRound, () => this.#inBackground(this.#count()));
  }

  async #count(): Promise<void> {
    if (!this.isHeld || this.#completing) return;
    this.#completing = true;
    try {
      if (this.#own.state !== 'suspended' && this.#isConfirmed()) await this.#recover();
    } finally {
      this.#completing = false;
    }
    if (this.isHeld) this.#begin();
    else this.onRecovered();
  }

  /** Whether at least one honest member of each committee confirmed, if the committees keep their promise. */
  #isConfirmed(): boolean {
    const { key, peerOf } = this.#parts;
    return this.#committees().every(({ need, nodes }) => {
      const others = nodes.filter((node) => !equal(node, key.publicKey));
      const confirmed = others.filter((node) => this.#confirmed.has(peerOf(node)));
      return confirmed.length >= Math.min(need, others.length);
    });
  }

  /** The newest epoch of each key that was proved, by all that is known by now. */
  #proved(): readonly Learned[] {
    return [...this.#learned.values()].flatMap((learned) => {
      const all = [...learned.values()].toSorted((a, b) => b.epoch - a.epoch);
      // By what was known before it was proved, each was judged then.
      const isRefuted = ({ baseEpoch, decoded }: Learned): boolean =>
        all.some(({ epoch }) => epoch === baseEpoch) && this.#verified(decoded) === undefined;
      return all.find((one) => !isRefuted(one)) ?? [];
    });
  }

  #committees(): readonly Committee[] {
    const { config, keys, members, packageOf } = this.#parts;
    const roster = members().map(({ node }) => node);
    const majority = Math.floor(roster.length / 2) + 1;
    const known = keys.list().flatMap((one): readonly Committee[] => {
      const info = one.current ?? one.epochs.at(-1);
      if (info === undefined) return [];
      const { members: parties, threshold } = packageOf(one, info);
      return [{ nodes: parties.map(({ node }) => node), need: threshold }];
    });
    const learned = this.#proved().map(
      ({ members: parties, threshold }): Committee => ({ nodes: parties.map(({ node }) => node), need: threshold }),
    );
    return [{ nodes: roster, need: config.threshold ?? majority }, ...known, ...learned];
  }

  /** Nothing of before is used any more; then the node says so. Each step can be repeated after a crash. */
  async #recover(): Promise<void> {
    const { audit, bootEpoch, burn, clock, log, marks, renewBoot } = this.#parts;
    const before = this.#own;
    await burn();
    const evidence = this.#evidence();
    const highest = Math.max(generationOf(bootEpoch()), evidence === undefined ? 0 : generationOf(evidence.bootEpoch));
    const counter = firstOf(highest + 1);
    if (counter === undefined) return log.error('this identity has begun anew too often: make another one');
    // Something higher was shown meanwhile.
    if (this.#own !== before) return;
    await renewBoot(counter);
    await audit.append(clock.now(), 'recovered', { generation: highest + 1 });
    await this.#markLost();
    // No member takes part in a number above the seconds since 1970.
    if (evidence !== undefined) await marks.raiseFloor(Math.floor(clock.now() / 1_000));
    if (this.#own !== before) return;
    this.#isSettled ||= evidence !== undefined;
    await marks.keepOwn({ state: 'well', lives: [], evidence: new Uint8Array(0) });
    this.#nonce = undefined;
    this.#learned.clear();
    log.warn('this node stands where it should, and takes part again', {
      generation: highest + 1,
      forgotten: this.forgotten,
    });
  }

  /** Whether a statement of ours is one that this disk remembers, or one from before it was settled, or older than it can tell. */
  #knows(statement: Statement): boolean {
    const bootEpoch = this.#parts.bootEpoch();
    const generation = generationOf(statement.bootEpoch) - generationOf(bootEpoch);
    if (generation !== 0) return generation < 0;
    const { lives } = this.#own;
    const life = lives.find((one) => equal(one.bootEpoch, statement.bootEpoch));
    if (life !== undefined) return statement.counter <= life.counter;
    const oldest = lives.length < limits.lives ? undefined : lives[0];
    return oldest !== undefined && bootCounter(statement.bootEpoch) < bootCounter(oldest.bootEpoch);
  }

  #enter(peer: PeerId, statement: Statement, bytes: Uint8Array): void {
    const { audit, bans, bootEpoch, clock, held, log, marks, nameOf } = this.#parts;
    const own = this.#own;
    const known = this.#evidence();
    if (known !== undefined && !isHigher(statement, known)) return;
    // Who has our boot epoch has our memory: no disk was put back, a whole machine was copied.
    const isCopy = equal(statement.bootEpoch, bootEpoch());
    const state = own.state === 'well' ? (isCopy ? 'suspended' : 'recovering') : own.state;
    this.#inBackground(marks.keepOwn({ ...own, state, evidence: bytes }));
    for (const node of statement.bans) {
      this.#inBackground(bans.ban({ node, session: new Uint8Array(32), time: clock.now() }));
    }
    if (own.state !== 'well') return;
    const from = nameOf(peer);
    log.error('this node was rolled back, or runs twice: it takes part in nothing', { shownBy: from });
    held(this.reason ?? '');
    const fields = { shownBy: from, ours: toHex(bootEpoch()), shown: toHex(statement.bootEpoch) };
    this.#inBackground(audit.append(clock.now(), 'rolled-back', fields));
    this.#begin();
  }

  #evidence(): Statement | undefined {
    const { config, key, tools } = this.#parts;
    return readStatement(this.#own.evidence, config.networkId, key.publicKey, tools.signatures);
  }

  async #change(state: OwnMark['state']): Promise<void> {
    const { log, marks } = this.#parts;
    log.error('the state of this identity changed', { state });
    await marks.keepOwn({ ...this.#own, state });
  }

  /** By what is known of the key here, and by what else was proved: nobody honest moves on to what too few wanted. */
  #verified(certificate: Certificate): PublicPackage | undefined {
    const learned = (keyId: Uint8Array): readonly Learned[] => [...(this.#learned.get(toHex(keyId))?.values() ?? [])];
    try {
      return this.#parts.certified(certificate, learned);
    } catch (error) {
      if (error instanceof CertificateError) return undefined;
      throw error;
    }
  }

  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!this.#closed) this.#parts.fatal(error);
    });
  }
}

function isHigher(a: Statement, b: Statement): boolean {
  const [starts, others] = [bootCounter(a.bootEpoch), bootCounter(b.bootEpoch)];
  return starts === others ? a.counter > b.counter : starts > others;
}
