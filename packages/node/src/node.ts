import {
  type BitcoinNetwork,
  ENVELOPE_VERSION,
  equal,
  fromHex,
  frost,
  groupOf,
  keyIdOf,
  type NodeKey,
  type PublicPackage,
  type Randomness,
  type Scheme,
  type Secret,
  toHex,
  wire,
} from '@quorate/protocol';
import type { KeyInfo, RecordedBlame } from '@quorate/storage';
import { auditPage } from './audit-page.ts';
import { addressesOf } from './ceremonies/addresses.ts';
import { Ceremonies } from './ceremonies/ceremonies.ts';
import { knownOf, unwantedIn, verifyCertified } from './ceremonies/certified.ts';
import { encodeFrame } from './ceremonies/frames.ts';
import type { Host } from './ceremonies/host.ts';
import { isImported, mustRefresh, PassingSecrets } from './ceremonies/imports.ts';
import type { JobName, Jobs } from './ceremonies/jobs/jobs.ts';
import { ownKeyPackages } from './ceremonies/key-packages.ts';
import { tradeOf } from './ceremonies/keygen.ts';
import { importedKey, termsOf } from './ceremonies/orders.ts';
import { epochOf, packageOf, publicPackageOf } from './ceremonies/packages.ts';
import { PresignaturePool } from './ceremonies/presigning/pool.ts';
import { expectMember } from './ceremonies/sign.ts';
import type { RosterNode, Workshop } from './ceremonies/task.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import { failStop } from './fail-stop.ts';
import type { Home } from './home.ts';
import { peerIdOf, publicKeyOf } from './network/identity.ts';
import type { Network, PeerId, PeerStatus } from './network/network.ts';
import { type Roster, rosterHash } from './network/roster.ts';
import type { Log } from './observe/log.ts';
import { importProposals } from './policy/import-proposal.ts';
import { keygenProposals } from './policy/keygen-proposal.ts';
import { type SignRequest, signRequests } from './policy/sign-request.ts';
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
  type MemberView,
  type PeerView,
  type QuarantinedKeyView,
  type RepairOrder,
  type ReshareOrder,
  type ReshareView,
  type Service,
  ServiceError,
  type StandingView,
  type StatusView,
} from './service.ts';
import { Standings } from './standing/standings.ts';
import { Stock } from './stock/stock.ts';
import type { Tools } from './tools.ts';
import { repairWith, warningsOf } from './warnings.ts';

export interface NodeParts {
  readonly config: Config;
  readonly roster: () => Roster;
  readonly home: Home;
  readonly network: Network;
  readonly clock: Clock;
  readonly log: Log;
  readonly randomness: Randomness;
  readonly key: NodeKey;
  readonly tools: Tools;
  readonly version: string;
  readonly addresses: () => readonly string[];
  /** Where heavy protocols run. */
  host<N extends JobName>(job: N, input: Jobs[N]['input']): Host<Jobs[N]['output']>;
  readonly loopDelay: () => StatusView['eventLoop'];
  readonly memory: () => StatusView['memory'];
  /** Something failed that must not be survived: the process stops. */
  fatal(error: unknown): void;
}

/** A running node as its users see it: the ceremonies, and views of everything else. */
export class QuorateNode implements Service {
  readonly #parts: NodeParts;
  readonly #workshop: Workshop;
  readonly #ceremonies: Ceremonies;
  readonly #stock: Stock;
  readonly #standings: Standings;
  readonly #presignatures: PresignaturePool;
  readonly #imports = new PassingSecrets();
  readonly #exports = new PassingSecrets();
  readonly #startedAt: number;
  readonly #peerIds = new Map<string, PeerId>();
  #rosterNodes: { readonly roster: Roster; readonly nodes: readonly RosterNode[] } | undefined;
  #blames = new Map<string, number>();

  private constructor(parts: NodeParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    const { home } = parts;
    this.#stock = this.#makeStock();
    this.#standings = this.#makeStandings();
    this.#presignatures = new PresignaturePool(parts.clock, parts.config.presignatures);
    this.#workshop = {
      ...parts,
      stock: this.#stock,
      standings: this.#standings,
      get bootEpoch() {
        return home.bootEpoch;
      },
      keys: home.keys,
      requests: home.requests,
      sessions: home.sessions,
      blames: { record: async (blame) => this.#recordBlame(blame) },
      bans: home.bans,
      audit: home.audit,
      presignatures: this.#presignatures,
      imports: this.#imports,
      exports: this.#exports,
      members: () => this.#nodes(),
      nameOf: (node) => this.#nameOf(this.#peerOf(node)),
      nameOfPeer: (peer) => this.#nameOf(peer),
      publicKeyOf: (keyId, epoch) => this.#publicKey(keyId, epoch),
    };
    this.#ceremonies = new Ceremonies({
      workshop: this.#workshop,
      network: parts.network,
      peerOf: (node) => this.#peerOf(node),
      fatal: (error) => parts.fatal(error),
    });
  }

  static async open(parts: NodeParts): Promise<QuorateNode> {
    const node = new QuorateNode(parts);
    for await (const blame of parts.home.blames.all()) node.#countBlame(blame.node);
    node.#quarantineUnwanted();
    await node.#auditFindings();
    node.#standings.open();
    await node.#ceremonies.open();
    node.#stock.open();
    return node;
  }

  /** Leaves every session; the parts stay for whoever made them to close. */
  close(): void {
    this.#ceremonies.close();
    this.#imports.close();
    this.#exports.close();
    this.#standings.close();
    this.#stock.close();
  }

  async status(): Promise<StatusView> {
    const { addresses, config, home, loopDelay, memory, network, tools, version } = this.#parts;
    const peers = [...network.peers().values()];
    const ours = rosterHash(this.#parts.roster());
    const differing = peers.filter(({ rosterHash: theirs }) => theirs !== undefined && !equal(theirs, ours));
    const { seq, hash } = home.audit.head();
    return {
      name: config.name,
      peerId: network.self,
      network: config.network,
      version,
      formatVersion: ENVELOPE_VERSION,
      startedAt: this.#startedAt,
      bootEpoch: toHex(home.bootEpoch),
      listen: addresses(),
      backends: { ed25519: tools.groups.ed25519.backend, secp256k1: tools.groups.secp256k1.backend },
      peers: { connected: peers.filter(({ connected }) => connected).length, total: peers.length },
      keys: home.keys.list().length,
      openCeremonies: this.#ceremonies.openCount,
      stock: this.#stock.status(),
      roster: { hash: toHex(ours), differing: differing.map(({ name }) => name) },
      audit: { sequence: seq, head: toHex(hash) },
      memory: memory(),
      eventLoop: loopDelay(),
      standing: this.#standings.view(),
      warnings: warningsOf({
        config,
        inRoster: this.#nodes().some(({ peer }) => peer === network.self),
        peers,
        differing,
        standing: this.#standings.warnings(),
        lost: this.#standings.lostShares(),
        keys: home.keys.list(),
        reach: (await this.health()).keys,
        ceremonies: this.#ceremonies,
      }),
    };
  }

  async health(): Promise<HealthView> {
    const { home, network } = this.#parts;
    const connected = this.#connected().map(({ peer }) => peer);
    const live = new Set([network.self, ...connected]);
    const useful = new Set([...live].filter((peer) => !this.#standings.isDoubted(peer)));
    const keys = home.keys.list().flatMap((key): HealthView['keys'] => {
      const publicPackage = this.#current(key);
      if (publicPackage === undefined) return key.quarantined === undefined ? [] : [lost(key)];
      const { members, name, threshold } = publicPackage;
      const online = members.filter(({ node }) => useful.has(this.#peerOf(node))).length;
      const problem = this.#hindrance(key, publicPackage, online);
      return [{ name, threshold, online, parties: members.length, signable: problem === undefined, problem }];
    });
    const { doubtedBy, reason } = this.#standings.view();
    const reasons = [
      ...(network.peers().size > 0 && live.size === 1 ? ['no other member is connected'] : []),
      ...(reason === undefined ? [] : [reason]),
      ...(doubtedBy.length === 0 ? [] : [`others hold that this node runs twice: ${doubtedBy.join(', ')}`]),
    ];
    return await Promise.resolve({ ready: reasons.length === 0, reasons, keys });
  }

  peers(): readonly PeerView[] {
    const ours = rosterHash(this.#parts.roster());
    return [...this.#parts.network.peers().values()].map((peer) => ({
      name: peer.name,
      peerId: peer.peer,
      connected: peer.connected,
      since: peer.since,
      roundTripMilliseconds: peer.roundTrip,
      clockSkewMilliseconds: peer.clockSkew,
      version: peer.version,
      sameRoster: peer.rosterHash === undefined ? undefined : equal(peer.rosterHash, ours),
      refused: peer.refused,
      blames: this.#blames.get(peer.peer) ?? 0,
      doubted: this.#standings.isDoubted(peer.peer),
      banned: this.#parts.home.bans.has(publicKeyOf(peer.peer)),
      pairs: this.#ceremonies.pairsWith(publicKeyOf(peer.peer)),
    }));
  }

  async audit(order: AuditOrder): Promise<AuditView> {
    return await auditPage(this.#parts.home.audit, order);
  }

  async unban(name: string): Promise<PeerView> {
    const find = (): PeerView | undefined => this.peers().find((peer) => peer.name === name);
    const peer = find();
    if (peer === undefined) throw new ServiceError('peer-unknown', `the roster has no other member ${name}`);
    if (!peer.banned) throw new ServiceError('not-banned', `${name} is not banned here`);
    await this.#ceremonies.lift(publicKeyOf(peer.peerId));
    return find() as PeerView;
  }

  async resolve(): Promise<StandingView> {
    await this.#failStop(this.#standings.resolve());
    return this.#standings.view();
  }

  roster(): readonly MemberView[] {
    return this.#parts
      .roster()
      .members.map(({ name, peer, addresses, region }) => ({ name, peerId: peer, addresses, region }));
  }

  async keys(): Promise<readonly (KeyView | QuarantinedKeyView)[]> {
    const keys = this.#parts.home.keys.list();
    return await Promise.resolve(
      keys.map((key) => (key.quarantined === undefined ? this.#keyView(key) : quarantinedView(key, key.quarantined))),
    );
  }

  async key(name: string): Promise<KeyView> {
    return await Promise.resolve(this.#keyView(this.#key(name)));
  }

  async freeze(name: string, frozen: boolean): Promise<KeyView> {
    const { clock, home } = this.#parts;
    const key = this.#key(name);
    expectMember(key);
    const { keyId } = key;
    await this.#failStop(home.audit.append(clock.now(), frozen ? 'key-frozen' : 'key-thawed', { key: name }));
    await this.#failStop(home.keys.freeze(keyId, frozen));
    return this.#keyView(this.#key(name));
  }

  async addresses(name: string, path: string, bitcoin: BitcoinNetwork): Promise<AddressesView> {
    const { tools } = this.#parts;
    const key = this.#key(name);
    expectMember(key);
    const publicPackage = this.#current(key);
    // Whoever is told an address may send to it: never one of a key that may yet come to nothing.
    if (publicPackage === undefined) throw new ServiceError('key-unknown', `${name} is not active yet`);
    return await Promise.resolve(addressesOf(path, bitcoin, publicPackage, tools));
  }

  async refresh(name: string): Promise<CeremonyView> {
    return await this.#ceremonies.refresh(name);
  }

  async previewReshare(name: string, order: ReshareOrder): Promise<ReshareView> {
    return await Promise.resolve(this.#ceremonies.reshares.preview(name, order));
  }

  async reshare(name: string, order: ReshareOrder): Promise<CeremonyView> {
    return await this.#ceremonies.reshares.propose(name, order);
  }

  async repair(name: string, order: RepairOrder = {}): Promise<CeremonyView> {
    return await this.#ceremonies.repair(name, order);
  }

  async keygen(order: KeygenOrder): Promise<CeremonyView> {
    const proposal = keygenProposals.sign(termsOf(order, this.#workshop), this.#parts.key);
    return await this.#ceremonies.submit('keygen', wire.encode(keygenProposals.codec, proposal));
  }

  async importKey(order: ImportOrder, secret: Secret): Promise<CeremonyView> {
    const { key, randomness, tools } = this.#parts;
    try {
      const terms = termsOf(order, this.#workshop);
      const groupKey = importedKey(order, secret, tools);
      const proposal = importProposals.sign({ ...terms, groupKey, chainCode: randomness.bytes(32) }, key);
      this.#imports.keep(importProposals.digest(proposal), secret.clone());
      try {
        return await this.#ceremonies.submit('import', wire.encode(importProposals.codec, proposal));
      } catch (error) {
        this.#imports.drop(importProposals.digest(proposal));
        throw error;
      }
    } finally {
      secret.wipe();
    }
  }

  async exportKey(name: string, { helpers }: ExportOrder = {}): Promise<CeremonyView> {
    return await this.#ceremonies.exportKey(name, helpers);
  }

  takeExported(id: string): Secret {
    const secret = this.#exports.take(fromHex(id));
    if (secret !== undefined) return secret;
    throw new ServiceError('ceremony-unknown', 'no private key waits for you: it is handed out once, for a minute');
  }

  async keyPackage(name: string): Promise<frost.ZfPackages> {
    const { audit, keys } = this.#parts.home;
    this.#standings.expectWell();
    return await ownKeyPackages(name, { ...this.#parts, audit, keys });
  }

  async sign(request: SignRequest): Promise<CeremonyView> {
    return await this.#ceremonies.submit('sign', wire.encode(signRequests.codec, request));
  }

  async ceremony(id: string, waitMilliseconds: number): Promise<CeremonyView> {
    return await this.#ceremonies.wait(id, waitMilliseconds);
  }

  ceremonies(): readonly CeremonyView[] {
    return this.#ceremonies.list();
  }

  follow(seen: (ceremony: CeremonyView) => void): () => void {
    return this.#ceremonies.follow(seen);
  }

  async accept(id: string, publicKey?: string): Promise<CeremonyView> {
    return await this.#ceremonies.accept(id, publicKey);
  }

  async cancel(id: string): Promise<CeremonyView> {
    return await this.#ceremonies.cancel(id);
  }

  #makeStock(): Stock {
    const { config, home, host, network, tools } = this.#parts;
    return new Stock({
      ...this.#parts,
      depth: config.stock,
      group: groupOf('ecdsa', tools.groups),
      peers: () => network.peers(),
      peerOf: (node) => this.#peerOf(node),
      nodeOf: publicKeyOf,
      isBanned: (node) => home.bans.has(node),
      busy: () => this.#ceremonies.isBusy,
      send: (peer, value) => {
        network.send(peer, encodeFrame({ type: 'stock', value })).catch((error: unknown) => {
          this.#parts.log.debug('could not send', { peer, frame: 'stock', error });
        });
      },
      choose: async (input) => await resultOf(host('choose-set', input)),
      complete: async (input) => await resultOf(host('complete-set', input)),
    });
  }

  #makeStandings(): Standings {
    const { home, network, tools } = this.#parts;
    const { marks, audit, bans, keys } = home;
    return new Standings({
      ...this.#parts,
      marks,
      audit,
      bans,
      keys,
      bootEpoch: () => home.bootEpoch,
      renewBoot: async (counter) => home.renewBoot(counter),
      members: () => this.#nodes(),
      nameOf: (peer) => this.#nameOf(peer),
      peerOf: (node) => this.#peerOf(node),
      connected: () => this.#connected().map(({ peer }) => peer),
      packageOf: (key, epoch) => packageOf(key, epoch, tools),
      send: (peer, value) => {
        network.send(peer, encodeFrame({ type: 'standing', value })).catch((error: unknown) => {
          this.#parts.log.debug('could not send', { peer, frame: 'standing', error });
        });
      },
      certified: (certificate, more) =>
        verifyCertified(certificate, (id) => [...knownOf(keys.get(id)), ...more(id)], this.#parts),
      held: (reason) => this.#ceremonies.suspend(reason),
      burn: async () => {
        for (const { node } of this.#nodes()) this.#stock.drop(node);
        await this.#ceremonies.burn();
      },
      doubted: (peer) => this.#ceremonies.abandon(peer),
      certificate: (peer, certificate) => this.#ceremonies.certificate(peer, certificate),
      show: (peer, certificate) => this.#ceremonies.show(peer, certificate),
      fatal: (error) => this.#parts.fatal(error),
    });
  }

  #keyView(key: KeyInfo): KeyView {
    const info = key.current ?? key.epochs.findLast(({ state }) => state !== 'approved');
    if (info === undefined) throw new Error('a key has an epoch');
    const publicPackage = this.#decode(key.scheme as Scheme, info.publicPackage);
    return {
      name: key.name,
      keyId: toHex(key.keyId),
      scheme: publicPackage.scheme,
      purpose: publicPackage.purpose,
      threshold: publicPackage.threshold,
      trade: tradeOf(publicPackage.threshold, publicPackage.members.length),
      parties: publicPackage.members.map(({ party, node }) => {
        const peerId = this.#peerOf(node);
        return { party, name: this.#nameOf(peerId), peerId };
      }),
      epoch: info.epoch,
      state: info.state,
      frozen: key.frozen,
      publicKey: toHex(this.#publicKey(key.keyId, info.epoch)),
      tweak: publicPackage.tweak.type,
      knownSince: Math.min(...key.epochs.map(({ createdAt }) => createdAt)),
      epochAt: info.createdAt,
      imported: isImported(publicPackage),
      exported: key.exported,
      refresh: this.#ceremonies.refreshOf(key),
      repair: this.#ceremonies.repairOf(key.keyId),
      presignatures: this.#presignatures.count(key.keyId),
    };
  }

  /** Why this node can have nothing signed with a key now, in a sentence. Who froze it elsewhere does not say so. */
  #hindrance(key: KeyInfo, publicPackage: PublicPackage, online: number): string | undefined {
    const { keyId, epoch, threshold } = publicPackage;
    const { state } = this.#standings.view();
    if (state !== 'well') return `this node is ${state}`;
    if (key.frozen) return 'frozen here';
    if (mustRefresh(publicPackage)) return 'imported: it signs once its shares are dealt anew';
    const lost = this.#ceremonies.repairOf(keyId) ?? this.#standings.lostShare(keyId, epoch);
    if (lost !== undefined) return lost;
    return online >= threshold ? undefined : 'too few members are there';
  }

  #key(name: string): KeyInfo {
    const { config, home } = this.#parts;
    // By id, since the name of a damaged key may be lost.
    const key = home.keys.get(keyIdOf(config.networkId, name));
    if (key?.quarantined !== undefined)
      throw new ServiceError(
        'integrity',
        `the key ${name} is quarantined here: ${key.quarantined.message}; ${repairWith(name)}`,
      );
    if (key === undefined) throw new ServiceError('key-unknown', `this node has no key ${name}; see \`quorate keys\``);
    return key;
  }

  #current(key: KeyInfo): PublicPackage | undefined {
    return key.current === undefined ? undefined : this.#decode(key.scheme as Scheme, key.current.publicPackage);
  }

  #publicKey(keyId: Uint8Array, epoch: number): Uint8Array {
    const key = this.#parts.home.keys.get(keyId);
    const info = epochOf(key, epoch);
    if (key === undefined || info === undefined) throw new ServiceError('key-unknown', 'this node has no such key');
    const scheme = key.scheme as Scheme;
    return frost.outputKey(frost.suiteOf(scheme, this.#parts.tools.groups), this.#decode(scheme, info.publicPackage));
  }

  #decode(scheme: Scheme, encoded: Uint8Array): PublicPackage {
    return publicPackageOf(groupOf(scheme, this.#parts.tools.groups), encoded);
  }

  #connected(): readonly PeerStatus[] {
    return [...this.#parts.network.peers().values()].filter(({ connected }) => connected);
  }

  #nodes(): readonly RosterNode[] {
    const roster = this.#parts.roster();
    if (this.#rosterNodes?.roster !== roster) {
      const nodes = roster.members.map(({ name, peer }) => ({ name, peer, node: publicKeyOf(peer) }));
      this.#rosterNodes = { roster, nodes };
    }
    return this.#rosterNodes.nodes;
  }

  #nameOf(peer: PeerId): string {
    return this.#nodes().find((member) => member.peer === peer)?.name ?? `${peer.slice(0, 16)}…`;
  }

  async #failStop<T>(work: Promise<T>): Promise<T> {
    return await failStop(work, this.#parts.fatal);
  }

  /** PeerIds are base58 of a protobuf: worth remembering. */
  #peerOf(node: Uint8Array): PeerId {
    const place = toHex(node);
    const peer = this.#peerIds.get(place) ?? peerIdOf(node);
    this.#peerIds.set(place, peer);
    return peer;
  }

  async #recordBlame(blame: RecordedBlame): Promise<boolean> {
    const isNew = await this.#parts.home.blames.record(blame);
    if (isNew) this.#countBlame(blame.node);
    return isNew;
  }

  /** A key whose certificate nobody would take from this node is of no use to it, and no reason not to start. */
  #quarantineUnwanted(): void {
    const { keys } = this.#parts.home;
    for (const key of keys.list()) {
      const epoch = unwantedIn(key, this.#parts);
      if (epoch !== undefined) keys.quarantine(key.keyId, epoch);
    }
  }

  /** What the store found damaged when it was opened, and what it repaired. */
  async #auditFindings(): Promise<void> {
    const { clock, home, log } = this.#parts;
    for (const { kind, place, reason = '' } of home.keys.takeFindings()) {
      log.error('the store was damaged', { finding: kind, place, reason });
      await home.audit.append(clock.now(), kind, { place, reason });
    }
  }

  #countBlame(node: Uint8Array): void {
    const peer = this.#peerOf(node);
    this.#blames.set(peer, (this.#blames.get(peer) ?? 0) + 1);
  }
}

/** Of a quarantined key all that is known for certain is its id. */
function quarantinedView({ keyId, name }: KeyInfo, { message }: { readonly message: string }): QuarantinedKeyView {
  return { name, keyId: toHex(keyId), state: 'quarantined', reason: message };
}

function lost({ keyId, name }: KeyInfo): HealthView['keys'][number] {
  const none = { threshold: 0, online: 0, parties: 0, signable: false };
  return { name: name || toHex(keyId), ...none, problem: `quarantined here; ${repairWith(name)}` };
}

/** What a job without rounds comes to. */
async function resultOf<T>(host: Host<T>): Promise<T> {
  try {
    const progress = await host.next(undefined);
    if (progress.type !== 'result') throw new Error('a job without rounds has a result');
    return progress.result;
  } finally {
    host.close();
  }
}
