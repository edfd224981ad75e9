import { dkls23, fromBytesBE, fromHex, frost, groupOf, keyIdOf, type Scheme, toHex } from '@quorate/protocol';
import { decodeFrame } from '../../packages/node/src/ceremonies/frames.ts';
import { recordOf } from '../../packages/node/src/ceremonies/signing.ts';
import { networkIdOf } from '../../packages/node/src/config/config.ts';
import { contentOf, payloadOf } from '../../packages/node/src/intents/intent.ts';
import { requestId, type SignRequest } from '../../packages/node/src/policy/sign-request.ts';
import type { CeremonyView } from '../../packages/node/src/service.ts';
import { agreement } from './agreement.ts';
import { approvals } from './approvals.ts';
import { blames, named } from './blame.ts';
import { bounds } from './bounds.ts';
import { Durability } from './durability.ts';
import { Facts } from './facts.ts';
import { Identity } from './identity.ts';
import type { Life } from './life.ts';
import { Promises } from './promises.ts';
import { secrecy } from './secrecy.ts';
import type { Seat } from './world.ts';

const networkId = networkIdOf('testnet');
/** Timers that wait at a node with nothing to do: for its keys, its peers and what it remembers. */
const idleTimers = 40;

/** Sees everything, and knows what may never be: the invariants of a run. */
export class Checker extends Facts {
  readonly #promises = new Promises(this);
  readonly #durability = new Durability(this);
  readonly #identity = new Identity(this);

  // ---- what happens

  ordered(request: SignRequest): void {
    const id = toHex(requestId(request));
    this.orders.set(id, [...(this.orders.get(id) ?? []), request]);
  }

  accepted(seat: Seat, request: SignRequest, view: CeremonyView): void {
    if (!seat.isCorrupt) this.taken.set(toHex(requestId(request)), request);
    // An answer is a moment late: what follows a ceremony may have seen more of it.
    if (this.stateOf(seat, view.id) === undefined) this.seen(seat, view);
  }

  /** Something else than a refusal came out of a call: allowed where the disk was made to fail. */
  thrown(seat: Seat, error: unknown): void {
    if (!seat.isCorrupt && !this.failing.has(seat) && !this.isBeyond(seat))
      this.fail('robust', `${seat.name} threw ${String((error as Error).stack)}`);
  }

  /** A process that stopped itself must have had a reason. */
  stopped(seat: Seat, error: unknown): void {
    this.reach('fail-stop');
    this.thrown(seat, error);
  }

  /** A member's folder was exchanged for an earlier one. */
  putBack(seat: Seat): void {
    this.#identity.putBack(seat);
    this.restore(seat);
    this.reach('put back');
  }

  /** A copy of a member's folder is about to be run, too. */
  cloned(seat: Seat, twin: Seat): void {
    this.twin(seat, twin);
    this.damaged.set(seat, 'beyond');
    this.restored.add(seat);
    this.reach('copied');
  }

  /** Both of one identity were heard, in turn. */
  heardTwo(seat: Seat, twin: Seat): void {
    this.#identity.heardTwo(seat, twin);
  }

  /** A member knows where it stands, and so do the others. */
  settled(seat: Seat): void {
    this.#identity.settled(seat);
    this.damaged.delete(seat);
  }

  /** Before a member's process ends by force. */
  crashed(seat: Seat): void {
    for (const view of seat.life?.node?.ceremonies() ?? []) {
      if (view.state === 'confirming') this.reach('crash between prepare and certificate');
      if (view.state === 'running') this.reach(`crash in a session (${view.kind})`);
    }
  }

  /** A change of a ceremony at a member. */
  seen(seat: Seat, view: CeremonyView): void {
    const { failure, id, key, kind, result, state } = view;
    if (seat.isCorrupt) {
      if (result?.type === 'signature') this.#orderOf(id, toHex(recordOf(result)));
      return;
    }
    this.memoryOf(seat).states.set(id, { kind, state });
    const why = failure === undefined ? '' : `: ${failure.reason}`;
    this.world.trace.note(this.world.clock.monotonic(), seat.name, `${kind} ${id.slice(0, 8)} ${state}${why}`);
    named(this, seat, view);
    if (view.attempt > 1) this.reach(`another attempt (${kind})`);
    if (state === 'failed' && failure !== undefined) this.reach(`failed: ${failure.code} (${kind})`);
    if (state !== 'done' || result === undefined) return;
    this.reach(`done (${kind})`);
    if (result.type === 'key') {
      const known = this.keys.get(key);
      const scheme = known?.scheme ?? (seat.life?.home?.keys.byName(key)?.scheme as Scheme);
      if (known !== undefined && known.publicKey !== result.publicKey)
        this.fail('I4 agreement', `${key} is ${known.publicKey} and ${result.publicKey}`);
      this.keys.set(key, { id: toHex(keyIdOf(networkId, key)), scheme, publicKey: result.publicKey });
    }
    if (result.type === 'signature') this.#answered(seat, view, toHex(recordOf(result)));
  }

  #answered(seat: Seat, { id, key }: CeremonyView, signature: string): void {
    const { answers } = this.memoryOf(seat);
    const before = answers.get(id);
    if (before === signature) return;
    if (before !== undefined) this.fail('I9 exactly once', `${seat.name} answers ${id} anew`);
    answers.set(id, signature);
    const request = this.#orderOf(id, signature);
    if (request === undefined)
      return this.fail('I1 unforgeability', `${seat.name} has a signature of ${key} that nobody ordered`);
    const content = toHex(contentOf(request.intent));
    const other = this.signed.get(id);
    // Two majorities of approvers have a member in common that is honest; two committees may have none.
    const isOneCommittee = !this.plan.reshares;
    if (
      isOneCommittee &&
      other !== undefined &&
      other !== content &&
      2 * this.plan.threshold > this.plan.n + this.plan.corrupt + this.restored.size
    )
      this.fail('I9 exactly once', `two messages were signed for ${id}`);
    this.signed.set(id, content);
  }

  /** Somebody has a signature: of which order it is, if of any. */
  #orderOf(id: string, signature: string): SignRequest | undefined {
    const request = this.orders.get(id)?.find((one) => this.verifies(one, signature));
    if (request === undefined) return undefined;
    this.fulfilled.add(request);
    // R of FROST, r of ECDSA: two messages under one nonce give the key away.
    const nonce = `${request.key} ${signature.slice(0, 64)}`;
    const content = toHex(contentOf(request.intent));
    if ((this.nonces.get(nonce) ?? content) !== content)
      this.fail('I3 nonce', `two messages were signed with one nonce of ${request.key}`);
    this.nonces.set(nonce, content);
    return request;
  }

  /** Whether a signature as it is recorded is good for an order, under the key as it was first seen. */
  verifies(request: SignRequest, signature: string): boolean {
    const key = this.keys.get(request.key);
    if (key === undefined) return true;
    const { groups } = this.world.tools;
    const signed = payloadOf(key.scheme, request.intent);
    if ('refusal' in signed) return false;
    const bytes = fromHex(signature);
    if (key.scheme !== 'ecdsa')
      return frost.verifySignature(frost.suiteOf(key.scheme, groups), fromHex(key.publicKey), signed.payload, bytes);
    const group = groupOf('ecdsa', groups);
    const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32, 64)].map(fromBytesBE) as [bigint, bigint];
    return dkls23.verifyEcdsa(group, group.decodePoint(fromHex(key.publicKey)), signed.payload, { r, s });
  }

  /** Anybody says something. */
  heard(frame: Uint8Array): void {
    this.#promises.heard(frame);
  }

  /** An honest member says something. */
  sending(seat: Seat, frame: Uint8Array): void {
    const decoded = decodeFrame(frame);
    this.#promises.sending(seat, frame, decoded);
    this.#identity.sending(seat, decoded);
  }

  /** A process comes up. */
  async opened(seat: Seat, { home, node }: Life): Promise<void> {
    if (home === undefined || node === undefined) return;
    node.follow((view) => this.seen(seat, view));
    if (seat.isCorrupt) return;
    this.memoryOf(seat).states.clear();
    this.#promises.opened(seat);
    // What a copy does not know, the other one does.
    if ([...this.world.twins.values()].includes(seat)) return;
    this.#identity.opened(seat, home);
    await this.#durability.opened(seat, home);
  }

  /** A process did not come up. */
  refused(seat: Seat, error: unknown): void {
    if (this.isBeyond(seat)) {
      this.reach('destroyed by a bit flip');
      seat.isDestroyed = true;
    } else if (!this.failing.has(seat)) {
      this.fail('robust', `${seat.name} does not start: ${String((error as Error).stack)}`);
    }
  }

  /** What must hold at any time. */
  observe(): void {
    this.#durability.observe();
    if (this.world.clock.pending > 400 * this.plan.n)
      this.fail('I10 bounded', `${this.world.clock.pending} timers wait`);
  }

  /** What must hold when everything is well again. */
  async conclude(): Promise<void> {
    for (const seat of this.world.honest) {
      const { home } = seat.life ?? {};
      if (home === undefined) continue;
      await blames(this, seat, home);
      bounds(this, seat);
    }
    // Of ceremonies that are over, nothing is waited for any more.
    if (this.world.clock.pending > idleTimers * this.plan.n)
      this.fail('I10 bounded', `${this.world.clock.pending} timers wait at the end`);
    for (const name of this.keys.keys()) await agreement(this, name);
    for (const request of this.fulfilled) approvals(this, request);
    await secrecy(this);
  }
}
