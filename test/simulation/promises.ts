import {
  accusationsCodec,
  activatedCodec,
  approvalCodec,
  decodeEnvelope,
  type Envelope,
  kinds,
  readyCodec,
  sessionId,
  toHex,
  tryDecode,
  wire,
} from '@quorate/protocol';
import { decodeFrame, type NodeFrame } from '../../packages/node/src/ceremonies/frames.ts';
import { approvalOf, epochPlace, type Facts, type Purpose } from './facts.ts';
import type { Seat } from './world.ts';

/** The byte that tells a Start among frames. */
const startTag = 2;

/** What an honest member says: what it promises by it is on its disk for good, and no nonce is used twice. */
export class Promises {
  readonly #facts: Facts;

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** A process comes up: what its earlier lives spent is spent. */
  opened(seat: Seat): void {
    const { spent } = this.#facts.memoryOf(seat);
    for (const place of seat.store.durable.keys())
      if (place.startsWith('sessions/')) spent.add(place.split('/')[1] ?? '');
  }

  /** Anybody says something: sessions begin with it. */
  heard(frame: Uint8Array): void {
    if (frame[1] !== startTag) return;
    const { type, value } = decodeFrame(frame);
    if (type !== 'start') return;
    const { digest, epoch, presignature, request } = value;
    if (presignature.length > 0) this.#facts.reach('a presignature is used');
    this.#facts.sessions.set(toHex(sessionId(value)), { request: toHex(request), digest: toHex(digest), epoch });
  }

  /** An honest member says something: what it promises by it must be on its disk for good. */
  sending(seat: Seat, frame: Uint8Array, { type, value }: NodeFrame): void {
    this.#facts.frames.push(frame);
    if (type === 'envelope') this.#envelope(seat, decodeEnvelope(value));
    if (type === 'ready') this.#ready(seat, value);
    if (type === 'approval') {
      const { digest, epoch, keyId } = wire.decode(approvalCodec, value);
      this.#promises(seat, 'approves', epochPlace(toHex(keyId), epoch), digest);
      if (!seat.store.durable.has(`epochs/${epochPlace(toHex(keyId), epoch)}`))
        this.#facts.fail('R1 persist before send', `${seat.name} approves epoch ${epoch}, which is not on its disk`);
    }
    if (type === 'activated') {
      const { keyId, epoch } = wire.decode(activatedCodec, value);
      const { announced } = this.#facts.memoryOf(seat);
      announced.set(toHex(keyId), Math.max(epoch, announced.get(toHex(keyId)) ?? 0));
    }
    if (type === 'result' && !seat.store.durable.has(`results/${toHex(value.request)}`))
      this.#facts.fail('R2 persist before answer', `${seat.name} tells a result that is not on its disk`);
  }

  #ready(seat: Seat, bytes: Uint8Array): void {
    const { durable, beside } = seat.store;
    const { keyId, epoch, digest } = wire.decode(readyCodec, bytes);
    const place = epochPlace(toHex(keyId), epoch);
    this.#promises(seat, 'says READY for', place, digest);
    if (!durable.has(`epochs/${place}`) || !durable.has(`shares/${place}`) || !durable.has(`data-keys/${place}`))
      this.#facts.fail('R1 persist before send', `${seat.name} says READY for what is not on its disk: ${place}`);
    if (!beside.files.has(place.replace('/', '-')))
      this.#facts.fail('R1 persist before send', `${seat.name} says READY without a second copy`);
  }

  /** One outcome of each number, whatever happened to its disk: what a threshold promises must not be promised twice. */
  #promises(seat: Seat, what: string, place: string, digest: Uint8Array): void {
    const { promised } = this.#facts.memoryOf(seat);
    const before = promised.get(`${what} ${place}`);
    if (before !== undefined && before !== toHex(digest))
      this.#facts.fail('I4 agreement', `${seat.name} ${what} two outcomes of ${place}`);
    promised.set(`${what} ${place}`, toHex(digest));
  }

  #envelope(seat: Seat, envelope: Envelope): void {
    const { class: sort, kind, payload, round } = envelope;
    if (sort === 'abort') {
      if (seat.life !== undefined && proves(payload)) this.#facts.accusers.add(seat.life);
      return;
    }
    const { opened, said, spent } = this.#facts.memoryOf(seat);
    const sid = toHex(envelope.sid);
    const bytes = toHex(payload);
    const slot = `${sid} ${round} ${sort} ${envelope.to}`;
    const before = said.get(slot);
    if (before !== undefined && before !== bytes)
      this.#facts.fail('I3 nonce', `${seat.name} says two things in round ${round} of ${sid}`);
    said.set(slot, bytes);
    // Whoever does not deal says the same in every refresh; the proof of life that follows is no Start's session.
    const hasNonces = kind === kinds.sign || (kind === kinds.renew && !this.#facts.sessions.has(sid));
    if (round === 0 && sort === 'broadcast' && hasNonces) {
      const other = opened.get(bytes);
      if (other !== undefined && other !== sid)
        this.#facts.fail('I3 nonce', `${seat.name} uses nonces of ${other} in ${sid}`);
      opened.set(bytes, sid);
    }
    if (kind !== kinds.sign || round === 0) return;
    if (spent.has(sid))
      this.#facts.fail('I6 monotone', `${seat.name} goes on with ${sid}, which it spent before it died`);
    const purpose = this.#facts.sessions.get(sid);
    if (purpose !== undefined) this.#helps(seat, purpose);
    if (![...seat.store.durable.keys()].some((place) => place.startsWith(`sessions/${sid}/`)))
      this.#facts.fail(
        'R4 nonces are spent first',
        `${seat.name} says a share of a session that is not spent on its disk`,
      );
  }

  #helps(seat: Seat, purpose: Purpose): void {
    const { approvals, world } = this.#facts;
    const record = seat.store.durable.get(`requests/${purpose.request}`);
    const approved = record && world.kept.in(record);
    // A version, and the digest of what was approved.
    if (approved === undefined || toHex(approved.subarray(1, 33)) !== purpose.digest)
      return this.#facts.fail('I1 unforgeability', `${seat.name} helps to sign what it has not approved`);
    const { approved: known } = this.#facts.memoryOf(seat);
    if ((known.get(purpose.request) ?? purpose.digest) !== purpose.digest)
      this.#facts.fail('I9 exactly once', `${seat.name} helps to sign two orders under one id`);
    known.set(purpose.request, purpose.digest);
    const approval = approvalOf(purpose);
    approvals.set(approval, (approvals.get(approval) ?? new Set()).add(seat.peer));
  }
}

/** Whether an abort accuses somebody. */
function proves(abort: Uint8Array): boolean {
  return (tryDecode(accusationsCodec, abort)?.value.length ?? 0) > 0;
}
