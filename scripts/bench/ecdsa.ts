import { systemRandomness } from '@quorate/node';
import {
  type Court,
  dkls23,
  type Group,
  kinds,
  type NodeKey,
  type Party,
  type Symmetric,
  secp256k1,
} from '@quorate/protocol';
import { libsecp256k1, nativeEcdh, nativeEd25519, nativeNodeKey, nativeSymmetric } from '@quorate/protocol/native';
import { dealKey } from '../../test/support/dealt-key.ts';
import { dealPairs } from '../../test/support/dealt-pairs.ts';
import { type Player, runCommittee } from './committee.ts';
import { median, table } from './samples.ts';

/** Milliseconds by what computes; what is left is big integers, hashing and codec. Sessions sign, verify and compare envelopes. */
type Parts = Readonly<Record<Part, number>>;
const parts = [
  'multiples of G',
  'other curve',
  'hash to curve',
  'decoding',
  'Diffie-Hellman',
  'AES',
  'sessions',
  'the rest',
] as const;
type Part = (typeof parts)[number];

/** A signature of 3 of 5 for all three signers together, in one thread; and a set of base transfers, for both ends. */
export interface EcdsaResult {
  readonly what: 'sign' | 'sign, presigned' | 'base transfers, one set';
  readonly backend: string;
  readonly runs: number;
  readonly total: number;
  readonly parts: Parts;
  /** Sent by one signer to one other, in payloads. */
  readonly bytesEach: number;
}

const signers = [1, 3, 4];

/** @param milliseconds for each measurement */
export function benchEcdsa(milliseconds: number, say: (text: string) => void): readonly EcdsaResult[] {
  const libsecp = libsecp256k1();
  return [...(libsecp === undefined ? [] : [libsecp]), secp256k1].flatMap((group) => {
    say(`ecdsa on ${group.backend}, 3-of-5`);
    const bench = new Bench(group);
    const shape = { backend: group.backend };
    return [
      { what: 'sign', ...shape, ...bench.repeat(milliseconds, () => bench.sign()) } as const,
      { what: 'sign, presigned', ...shape, ...bench.repeat(milliseconds, () => bench.signPresigned()) } as const,
      {
        what: 'base transfers, one set',
        ...shape,
        ...bench.repeat(milliseconds, () => bench.baseTransfers()),
      } as const,
    ];
  });
}

export function ecdsaTable(results: readonly EcdsaResult[]): string {
  return table(
    ['', 'backend', 'runs', 'total ms', ...parts, 'bytes to each'],
    results.map(({ what, backend, runs, total, parts: by, bytesEach }) => [
      what,
      backend,
      runs,
      total,
      ...parts.map((part) => by[part]),
      bytesEach,
    ]),
  );
}

/** Adds up what each part takes. Parts do not nest: what a library calls within itself is its own. */
class Meter {
  readonly #spent = new Map<Part, number>();

  measure<T>(part: Part, act: () => T): T {
    const before = performance.now();
    try {
      return act();
    } finally {
      this.add(part, performance.now() - before);
    }
  }

  add(part: Part, milliseconds: number): void {
    this.#spent.set(part, (this.#spent.get(part) ?? 0) + milliseconds);
  }

  /** What was added since the last time, as parts of `total`. */
  take(total: number): Parts {
    const known = parts.map((part) => [part, this.#spent.get(part) ?? 0] as const);
    const sum = known.reduce((all, [, spent]) => all + spent, 0);
    this.#spent.clear();
    return { ...(Object.fromEntries(known) as Parts), 'the rest': total - sum };
  }

  group(inner: Group): Group {
    const on =
      <A extends unknown[], R>(part: Part, act: (...inputs: A) => R) =>
      (...inputs: A): R =>
        this.measure(part, () => act(...inputs));
    return {
      ...inner,
      multiplyBase: on('multiples of G', inner.multiplyBase),
      multiply: on('other curve', inner.multiply),
      sumOfProducts: on('other curve', inner.sumOfProducts),
      add: on('other curve', inner.add),
      hashToGroup: on('hash to curve', inner.hashToGroup),
      decodePoint: on('decoding', inner.decodePoint),
      encodePoint: on('decoding', inner.encodePoint),
    };
  }

  symmetric(inner: Symmetric): Symmetric {
    return { ...inner, aes128Blocks: (key, blocks) => this.measure('AES', () => inner.aes128Blocks(key, blocks)) };
  }

  ecdh(inner: dkls23.EcdhX): dkls23.EcdhX {
    return {
      ...inner,
      sharedX: (scalar, points) => this.measure('Diffie-Hellman', () => inner.sharedX(scalar, points)),
    };
  }
}

class Bench {
  readonly #meter = new Meter();
  readonly #group: Group;
  readonly #ecdh: dkls23.EcdhX;
  readonly #multiplication: dkls23.Multiplication;
  readonly #keys: ReadonlyMap<Party, NodeKey>;
  readonly #dealt: ReturnType<typeof dealKey>;
  readonly #pairs: ReturnType<typeof dealPairs>;
  #bytes = 0;

  constructor(group: Group) {
    this.#group = this.#meter.group(group);
    this.#ecdh = this.#meter.ecdh(nativeEcdh(group));
    const symmetric = this.#meter.symmetric(nativeSymmetric);
    this.#multiplication = dkls23.pairMultiplication({ suite: dkls23.suiteA, symmetric });
    const parties = [1, 2, 3, 4, 5];
    this.#keys = new Map(parties.map((party) => [party, nativeNodeKey(systemRandomness.bytes(32))]));
    const seed = systemRandomness.bytes(32);
    this.#dealt = dealKey({ group: this.#group, scheme: 'ecdsa', threshold: 3, parties, seed });
    this.#pairs = dealPairs(dkls23.suiteA, parties, systemRandomness);
  }

  /** Warms up, then runs until the time is over, at least five times. */
  repeat(milliseconds: number, run: () => number): Pick<EcdsaResult, 'runs' | 'total' | 'parts' | 'bytesEach'> {
    for (let i = 0; i < 3; i++) run();
    const end = performance.now() + milliseconds;
    const all: { readonly total: number; readonly by: Parts }[] = [];
    while (all.length < 5 || performance.now() < end) {
      this.#meter.take(0);
      this.#bytes = 0;
      const total = run();
      all.push({ total, by: this.#meter.take(total) });
    }
    return {
      runs: all.length,
      total: median(all.map(({ total }) => total)),
      parts: Object.fromEntries(parts.map((part) => [part, median(all.map(({ by }) => by[part]))])) as Parts,
      bytesEach: Math.round(this.#bytes / signers.length / (signers.length - 1)),
    };
  }

  sign(): number {
    const sid = systemRandomness.bytes(32);
    const digest = systemRandomness.bytes(32);
    const court = this.#court(kinds.sign, sid, dkls23.ecdsaRounds(this.#group, this.#multiplication));
    return this.#run(court, (input) => dkls23.signEcdsa({ ...input, sid, digest }));
  }

  /** What is measured is what the client waits for: the presignatures are there before. */
  signPresigned(): number {
    const made = new Map<Party, dkls23.Presignature>();
    const before = systemRandomness.bytes(32);
    const rounds = dkls23.presignRounds(this.#group, this.#multiplication);
    this.#run(this.#court(kinds.presign, before, rounds), function* presign(input) {
      made.set(input.share.party, yield* dkls23.presign({ ...input, sid: before }));
    });
    this.#meter.take(0);
    this.#bytes = 0;
    const sid = systemRandomness.bytes(32);
    const digest = systemRandomness.bytes(32);
    return this.#run(this.#court(kinds.sign, sid, dkls23.onlineRounds(this.#group)), (input) => {
      const presignature = made.get(input.share.party) as dkls23.Presignature;
      return dkls23.signWithPresignature({ ...input, sid, digest, presignature });
    });
  }

  baseTransfers(): number {
    const began = performance.now();
    const group = this.#group;
    const setting = { group, ecdh: this.#ecdh, count: dkls23.baseOts(dkls23.suiteA) };
    const [session, alice, bob] = [1, 2, 3].map(() => systemRandomness.bytes(32)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const context = { session, alice, bob };
    const key = dkls23.offerBaseOt(group, systemRandomness);
    const chosen = dkls23.chooseBaseOt(setting, context, key.point, systemRandomness);
    const completed = dkls23.completeBaseOt(setting, context, key, chosen.exchange.points);
    if ('faulty' in completed) throw new Error('the transfers do not fit');
    this.#bytes = chosen.exchange.points.length * signers.length * (signers.length - 1);
    return performance.now() - began;
  }

  #court(kind: number, sid: Uint8Array, rounds: Court['rounds']): Court {
    const keys = new Map(signers.map((party) => [party, (this.#keys.get(party) as NodeKey).publicKey]));
    return {
      network: new Uint8Array(32),
      sid,
      kind,
      parties: signers,
      keys,
      signatures: nativeEd25519,
      rounds,
      rules: {},
    };
  }

  #run<T>(court: Court, protocolOf: (input: Omit<dkls23.PreparationInput, 'sid'>) => Player<T>['protocol']): number {
    const players = signers.map((party): Player<T> => {
      const share = this.#dealt.shares.find((one) => one.party === party);
      const pairs = this.#pairs.get(party);
      if (share === undefined || pairs === undefined) throw new Error('every signer has a share');
      const protocol = protocolOf({
        group: this.#group,
        multiplication: this.#multiplication,
        share,
        pairs,
        signers,
        banned: new Set(),
        randomness: systemRandomness,
      });
      return { party, key: this.#keys.get(party) as NodeKey, protocol: this.#counted(protocol) };
    });
    const { phases, total } = runCommittee(court, players).spent;
    this.#meter.add('sessions', phases.get('session') ?? 0);
    return total;
  }

  /** The same protocol, with what it sends counted. */
  *#counted<T>(protocol: Player<T>['protocol']): Player<T>['protocol'] {
    let step = protocol.next(...([] as never));
    while (step.done !== true) {
      const { broadcast, direct } = step.value;
      this.#bytes += (broadcast?.length ?? 0) * (signers.length - 1);
      for (const payload of direct?.values() ?? []) this.#bytes += payload.length;
      step = protocol.next(yield step.value);
    }
    return step.value;
  }
}
