import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { secp256k1 as noble, schnorr } from '@noble/curves/secp256k1.js';
import {
  type BitcoinNetwork,
  dkls23,
  ed25519,
  fromBytesBE,
  fromHex,
  type PublicPackage,
  pureEd25519,
  type Scheme,
  Secret,
  secp256k1,
  toBytesBE,
  toHex,
} from '@quorate/protocol';
import { addressesOf } from '../src/ceremonies/addresses.ts';
import { tradeOf } from '../src/ceremonies/keygen.ts';
import { childOf, expectNoPath } from '../src/ceremonies/signing.ts';
import type { Client } from '../src/config/file.ts';
import { payloadOf } from '../src/intents/intent.ts';
import { clientOf, mayAsk } from '../src/policy/rights.ts';
import { requestId, type SignRequest, signRequests } from '../src/policy/sign-request.ts';
import {
  type AddressesView,
  type AuditOrder,
  type AuditView,
  type CeremonyView,
  type ExportOrder,
  type HealthView,
  type ImportOrder,
  type KeygenOrder,
  type KeyView,
  type PeerView,
  type QuarantinedKeyView,
  type RepairOrder,
  type ReshareOrder,
  type ReshareView,
  type Service,
  ServiceError,
  type SignatureForms,
  type StandingView,
  type StatusView,
} from '../src/service.ts';

const start = 1_700_000_000_000;
const members = ['alice', 'bob', 'carol'];
const groups = { ed25519, secp256k1 };

interface MemoryKey {
  view: KeyView;
  readonly root: Pick<PublicPackage, 'scheme' | 'groupKey' | 'chainCode' | 'tweak'>;
  /** Throws what the node would: for paths of keys without children. */
  sign(payload: Uint8Array, path: string): SignatureForms & { readonly publicKey: string };
}

/** A `Service` of one process for tests of HTTP and CLI: real keys of every scheme and real rights, ceremonies that the test moves on. */
export class MemoryService implements Service {
  readonly network: string;
  clients: readonly Client[] = [];
  ready = true;
  /** Whether a key is made, and an order signed, at once; else the test calls {@link move}. */
  immediate = true;
  /** Keys of which something is damaged, and what keeps a due refresh of the others from happening. */
  quarantined: readonly QuarantinedKeyView[] = [];
  problem: string | undefined;
  /** Thrown by the next call of `status`. */
  fault: Error | undefined;
  readonly followers: Set<(ceremony: CeremonyView) => void> = new Set();
  readonly #keys = new Map<string, MemoryKey>();
  readonly #ceremonies = new Map<string, CeremonyView>();
  readonly #digests = new Map<string, string>();

  constructor(network = 'testnet') {
    this.network = network;
  }

  async status(): Promise<StatusView> {
    const fault = this.fault;
    this.fault = undefined;
    if (fault !== undefined) throw fault;
    return {
      name: 'alice',
      peerId: '12D3KooWAlice',
      network: this.network,
      version: '0.1.0',
      formatVersion: 1,
      startedAt: start,
      bootEpoch: '00',
      listen: ['/ip4/127.0.0.1/tcp/4001'],
      backends: { ed25519: 'noble', secp256k1: 'noble' },
      peers: { connected: 1, total: 2 },
      keys: this.#keys.size,
      openCeremonies: 0,
      stock: { pairs: 2, ready: 1 },
      roster: { hash: 'ab', differing: [] },
      audit: { sequence: 0, head: '00' },
      memory: { residentBytes: 1, heapBytes: 1 },
      eventLoop: { p50: 0, p99: 0 },
      standing: this.standing,
      warnings: ['the clock of bob differs by 40 s'],
    };
  }

  async health(): Promise<HealthView> {
    const keys = [...this.#keys.values()].map(({ view: { name, threshold } }) => {
      return { name, threshold, online: 2, parties: 3, signable: true };
    });
    const lost = this.quarantined.map(({ name }) => {
      return { name, threshold: 0, online: 0, parties: 0, signable: false, problem: 'quarantined here' };
    });
    return { ready: this.ready, reasons: this.ready ? [] : ['the store is locked'], keys: [...keys, ...lost] };
  }

  async audit({ after, most }: AuditOrder): Promise<AuditView> {
    const hashOf = (sequence: number): string => sequence.toString(16).padStart(2, '0').repeat(32);
    const all = Array.from({ length: 7 }, (_, i) => i + 1).map((sequence) => ({
      sequence,
      time: start,
      kind: 'key-frozen',
      fields: { key: `key-${sequence}` },
      previous: hashOf(sequence - 1),
      hash: hashOf(sequence),
    }));
    const entries = after === undefined ? all.slice(-most) : all.slice(after, after + most);
    return { entries, head: { sequence: 7, hash: hashOf(7) } };
  }

  peers(): readonly PeerView[] {
    const common = {
      version: '0.1.0',
      sameRoster: true,
      blames: 0,
      doubted: false,
      banned: false,
      pairs: { ready: 0, missing: 0 },
    };
    const away = { since: undefined, roundTripMilliseconds: undefined, clockSkewMilliseconds: undefined };
    return [
      {
        name: 'bob',
        peerId: '12D3KooWBob',
        connected: true,
        since: start,
        refused: undefined,
        ...common,
        roundTripMilliseconds: 3,
        clockSkewMilliseconds: 1,
      },
      {
        name: 'carol',
        peerId: '12D3KooWCarol',
        connected: false,
        refused: 'format version 2',
        ...away,
        ...common,
        banned: this.#banned,
        pairs: { ready: 1, missing: 2 },
      },
    ];
  }

  standing: StandingView = { state: 'suspended', reason: 'another one runs', confirmedBy: [], doubtedBy: ['bob'] };

  async resolve(): Promise<StandingView> {
    if (this.standing.state !== 'suspended')
      throw new ServiceError('not-suspended', 'nothing is known against this node');
    this.standing = { ...this.standing, state: 'resolved', reason: 'it waits for others', confirmedBy: ['carol'] };
    return this.standing;
  }

  /** Whether carol is. */
  #banned = true;

  async unban(name: string): Promise<PeerView> {
    const find = (): PeerView | undefined => this.peers().find((peer) => peer.name === name);
    if (find() === undefined) throw new ServiceError('peer-unknown', `there is no member ${name}`);
    if (find()?.banned !== true) throw new ServiceError('not-banned', `${name} is not banned`);
    this.#banned = false;
    return find() as PeerView;
  }

  roster() {
    return members.map((name) => ({ name, peerId: name, addresses: ['/ip4/127.0.0.1/tcp/4001'], region: undefined }));
  }

  async keys(): Promise<readonly (KeyView | QuarantinedKeyView)[]> {
    return [...[...this.#keys.values()].map(({ view }) => view), ...this.quarantined];
  }

  async key(name: string): Promise<KeyView> {
    const { view } = this.#key(name);
    return view.refresh === undefined ? view : { ...view, refresh: { ...view.refresh, problem: this.problem } };
  }

  async freeze(name: string, frozen: boolean): Promise<KeyView> {
    const key = this.#key(name);
    key.view = { ...key.view, frozen };
    return key.view;
  }

  async addresses(name: string, path: string, bitcoin: BitcoinNetwork): Promise<AddressesView> {
    return addressesOf(path, bitcoin, this.#key(name).root, { groups });
  }

  async refresh(name: string): Promise<CeremonyView> {
    const { view } = this.#key(name);
    const id = createHash('sha256').update(`refresh ${name}`).digest('hex');
    this.#put(this.#view(id, 'renew', name, members));
    return this.move(id, {
      state: 'done',
      result: { type: 'key', publicKey: view.publicKey, epoch: view.epoch + 1 },
    });
  }

  async previewReshare(name: string, order: ReshareOrder): Promise<ReshareView> {
    const { view } = this.#key(name);
    const chosen = order.members ?? members;
    const threshold = order.threshold ?? view.threshold;
    return {
      key: name,
      scheme: view.scheme,
      publicKey: view.publicKey,
      epoch: view.epoch,
      before: { threshold: view.threshold, parties: members.length },
      after: { threshold, parties: chosen.length },
      members: [...new Set([...members, ...chosen])].map((member, i) => ({
        name: member,
        change: !chosen.includes(member) ? 'leaves' : members.includes(member) ? 'stays' : 'joins',
        deals: i < view.threshold,
        connected: true,
      })),
      notes: [`any ${threshold} that are corrupt can forge`],
      problems: threshold > chosen.length ? ['the threshold is too high'] : [],
    };
  }

  async reshare(name: string, order: ReshareOrder): Promise<CeremonyView> {
    const { view } = this.#key(name);
    const id = createHash('sha256').update(`reshare ${name}`).digest('hex');
    this.#put(this.#view(id, 'renew', name, order.members ?? members));
    return this.move(id, {
      state: 'done',
      result: { type: 'key', publicKey: view.publicKey, epoch: view.epoch + 1 },
    });
  }

  async repair(name: string, { helpers = ['bob', 'carol'], publicKey }: RepairOrder = {}): Promise<CeremonyView> {
    const { view } = this.#key(name);
    if (publicKey !== undefined && publicKey !== view.publicKey)
      throw new ServiceError('integrity', `what the others call ${name} is another key: ${view.publicKey}`);
    const id = createHash('sha256').update(`repair ${name}`).digest('hex');
    this.#put(this.#view(id, 'repair', name, ['alice', ...helpers]));
    return this.move(id, { state: 'done', result: { type: 'key', publicKey: view.publicKey, epoch: view.epoch } });
  }

  async keygen(order: KeygenOrder): Promise<CeremonyView> {
    if (this.#keys.has(order.name)) throw new ServiceError('name-taken', `there is a key ${order.name}`);
    if (order.purpose === 'forbidden') throw new ServiceError('denied', 'no member accepts it');
    const id = createHash('sha256').update(order.name).digest('hex');
    this.#put(this.#view(id, 'keygen', order.name, order.members ?? members, order.threshold));
    if (this.immediate) this.#make(id, order);
    else this.#orders.set(id, order);
    return this.#ceremony(id);
  }

  /** The secrets of imported keys, as hex: to be compared with what was meant. */
  readonly imported: Map<string, string> = new Map();

  async importKey({ publicKey, ...order }: ImportOrder, secret: Secret): Promise<CeremonyView> {
    if (/^0*$/.test(publicKey)) throw new ServiceError('invalid', 'the public key of what the file holds is another');
    this.imported.set(order.name, secret.use(toHex));
    return await this.keygen(order);
  }

  readonly #exported = new Map<string, Secret>();

  async exportKey(name: string, { helpers = ['bob'] }: ExportOrder = {}): Promise<CeremonyView> {
    const key = this.#key(name);
    if (key.view.frozen) throw new ServiceError('denied', 'this node gives away no shares');
    const id = createHash('sha256').update(`export ${name}`).digest('hex');
    this.#put(this.#view(id, 'export', name, ['alice', ...helpers]));
    this.#exported.set(id, new Secret(new Uint8Array(32).fill(0xab)));
    key.view = { ...key.view, exported: true };
    return this.move(id, { state: 'done', result: { type: 'key', publicKey: key.view.publicKey, epoch: 1 } });
  }

  takeExported(id: string): Secret {
    const secret = this.#exported.get(id);
    this.#exported.delete(id);
    if (secret === undefined) throw new ServiceError('ceremony-unknown', 'it is handed out once');
    return secret;
  }

  async keyPackage(name: string) {
    const key = this.#key(name);
    if (key.view.frozen) throw new ServiceError('denied', 'this node gives away no shares');
    key.view = { ...key.view, exported: true };
    return { keyPackage: new Secret(new TextEncoder().encode('{"share":1}')), publicKeyPackage: '{"public":1}' };
  }

  readonly #orders = new Map<string, KeygenOrder>();

  async sign(request: SignRequest): Promise<CeremonyView> {
    if (!signRequests.verify(request, pureEd25519))
      throw new ServiceError('denied', 'the signature is not the client’s');
    const client = clientOf(request.client, this.clients);
    if (client === undefined || !mayAsk(client, request.key, request.purpose, 'sign')) {
      throw new ServiceError('denied', 'the client may not ask this');
    }
    const key = this.#key(request.key);
    const signed = payloadOf(key.view.scheme, request.intent);
    if ('refusal' in signed) throw new ServiceError('invalid', signed.refusal);
    const id = toHex(requestId(request));
    const digest = toHex(signRequests.digest(request));
    if ((this.#digests.get(id) ?? digest) !== digest) throw new ServiceError('request-conflict', 'another body');
    if (!this.#digests.has(id)) {
      this.#digests.set(id, digest);
      this.#put(this.#view(id, 'sign', request.key, members.slice(0, 2)));
      if (this.immediate) {
        this.move(id, {
          state: 'done',
          result: {
            type: 'signature',
            ...key.sign(signed.payload, request.path),
            scheme: key.view.scheme,
            signers: members.slice(0, 2),
            milliseconds: 5,
          },
        });
      }
    }
    return this.#ceremony(id);
  }

  async ceremony(id: string, waitMilliseconds: number): Promise<CeremonyView> {
    const now = this.#ceremony(id);
    if (waitMilliseconds === 0 || now.state === 'done' || now.state === 'failed') return now;
    return await new Promise((resolve) => {
      const stop = this.follow((seen) => {
        if (seen.id !== id || (seen.state !== 'done' && seen.state !== 'failed')) return;
        stop();
        resolve(seen);
      });
    });
  }

  ceremonies(): readonly CeremonyView[] {
    return [...this.#ceremonies.values()].reverse();
  }

  follow(seen: (ceremony: CeremonyView) => void): () => void {
    this.followers.add(seen);
    return () => void this.followers.delete(seen);
  }

  async accept(id: string, publicKey?: string): Promise<CeremonyView> {
    if (publicKey === '00'.repeat(32)) throw new ServiceError('wrong-key', 'it is about another key');
    if (!this.#ceremony(id).needsAccept) throw new ServiceError('not-waiting', 'it does not wait for this operator');
    return this.move(id, { state: 'accepted', needsAccept: false });
  }

  async cancel(id: string): Promise<CeremonyView> {
    const failure = { code: 'cancelled', reason: 'withdrawn', culprits: [], suspects: [] } as const;
    return this.move(id, { state: 'failed', failure });
  }

  /** Changes a ceremony and tells the followers; a keygen that becomes `done` leaves its key. */
  move(id: string, change: Partial<CeremonyView>): CeremonyView {
    const order = this.#orders.get(id);
    if (change.state === 'done' && order !== undefined) {
      this.#orders.delete(id);
      this.#make(id, order);
      return this.#ceremony(id);
    }
    const ceremony = this.#ceremony(id);
    this.#put({ ...ceremony, updatedAt: ceremony.updatedAt + 1, ...change });
    return this.#ceremony(id);
  }

  #make(id: string, { name, scheme, purpose = 'any', threshold = 2 }: KeygenOrder): void {
    const { publicKey, ...key } = makers[scheme]();
    const view: KeyView = {
      name,
      keyId: id,
      scheme,
      purpose,
      threshold,
      trade: tradeOf(threshold, members.length),
      epoch: 1,
      state: 'active',
      frozen: false,
      parties: members.map((member, i) => ({
        party: i + 1,
        name: member,
        peerId: member,
      })),
      publicKey,
      tweak: 'none',
      knownSince: start,
      epochAt: start,
      refresh: { lastAt: start, dueAt: start + 86_400_000, problem: undefined },
      imported: this.imported.has(name),
      exported: false,
      repair: undefined,
      presignatures: 0,
    };
    this.#keys.set(name, { view, ...key });
    this.move(id, { state: 'done', result: { type: 'key', publicKey: view.publicKey, epoch: 1 } });
  }

  #view(
    id: string,
    kind: 'export' | 'keygen' | 'renew' | 'repair' | 'sign',
    key: string,
    participants: readonly string[],
    threshold = 2,
  ): CeremonyView {
    return {
      id,
      kind,
      key,
      state: 'proposed',
      round: undefined,
      attempt: 1,
      coordinator: 'bob',
      participants,
      createdAt: start,
      updatedAt: start,
      needsAccept: false,
      proposal:
        kind !== 'keygen'
          ? undefined
          : {
              proposer: 'bob',
              scheme: 'ed25519',
              purpose: 'general',
              threshold,
              trade: tradeOf(threshold, participants.length),
              members: participants,
              expires: start,
            },
      result: undefined,
      failure: undefined,
    };
  }

  #key(name: string): MemoryKey {
    const key = this.#keys.get(name);
    if (key === undefined) throw new ServiceError('key-unknown', `there is no key ${name}`);
    return key;
  }

  #ceremony(id: string): CeremonyView {
    const ceremony = this.#ceremonies.get(id);
    if (ceremony === undefined) throw new ServiceError('ceremony-unknown', 'there is no such ceremony');
    return ceremony;
  }

  #put(ceremony: CeremonyView): void {
    this.#ceremonies.set(ceremony.id, ceremony);
    for (const seen of this.followers) seen(ceremony);
  }
}

type Made = Omit<MemoryKey, 'view'> & { readonly publicKey: string };

const makers: Readonly<Record<Scheme, () => Made>> = { ed25519: ed25519Key, taproot: taprootKey, ecdsa: ecdsaKey };

const bare = { chainCode: new Uint8Array(32), tweak: { type: 'none', value: new Uint8Array(0) } } as const;

function ed25519Key(): Made {
  const pair = generateKeyPairSync('ed25519');
  const publicKey = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex');
  return {
    publicKey,
    root: { ...bare, scheme: 'ed25519', groupKey: ed25519.decodePoint(fromHex(publicKey)) },
    sign: (payload, path) => {
      expectNoPath('ed25519', path);
      return { publicKey, signature: toHex(sign(null, payload, pair.privateKey)) };
    },
  };
}

function taprootKey(): Made {
  const secret = noble.utils.randomSecretKey();
  const publicKey = toHex(schnorr.getPublicKey(secret));
  return {
    publicKey,
    root: { ...bare, scheme: 'taproot', groupKey: secp256k1.multiplyBase(fromBytesBE(secret)) },
    sign: (payload, path) => {
      expectNoPath('taproot', path);
      return { publicKey, signature: toHex(schnorr.sign(payload, secret)) };
    },
  };
}

function ecdsaKey(): Made {
  const secret = fromBytesBE(noble.utils.randomSecretKey());
  const groupKey = secp256k1.multiplyBase(secret);
  const root = { ...bare, scheme: 'ecdsa', groupKey, chainCode: randomBytes(32) } as const;
  return {
    publicKey: toHex(secp256k1.encodePoint(root.groupKey)),
    root,
    sign: (digest, path) => {
      const { key, tweak } = childOf(path, root, { groups });
      const child = toBytesBE((secret + tweak) % secp256k1.order, 32);
      const [recovery = 0, ...compact] = noble.sign(digest, child, { prehash: false, format: 'recovered' });
      const signature = Uint8Array.from(compact);
      return {
        publicKey: toHex(secp256k1.encodePoint(key)),
        signature: toHex(signature),
        digest: toHex(digest),
        recovery,
        der: toHex(dkls23.encodeDer(dkls23.decodeCompact(secp256k1, signature))),
      };
    },
  };
}

/** Bytes of a client's seed for tests. */
export const clientSeed: Uint8Array = fromHex('07'.repeat(32));
