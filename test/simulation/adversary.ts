import {
  activatedCodec,
  approvalCodec,
  approve,
  certificateCodec,
  decodeEnvelope,
  dkgRounds,
  dkls23,
  frost,
  groupOf,
  keyIdOf,
  kinds,
  type PublicPackage,
  type RoundSpec,
  readyCodec,
  register,
  renewal,
  sealEnvelope,
  signReady,
  toHex,
  tryDecode,
  wire,
} from '@quorate/protocol';
import { mutationsOf } from '@quorate/protocol/simulation';
import { decodeFrame, encodeFrame, type NodeFrame } from '../../packages/node/src/ceremonies/frames.ts';
import { epochOf, packageOf } from '../../packages/node/src/ceremonies/packages.ts';
import { networkIdOf } from '../../packages/node/src/config/config.ts';
import { firstKey } from './client.ts';
import { Dice } from './dice.ts';
import type { Faults } from './faults.ts';
import type { Plan } from './plan.ts';
import type { Seat, World } from './world.ts';

type Act = (frame: NodeFrame, seat: Seat, to: Seat) => readonly NodeFrame[];

/** Controls the corrupt members: they run what honest ones run, and now and then say something else. */
export class Adversary {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #faults: Faults;
  readonly #dice: Dice;
  readonly #repertoire: readonly Act[];
  readonly #rate: number;
  readonly #said: NodeFrame[] = [];
  /** Lies that are the same for all, by what they replace. */
  readonly #lies = new Map<string, Uint8Array>();
  isOn = true;

  constructor(world: World, plan: Plan, seed: string, faults: Faults) {
    this.#world = world;
    this.#plan = plan;
    this.#faults = faults;
    this.#dice = new Dice(`${seed} adversary`);
    const all: readonly Act[] = [
      () => [],
      (frame) => this.#mutate(frame, undefined),
      (frame, _, to) => this.#mutate(frame, to),
      (frame) => [frame, this.#dice.any(this.#said)],
      (frame, seat, to) => this.#misdirect(frame, seat, to),
      (frame, seat) => this.#falseReady(frame, seat),
      (frame, seat) => this.#twoWords(frame, seat),
      (frame, seat) => this.#advice(frame, seat),
      (frame, seat) => this.#coordinate(frame, seat),
      (frame) => this.#noise(frame),
    ];
    const drawn = all.filter(() => this.#dice.chance(0.4));
    this.#rate = this.#dice.any([0.02, 0.1, 0.4, 1]);
    const alone = this.#dice.chance(0.15);
    this.#repertoire = alone ? [(frame, _, to) => this.#twoNonces(frame, to)] : drawn;
  }

  sending(seat: Seat, to: Seat, frame: Uint8Array): readonly Uint8Array[] {
    const decoded = decodeFrame(frame);
    if (this.#said.length < 500) this.#said.push(decoded);
    if (!this.isOn || this.#repertoire.length === 0 || !this.#dice.chance(this.#rate)) return [frame];
    const act = this.#dice.any(this.#repertoire);
    if (!this.#faults.strikes('corrupt')) return [frame];
    const said = act(decoded, seat, to);
    return said.map((one) => (one === decoded ? frame : encodeFrame(one)));
  }

  /** Another payload in the place of a message's, signed. @param to the only one to be told so; undefined for all */
  #mutate(frame: NodeFrame, to: Seat | undefined): readonly NodeFrame[] {
    if (frame.type !== 'envelope') return this.#noise(frame);
    const envelope = decodeEnvelope(frame.value);
    const { class: sort, kind, round, sid } = envelope;
    if (sort === 'abort') return [];
    const slot = `${toHex(sid)} ${round} ${sort} ${envelope.to} ${envelope.from} ${to?.name ?? ''}`;
    const payload = this.#lies.get(slot) ?? this.#lie(kind, sort, envelope.payload);
    this.#lies.set(slot, payload);
    const key = this.#world.seats.find((one) => one.isCorrupt)?.key;
    return key === undefined
      ? [frame]
      : [{ type: 'envelope', value: sealEnvelope(envelope, envelope.echo, payload, this.#keyOf(frame)).frame }];
  }

  /** Other nonces to one signer than to the rest, and everything else as it should be. */
  #twoNonces(frame: NodeFrame, to: Seat): readonly NodeFrame[] {
    if (frame.type !== 'envelope') return [frame];
    const { class: sort, kind, payload, round } = decodeEnvelope(frame.value);
    const { pointBytes } = groupOf(this.#plan.scheme, this.#world.tools.groups);
    const areNonces =
      kind !== kinds.keygen && round === 0 && sort === 'broadcast' && payload.length <= 2 * pointBytes + 8;
    const isFirst = this.#world.seats.find((seat) => !seat.isCorrupt) === to;
    return areNonces && payload.length >= 2 * pointBytes && isFirst ? this.#mutate(frame, to) : [frame];
  }

  #lie(kind: number, sort: 'broadcast' | 'direct', payload: Uint8Array): Uint8Array {
    const codec = this.#dice.chance(0.5) ? this.#codecOf(kind, sort, payload) : undefined;
    const found = codec === undefined ? [] : mutationsOf(codec, payload, this.#dice);
    if (found.length > 0) return this.#dice.any(found).payload;
    const out = payload.slice();
    // Numbers of the toy group are short: most of what is not zero counts.
    const places = [...out.keys()].filter((i) => i > 0 && out[i] !== 0);
    if (places.length === 0 || this.#dice.chance(0.05)) return payload.slice(0, -1);
    const at = this.#dice.any(places);
    out[at] = (out[at] as number) ^ (1 << this.#dice.below(8));
    return out;
  }

  /** What a message is written in, of all that are said in such a ceremony, whatever its threshold. */
  #codecOf(kind: number, sort: 'broadcast' | 'direct', payload: Uint8Array): wire.Codec<unknown> | undefined {
    const codecs = this.#roundsOf(kind).flatMap((round) => round[sort] ?? []);
    return codecs.find((codec) => tryDecode(codec, payload) !== undefined);
  }

  #roundsOf(kind: number): readonly RoundSpec[] {
    const { groups, multiplication } = this.#world.tools;
    const { n, scheme } = this.#plan;
    const group = groupOf(scheme, groups);
    const thresholds = Array.from({ length: n - 1 }, (_, i) => i + 2);
    const signing = scheme === 'ecdsa' ? [] : frost.signRounds(frost.suiteOf(scheme, groups));
    switch (kind) {
      case kinds.keygen:
        return thresholds.flatMap((threshold) => dkgRounds(group, threshold));
      case kinds.sign:
        return scheme === 'ecdsa' ? dkls23.ecdsaRounds(group, multiplication) : signing;
      case kinds.renew:
        return [...thresholds.flatMap((threshold) => renewal.renewalRounds(group, threshold)), ...signing];
      case kinds.repair:
        return thresholds.flatMap((helpers) => renewal.repairRounds(group, helpers));
      default:
        return [];
    }
  }

  /** What is for one is said to another, too. */
  #misdirect(frame: NodeFrame, seat: Seat, to: Seat): readonly NodeFrame[] {
    const others = this.#world.seats.filter((one) => one !== seat && one !== to);
    if (others.length > 0) this.#world.inject(seat, this.#dice.any(others), encodeFrame(frame));
    return [frame];
  }

  #falseReady(frame: NodeFrame, seat: Seat): readonly NodeFrame[] {
    if (frame.type === 'ready') {
      const ready = wire.decode(readyCodec, frame.value);
      const digest = this.#dice.bytes(32);
      // The signature is over something else, or somebody else's: nobody may count it.
      const party = this.#dice.between(1, this.#plan.n);
      const forged = { ...ready, digest, party, signature: seat.key.sign(digest) };
      return [frame, { type: 'ready', value: wire.encode(readyCodec, forged) }];
    }
    if (frame.type === 'certificate') {
      const certificate = wire.decode(certificateCodec, frame.value);
      const signatures = certificate.signatures.map((one, i) => (i === 0 ? this.#dice.bytes(one.length) : one));
      return [{ type: 'certificate', value: wire.encode(certificateCodec, { ...certificate, signatures }) }];
    }
    if (frame.type === 'activated') {
      const activated = wire.decode(activatedCodec, frame.value);
      const forged = { ...activated, party: this.#dice.between(1, this.#plan.n) };
      return [frame, { type: 'activated', value: wire.encode(activatedCodec, forged) }];
    }
    const keyId = keyIdOf(networkIdOf('testnet'), firstKey);
    const claim = {
      keyId,
      epoch: this.#dice.between(1, 3),
      party: this.#dice.between(1, this.#plan.n),
      transcript: this.#dice.bytes(32),
    };
    return [frame, { type: 'activated', value: wire.encode(activatedCodec, claim) }];
  }

  /** Stands with its own signature for another outcome, too, or only for that. */
  #twoWords(frame: NodeFrame, seat: Seat): readonly NodeFrame[] {
    if (frame.type !== 'ready' && frame.type !== 'approval') return [frame];
    const group = groupOf(this.#plan.scheme, this.#world.tools.groups);
    const network = networkIdOf('testnet');
    const word = wire.decode(frame.type === 'ready' ? readyCodec : approvalCodec, frame.value);
    const other = this.#otherOutcome(seat, word);
    if (other === undefined) return [frame];
    const lie: NodeFrame =
      frame.type === 'ready'
        ? { type: 'ready', value: wire.encode(readyCodec, signReady(network, group, other, word.party, seat.key)) }
        : { type: 'approval', value: wire.encode(approvalCodec, approve(network, group, other, word.party, seat.key)) };
    return this.#dice.any([[lie], [frame, lie], [lie, frame]]);
  }

  /** What might have come of an attempt instead: of the same number, or of another. */
  #otherOutcome({ life }: Seat, { epoch, keyId }: { epoch: number; keyId: Uint8Array }): PublicPackage | undefined {
    const key = life?.home?.keys.get(keyId);
    const info = epochOf(key, epoch);
    if (key === undefined || info === undefined) return undefined;
    const outcome = packageOf(key, info, this.#world.tools);
    return this.#dice.chance(0.8)
      ? { ...outcome, transcript: this.#dice.bytes(32) }
      : { ...outcome, epoch: epoch + this.#dice.between(1, 3) };
  }

  /** Things that are advice, and must decide nothing alone. */
  #advice(frame: NodeFrame, { key }: Seat): readonly NodeFrame[] {
    const request = requestOf(frame);
    if (request === undefined) return [frame];
    const registered = [1, 2, 3].slice(this.#dice.below(3));
    return this.#dice.any<readonly NodeFrame[]>([
      [frame, { type: 'declined', value: { request, reason: 'no', highest: 0 } }],
      [{ type: 'declined', value: { request, reason: 'never', highest: this.#dice.between(0, 2 ** 40) } }],
      [frame, { type: 'waiting', value: { request, registered } }],
      [frame, { type: 'result', value: { request, signature: this.#dice.bytes(64), signers: [key.publicKey] } }],
    ]);
  }

  /** Abuses a coordinator's or a participant's freedom. */
  #coordinate(frame: NodeFrame, seat: Seat): readonly NodeFrame[] {
    if (frame.type === 'start') {
      const { participants } = frame.value;
      return this.#dice.any<readonly NodeFrame[]>([
        [],
        [{ type: 'start', value: { ...frame.value, participants: participants.slice(1) } }],
        [{ type: 'start', value: { ...frame.value, attempt: frame.value.attempt + 1 } }],
        [{ type: 'start', value: { ...frame.value, digest: this.#dice.bytes(32) } }],
      ]);
    }
    if (frame.type === 'registration') {
      const { value } = frame;
      return this.#dice.any<readonly NodeFrame[]>([
        [],
        [
          {
            type: 'registration',
            value: register({ ...value, avoid: [this.#dice.between(1, this.#plan.n)] }, seat.key),
          },
        ],
        [{ type: 'registration', value: register({ ...value, nonce: this.#dice.bytes(32) }, seat.key) }],
        [{ type: 'registration', value: register({ ...value, attempt: value.attempt + 1 }, seat.key) }],
      ]);
    }
    return [frame];
  }

  /** The same kind of frame with a byte changed, if that still is one. */
  #noise(frame: NodeFrame): readonly NodeFrame[] {
    const bytes = encodeFrame(frame);
    const at = this.#dice.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << this.#dice.below(8));
    try {
      return [decodeFrame(bytes)];
    } catch {
      return [];
    }
  }

  #keyOf(frame: NodeFrame & { readonly type: 'envelope' }): Seat['key'] {
    const corrupt = this.#world.seats.filter(({ isCorrupt }) => isCorrupt);
    // Numbers are another's in another committee; then only one is corrupt.
    if (corrupt.length === 1) return (corrupt[0] as Seat).key;
    const { from } = decodeEnvelope(frame.value);
    const sorted = [...this.#world.seats].sort((a, b) => Buffer.compare(a.key.publicKey, b.key.publicKey));
    return (sorted[from - 1] as Seat).key;
  }
}

function requestOf(frame: NodeFrame): Uint8Array | undefined {
  const { type, value } = frame;
  const isAbout =
    type === 'registration' || type === 'start' || type === 'waiting' || type === 'declined' || type === 'result';
  return isAbout ? value.request : undefined;
}
