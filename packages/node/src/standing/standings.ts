import { toHex } from '@quorate/protocol';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';
import { ServiceError, type StandingView } from '../service.ts';
import type { StandingMessage } from './messages.ts';
import type { StandingParts } from './parts.ts';
import { Recovery } from './recovery.ts';
import { state } from './statement.ts';
import { Watch } from './watch.ts';

/**
 * Who stands where. When a channel opens, each side shows what it holds of the other and is told where the other stands; so a node
 * sees its own later signature before it says anything that would take that one's place. See docs/decisions/0012-rollback.md.
 */
export class Standings {
  readonly #parts: StandingParts;
  readonly #watch: Watch;
  readonly #recovery: Recovery;
  /** Peers that said, on the channel in use, that they doubt this node. */
  readonly #doubters = new Set<PeerId>();
  /** The statement in force, once it is on the disk; undefined until one is needed. */
  #current: Promise<Uint8Array> | undefined;
  #stirred = false;
  #cancel = (): void => undefined;
  #closed = false;

  constructor(parts: StandingParts) {
    this.#parts = parts;
    this.#watch = new Watch(parts);
    this.#recovery = new Recovery(parts);
    this.#recovery.onRecovered = () => {
      this.#doubters.clear();
      this.renew();
    };
  }

  open(): void {
    this.#recovery.open();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#recovery.close();
  }

  /** @throws {ServiceError} `suspended` while this node takes part in nothing */
  expectWell(): void {
    const { reason } = this.#recovery;
    if (reason !== undefined) throw new ServiceError('suspended', reason);
  }

  /** Whether nothing is done with this peer. */
  isDoubted(peer: PeerId): boolean {
    return this.#watch.isDoubted(peer);
  }

  /** Whether what a node signed in the start `bootEpoch` is not to be acted upon. */
  doubts(node: Uint8Array, bootEpoch: Uint8Array): boolean {
    return this.#watch.doubts(node, bootEpoch);
  }

  /** Epochs whose shares were lost with a rollback, by key id. */
  lostShares(): readonly (readonly [keyId: Uint8Array, epoch: number])[] {
    const { keys, marks } = this.#parts;
    return marks.keys().filter(([keyId, epoch]) => epoch > (keys.get(keyId)?.current?.epoch ?? 0));
  }

  /** Why an epoch of a key is not the one to use here, in a sentence. */
  lostShare(keyId: Uint8Array, epoch: number): string | undefined {
    const highest = this.#parts.marks.epochOf(keyId);
    return highest > epoch ? `the share of epoch ${highest} was lost here with a rollback` : undefined;
  }

  /** @throws {ServiceError} `denied` if the committee of a key went on to an epoch whose share was lost here */
  expectShare(keyId: Uint8Array, epoch: number): void {
    const problem = this.lostShare(keyId, epoch);
    if (problem !== undefined) throw new ServiceError('denied', `${problem}: \`quorate keys repair\` brings it back`);
  }

  view(): StandingView {
    const { marks, nameOf } = this.#parts;
    const doubtedBy = [...this.#doubters].map(nameOf);
    const confirmedBy = this.#recovery.confirmedBy.map(nameOf);
    return { state: marks.own().state, reason: this.#recovery.reason, confirmedBy, doubtedBy };
  }

  /**
   * Under no number of an epoch up to this does the node promise READY or its approval: with a rollback it may have forgotten what it
   * promised under it.
   */
  get floor(): number {
    return this.#parts.marks.floor();
  }

  /** What the operator should know of this node's shares, of it and of the others. */
  warnings(): readonly string[] {
    const { marks, members, nameOf } = this.#parts;
    const { doubtedBy, reason } = this.view();
    const { forgotten } = this.#recovery;
    const doubted = members().filter(({ node }) => marks.doubtOf(node) !== undefined);
    return [
      ...[reason, forgotten].filter((one) => one !== undefined),
      ...doubtedBy.map(
        (name) =>
          `${name} holds that this identity runs twice or was rolled back: stop other instances, then \`quorate identity resolve\``,
      ),
      ...doubted.map(({ node, peer }) =>
        marks.doubtOf(node)?.twin === true
          ? `two nodes run as ${nameOf(peer)}: nothing is done with it until its operator has stopped one and resolved it`
          : `${nameOf(peer)} was rolled back, or runs twice: nothing is done with it until it has recovered`,
      ),
    ];
  }

  /** The operator's word that no other instance runs. @throws {ServiceError} `not-suspended` */
  async resolve(): Promise<void> {
    await this.#recovery.resolve(this.#doubters.size > 0);
  }

  /** Something happened that a copy of an earlier disk would not know: soon said to all. */
  stir(): void {
    if (this.#stirred || this.#closed) return;
    this.#stirred = true;
    this.#cancel = this.#parts.clock.after(limits.standingPause, () => this.renew());
  }

  /** Says at once where this node stands now. */
  renew(): void {
    this.#cancel();
    this.#stirred = false;
    if (this.#closed) return;
    this.#current = undefined;
    for (const peer of this.#parts.connected()) this.#say(peer);
  }

  greet(peer: PeerId): void {
    this.#parts.send(peer, { type: 'held', value: this.#watch.heldOf(peer) });
  }

  lost(peer: PeerId): void {
    this.#doubters.delete(peer);
    this.#watch.lost(peer);
  }

  receive(peer: PeerId, message: StandingMessage): void {
    switch (message.type) {
      case 'held':
        for (const statement of message.value.statements) this.#recovery.face(peer, statement);
        return this.#say(peer);
      case 'said':
        return this.#watch.hear(peer, message.value);
      case 'doubted':
        for (const statement of message.value.statements) this.#recovery.face(peer, statement);
        this.#doubters.add(peer);
        if (message.value.twin === 1) this.#recovery.twin();
        return;
      case 'asked':
        return this.#watch.answer(peer, message.value);
      case 'proof':
        return this.#recovery.learn(peer, message.value.nonce, message.value.certificate);
      case 'told':
        return this.#recovery.told(peer, message.value);
    }
  }

  #say(peer: PeerId): void {
    this.#current ??= this.#state();
    const current = this.#current;
    current.then(
      (value) => {
        if (!this.#closed) this.#parts.send(peer, { type: 'said', value });
      },
      (error: unknown) => {
        if (!this.#closed) this.#parts.fatal(error);
      },
    );
  }

  /** A new statement. It is on the disk before anybody hears it: what others hold is never further than this disk was. */
  async #state(): Promise<Uint8Array> {
    const { bans, config, key, marks } = this.#parts;
    const bootEpoch = this.#parts.bootEpoch();
    const place = toHex(bootEpoch);
    const own = marks.own();
    const counter = (own.lives.find((life) => toHex(life.bootEpoch) === place)?.counter ?? 0) + 1;
    const before = own.lives.filter((life) => toHex(life.bootEpoch) !== place);
    const lives = [...before, { bootEpoch, counter }].slice(-limits.lives);
    await marks.keepOwn({ ...own, lives });
    const banned = bans.list().toSorted((a, b) => b.time - a.time);
    const nodes = banned.slice(0, limits.statedBans).map(({ node }) => node);
    return state({ network: config.networkId, bootEpoch, counter, bans: nodes }, key);
  }
}
