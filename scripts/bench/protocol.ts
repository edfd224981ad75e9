import { systemRandomness } from '@quorate/node';
import {
  type Court,
  type DkgOutcome,
  type DkgParameters,
  dkg,
  dkgRounds,
  dkgRules,
  ed25519,
  equal,
  frost,
  type Group,
  type KeyShare,
  keyIdOf,
  kinds,
  type Member,
  type NodeKey,
  type Party,
  type PublicPackage,
  randomScalar,
  renewal,
  type Scheme,
  secp256k1,
  secretScalar,
  type Tweak,
} from '@quorate/protocol';
import { libsecp256k1, nativeAead, nativeEd25519, nativeNodeKey, sodiumEd25519 } from '@quorate/protocol/native';
import { type Player, runCommittee, type Spent } from './committee.ts';
import { median, rounded, table } from './samples.ts';

/** Milliseconds for all parties together, in one thread: medians over `runs`. */
export interface ProtocolResult {
  readonly protocol: 'dkg' | 'refresh' | 'reshare' | 'sign';
  readonly scheme: Scheme;
  readonly backend: string;
  readonly threshold: number;
  readonly parties: number;
  readonly runs: number;
  readonly total: number;
  /** Mean processor time of one run: others on the machine do not lengthen it. */
  readonly cpu: number;
  readonly phases: Readonly<Record<string, number>>;
}

const sizes = [
  { threshold: 2, parties: 3 },
  { threshold: 3, parties: 5 },
  { threshold: 5, parties: 9 },
] as const;

const network = systemRandomness.bytes(32);
const message = systemRandomness.bytes(64);

/** Every protocol on every backend that is installed. @param milliseconds for each measurement */
export function benchProtocol(milliseconds: number, say: (text: string) => void): readonly ProtocolResult[] {
  const sodium = sodiumEd25519();
  const libsecp = libsecp256k1();
  if (sodium === undefined) say('sodium-native is not installed: no numbers for libsodium');
  if (libsecp === undefined) say('tiny-secp256k1 is not installed: no numbers for libsecp256k1');
  const backends: { readonly scheme: Scheme; readonly group: Group }[] = [
    ...(sodium === undefined ? [] : [{ scheme: 'ed25519', group: sodium } as const]),
    { scheme: 'ed25519', group: ed25519 },
    ...(libsecp === undefined ? [] : [{ scheme: 'taproot', group: libsecp } as const]),
    { scheme: 'taproot', group: secp256k1 },
  ];
  return backends.flatMap(({ scheme, group }) =>
    sizes.flatMap(({ threshold, parties }) => {
      const committee = new Committee(scheme, group, threshold, parties);
      say(`${scheme} on ${group.backend}, ${threshold}-of-${parties}`);
      const shape = { scheme, backend: group.backend, threshold, parties };
      return [
        { protocol: 'dkg', ...shape, ...repeated(milliseconds, () => committee.generate()) } as const,
        { protocol: 'refresh', ...shape, ...repeated(milliseconds, () => committee.refresh()) } as const,
        { protocol: 'reshare', ...shape, ...repeated(milliseconds, () => committee.reshare()) } as const,
        { protocol: 'sign', ...shape, ...repeated(milliseconds, () => committee.sign()) } as const,
      ];
    }),
  );
}

export function protocolTable(results: readonly ProtocolResult[]): string {
  return table(
    ['', 'backend', 't-of-n', 'runs', 'total ms', 'cpu ms', 'phases ms'],
    results.map(({ protocol, scheme, backend, threshold, parties, runs, total, cpu, phases }) => [
      `${protocol} ${scheme}`,
      backend,
      `${threshold}-of-${parties}`,
      runs,
      total,
      cpu,
      Object.entries(phases)
        .map(([name, spent]) => `${name} ${spent}`)
        .join(', '),
    ]),
  );
}

/** Warms up, then runs until the time is over, at least five times. */
function repeated(milliseconds: number, run: () => Spent): Pick<ProtocolResult, 'runs' | 'total' | 'cpu' | 'phases'> {
  const until = (share: number, least: number): readonly Spent[] => {
    const end = performance.now() + milliseconds * share;
    const spent: Spent[] = [];
    while (spent.length < least || performance.now() < end) spent.push(run());
    return spent;
  };
  until(0.5, 2);
  const before = process.cpuUsage();
  const all = until(1, 5);
  const { user, system } = process.cpuUsage(before);
  const names = [...(all[0]?.phases.keys() ?? [])];
  return {
    runs: all.length,
    total: median(all.map(({ total }) => total)),
    cpu: rounded((user + system) / 1000 / all.length),
    phases: Object.fromEntries(names.map((name) => [name, median(all.map(({ phases }) => phases.get(name) ?? 0))])),
  };
}

/** A committee with the tools of a node; signers are the first t of it. */
class Committee {
  readonly #scheme: Scheme;
  readonly #group: Group;
  readonly #threshold: number;
  readonly #keys: ReadonlyMap<Party, NodeKey>;
  readonly #members: readonly Member[];
  readonly #newcomer: NodeKey = nativeNodeKey(systemRandomness.bytes(32));
  #shares: readonly KeyShare[] | undefined;

  constructor(scheme: Scheme, group: Group, threshold: number, parties: number) {
    this.#scheme = scheme;
    this.#group = group;
    this.#threshold = threshold;
    this.#keys = new Map(
      Array.from({ length: parties }, (_, i) => [i + 1, nativeNodeKey(systemRandomness.bytes(32))] as const),
    );
    this.#members = [...this.#keys].map(([party, { publicKey }]) => ({ party, node: publicKey }));
  }

  generate(): Spent {
    const { parameters, secrets } = this.#dkgParameters();
    const group = this.#group;
    const court = this.#court(kinds.keygen, parameters.sid, [...this.#keys.keys()], {
      rounds: dkgRounds(group, this.#threshold),
      rules: dkgRules(parameters),
    });
    const players = [...this.#keys].map(([party, key]): Player<DkgOutcome> => {
      const receiveSecret = secretScalar(secrets.get(party) as bigint, group.scalarBytes);
      return { party, key, protocol: dkg({ ...parameters, me: party, receiveSecret, randomness: systemRandomness }) };
    });
    const { results, spent } = runCommittee(court, players);
    this.#shares = results.map(({ share, publicPackage }, i) => ({ party: i + 1, secret: share, publicPackage }));
    return spent;
  }

  /** Everybody deals. What comes of it is thrown away: the key stays in its epoch. */
  refresh(): Spent {
    return this.#renew(this.#publicPackage.members, this.#publicPackage.members);
  }

  /** A quorum deals to as many, of whom one is new: the first dealer leaves. */
  reshare(): Spent {
    const { members, threshold } = this.#publicPackage;
    const nodes = [...members.slice(1), { node: this.#newcomer.publicKey }].map(({ node }) => node);
    return this.#renew(
      members.slice(0, threshold),
      nodes.map((node, i) => ({ party: i + 1, node })),
    );
  }

  #renew(dealers: readonly Member[], members: readonly Member[]): Spent {
    const group = this.#group;
    const base = this.#publicPackage;
    const plan = { base, dealers: dealers.map(({ party }) => party), members, epoch: base.epoch + 1 };
    const seats = renewal.seatsOf(plan);
    const secrets = new Map(seats.map(({ party }) => [party, randomScalar(systemRandomness, group.order)]));
    const receiveKeys = new Map([...secrets].map(([party, secret]) => [party, group.multiplyBase(secret)]));
    const sid = systemRandomness.bytes(32);
    const session = { group, aead: nativeAead, signatures: nativeEd25519, network, sid, receiveKeys };
    const { threshold, policyHash } = base;
    const parameters = renewal.reshare(session, { ...plan, threshold, policyHash });
    const players = seats.map(({ party: me, node, deals }): Player<renewal.RenewalOutcome> => {
      const key = [...this.#keys.values(), this.#newcomer].find(({ publicKey }) => equal(publicKey, node)) as NodeKey;
      const secret = this.#shares?.find(({ party }) => party === deals)?.secret;
      const receiveSecret = secretScalar(secrets.get(me) as bigint, group.scalarBytes);
      const randomness = systemRandomness;
      return { party: me, key, protocol: renewal.renew({ ...parameters, me, secret, receiveSecret, randomness }) };
    });
    return runCommittee(renewal.renewalCourt(parameters), players).spent;
  }

  get #publicPackage(): PublicPackage {
    const publicPackage = this.#shares?.[0]?.publicPackage;
    if (publicPackage === undefined) throw new Error('no key was made');
    return publicPackage;
  }

  sign(): Spent {
    const publicPackage = this.#publicPackage;
    const shares = (this.#shares ?? []).slice(0, this.#threshold);
    const suite = frost.suiteOf(this.#scheme, { ed25519, secp256k1, [this.#group.name]: this.#group });
    const sid = systemRandomness.bytes(32);
    const signers = shares.map(({ party }) => party);
    const court = this.#court(kinds.sign, sid, signers, {
      rounds: frost.signRounds(suite),
      rules: frost.signRules(suite, publicPackage, message),
    });
    const players = shares.map((share): Player<Uint8Array> => {
      const protocol = frost.sign({ suite, share, signers, message, sid, randomness: systemRandomness });
      return { party: share.party, key: this.#keys.get(share.party) as NodeKey, protocol };
    });
    return runCommittee(court, players).spent;
  }

  #dkgParameters(): { readonly parameters: DkgParameters; readonly secrets: ReadonlyMap<Party, bigint> } {
    const group = this.#group;
    const secrets = new Map(
      [...this.#keys.keys()].map((party) => [party, randomScalar(systemRandomness, group.order)]),
    );
    const tweak: Tweak = { type: this.#scheme === 'taproot' ? 'key-path-only' : 'none', value: new Uint8Array(0) };
    return {
      secrets,
      parameters: {
        group,
        aead: nativeAead,
        signatures: nativeEd25519,
        network,
        sid: systemRandomness.bytes(32),
        members: this.#members,
        threshold: this.#threshold,
        receiveKeys: new Map([...secrets].map(([party, secret]) => [party, group.multiplyBase(secret)])),
        statement: {
          scheme: this.#scheme,
          keyId: keyIdOf(network, 'bench'),
          name: 'bench',
          purpose: 'general',
          epoch: 1,
          baseEpoch: 0,
          tweak,
          policyHash: new Uint8Array(32),
        },
      },
    };
  }

  #court(kind: number, sid: Uint8Array, parties: readonly Party[], format: Pick<Court, 'rounds' | 'rules'>): Court {
    const keys = new Map(this.#members.map(({ party, node }) => [party, node]));
    return { network, sid, kind, parties, keys, signatures: nativeEd25519, ...format };
  }
}
