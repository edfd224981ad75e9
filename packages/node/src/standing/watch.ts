import { equal, toHex } from '@quorate/protocol';
import { type Doubt, judgeStanding, type Standing } from '@quorate/storage';
import { limits } from '../limits.ts';
import { bootCounter } from '../network/hello.ts';
import { publicKeyOf } from '../network/identity.ts';
import type { PeerId } from '../network/network.ts';
import type { Asked, Held } from './messages.ts';
import type { StandingParts } from './parts.ts';
import { generationOf, readStatement, standingOf } from './statement.ts';

/** The instance of a peer that speaks on the channel in use. */
interface Present {
  readonly bootEpoch: Uint8Array;
  /** Its operator decided for another one, which was here: this one is not it. */
  readonly outdated: boolean;
}

/**
 * Holds the others to what they signed. A node's statements only rise; one that falls back, or says two things of one start, was
 * rolled back or runs twice. Which of the two, and which instance is the real one, cannot be known here: so nothing is done with
 * the identity, over restarts too, until it comes with a higher generation. Nobody is blamed.
 */
export class Watch {
  readonly #parts: StandingParts;
  readonly #openedAt: number;
  /** What was heard in this life of our own, and may still be on its way to the disk. */
  readonly #latest = new Map<PeerId, Standing>();
  readonly #present = new Map<PeerId, Present>();
  /** Instances that were here, with when they left. */
  readonly #gone = new Map<PeerId, readonly { readonly bootEpoch: Uint8Array; readonly at: number }[]>();
  readonly #answered = new Map<PeerId, number>();

  constructor(parts: StandingParts) {
    this.#parts = parts;
    this.#openedAt = parts.clock.monotonic();
  }

  /** Whether nothing is done with whoever speaks as `peer` now. */
  isDoubted(peer: PeerId): boolean {
    const outdated = this.#present.get(peer)?.outdated === true;
    return outdated || this.#parts.marks.doubtOf(publicKeyOf(peer)) !== undefined;
  }

  /** Whether what a node signed in the start `bootEpoch` is not to be acted upon. */
  doubts(node: Uint8Array, bootEpoch: Uint8Array): boolean {
    const { marks, peerOf } = this.#parts;
    if (marks.doubtOf(node) !== undefined) return true;
    const known = this.#known(peerOf(node));
    if (known === undefined || equal(known.bootEpoch, bootEpoch)) return false;
    return bootCounter(bootEpoch) <= bootCounter(known.bootEpoch);
  }

  /** What `peer` has to be shown of itself. */
  heldOf(peer: PeerId): Held {
    const doubt = this.#parts.marks.doubtOf(publicKeyOf(peer));
    const contradiction = doubt?.statements[1];
    const known = this.#known(peer)?.statement;
    const statements = [known, contradiction].filter((one) => one !== undefined);
    return { statements, twin: doubt?.twin === true ? 1 : 0 };
  }

  /** A statement of `peer`, from itself. */
  hear(peer: PeerId, bytes: Uint8Array): void {
    const { config, log, marks, send, tools } = this.#parts;
    const node = publicKeyOf(peer);
    const statement = readStatement(bytes, config.networkId, node, tools.signatures);
    if (statement === undefined) return log.warn('a peer does not sign where it stands', { peer });
    const said = standingOf(statement, bytes);
    const known = this.#known(peer);
    const verdict = judgeStanding(known, said);
    if (verdict === 'ahead') this.#latest.set(peer, said);
    const doubt = marks.doubtOf(node);
    const settles = known === undefined ? 0 : generationOf(said.bootEpoch) - generationOf(known.bootEpoch);
    this.#present.set(peer, { bootEpoch: said.bootEpoch, outdated: settles < 0 });
    this.#inBackground(marks.observe(node, said));
    if (settles > 0) {
      if (doubt !== undefined) this.#inBackground(this.#settle(peer, node));
    } else if (
      settles === 0 &&
      known !== undefined &&
      (doubt !== undefined || verdict === 'behind' || verdict === 'cloned')
    ) {
      this.#contradicted(peer, node, doubt ?? doubtOf(known, said), said.bootEpoch, doubt === undefined);
    }
    if (this.isDoubted(peer) && settles <= 0) send(peer, { type: 'doubted', value: this.heldOf(peer) });
  }

  lost(peer: PeerId): void {
    const present = this.#present.get(peer);
    this.#present.delete(peer);
    if (present === undefined) return;
    const others = (this.#gone.get(peer) ?? []).filter(({ bootEpoch }) => !equal(bootEpoch, present.bootEpoch));
    const left = { bootEpoch: present.bootEpoch, at: this.#parts.clock.monotonic() };
    this.#gone.set(peer, [...others, left].slice(-limits.instancesRemembered));
  }

  /** Tells a node that was rolled back what is known of it here. */
  answer(peer: PeerId, { keys: theirs, nonce, resolved }: Asked): void {
    const { clock, keys, packageOf, send } = this.#parts;
    const now = clock.monotonic();
    const present = this.#present.get(peer);
    if (present === undefined || now - (this.#answered.get(peer) ?? -Infinity) < limits.recoveryRound / 2) return;
    this.#answered.set(peer, now);
    const node = publicKeyOf(peer);
    const known = new Map(theirs.map(({ keyId, epoch }) => [toHex(keyId), epoch]));
    for (const key of keys.list()) {
      const { current, keyId } = key;
      if (current?.certificate === undefined || current.epoch <= (known.get(toHex(keyId)) ?? 0)) continue;
      const isMember = packageOf(key, current).members.some((member) => equal(member.node, node));
      if (isMember) send(peer, { type: 'proof', value: { nonce, certificate: current.certificate } });
    }
    const held = this.heldOf(peer);
    const isFree = resolved === 1 || this.#isAlone(peer, present.bootEpoch, now);
    send(peer, { type: 'told', value: { ...held, twin: resolved === 1 ? 0 : held.twin, nonce, wait: isFree ? 0 : 1 } });
  }

  /** Whether no other instance of `peer` was here lately, so that it may be taken for gone. */
  #isAlone(peer: PeerId, bootEpoch: Uint8Array, now: number): boolean {
    if (now - this.#openedAt < limits.instanceLease) return false;
    return (this.#gone.get(peer) ?? []).every(
      (one) => equal(one.bootEpoch, bootEpoch) || now - one.at >= limits.instanceLease,
    );
  }

  /** Keeps the doubt and what it has come to: an instance that is heard after another one, and again, runs beside it. */
  #contradicted(peer: PeerId, node: Uint8Array, doubt: Doubt, bootEpoch: Uint8Array, isNew: boolean): void {
    const { audit, clock, doubted, log, marks, nameOf } = this.#parts;
    const last = doubt.instances.at(-1) as Uint8Array;
    const returned = !equal(last, bootEpoch) && doubt.instances.some((one) => equal(one, bootEpoch));
    if (!isNew && !returned && equal(last, bootEpoch)) return;
    const before = doubt.instances.filter((one) => !equal(one, bootEpoch));
    const twin = doubt.twin || returned;
    const next = { ...doubt, instances: [...before, bootEpoch].slice(-limits.instancesRemembered), twin };
    if (isNew) doubted(peer);
    this.#inBackground(marks.doubt(node, next));
    if (!isNew && twin === doubt.twin) return;
    const kind = twin ? 'identity-twice' : 'identity-doubted';
    log.error(twin ? 'two nodes run with one identity' : 'a peer was rolled back, or runs twice', { peer });
    this.#inBackground(audit.append(clock.now(), kind, { peer: nameOf(peer) }));
  }

  async #settle(peer: PeerId, node: Uint8Array): Promise<void> {
    const { audit, clock, log, marks, nameOf } = this.#parts;
    log.warn('a peer settled what was doubtful about it', { peer });
    await marks.doubt(node, undefined);
    await audit.append(clock.now(), 'identity-settled', { peer: nameOf(peer) });
  }

  #known(peer: PeerId): Standing | undefined {
    return this.#latest.get(peer) ?? this.#parts.marks.standingOf(publicKeyOf(peer));
  }

  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#parts.fatal(error));
  }
}

/** What begins when `said` contradicts what was known. Falling back within one start takes two that share it. */
function doubtOf(known: Standing, said: Standing): Doubt {
  const isOneStart = equal(known.bootEpoch, said.bootEpoch);
  return { instances: [known.bootEpoch], twin: isOneStart, statements: [known.statement, said.statement] };
}
