import { type NodeClient, networkIdOf, systemRandomness } from '@quorate/node';
import {
  activatedCodec,
  ascii,
  kinds,
  type NodeKey,
  type Party,
  type Registration,
  readyCodec,
  register,
  type Start,
  sealEnvelope,
  sessionId,
  toHex,
  wire,
} from '@quorate/protocol';
import { nativeNodeKey } from '@quorate/protocol/native';
import { decodeFrame, encodeFrame, type NodeFrame } from '../../packages/node/src/ceremonies/frames.ts';
import { publicKeyOf } from '../../packages/node/src/network/identity.ts';
import type { PeerId } from '../../packages/node/src/network/network.ts';
import { type KeygenProposal, keygenProposals } from '../../packages/node/src/policy/keygen-proposal.ts';
import { requestId, signRequests } from '../../packages/node/src/policy/sign-request.ts';
import { type TestnetNode, until } from '../../scripts/testnet/testnet.ts';
import { becomeMember, type Member } from './member.ts';

type ValueOf<K extends NodeFrame['type']> = Extract<NodeFrame, { readonly type: K }>['value'];
type KeyView = Awaited<ReturnType<NodeClient['key']>>;

const { bytes } = systemRandomness;

/** A member of the roster that was taken over: genuine identity, genuine connections, and none of the rules. */
export class Rogue implements AsyncDisposable {
  readonly member: Member;
  /** Every frame that it was sent, in the order in which they came. */
  readonly heard: { readonly from: PeerId; readonly frame: NodeFrame }[] = [];

  private constructor(member: Member, heard: Rogue['heard']) {
    this.member = member;
    this.heard = heard;
  }

  /** @param node stopped */
  static async open(node: TestnetNode, peers: number): Promise<Rogue> {
    const heard: Rogue['heard'] = [];
    const member = await becomeMember(node, peers, (mesh) => {
      mesh.onFrame((from, frame) => heard.push({ from, frame: decodeFrame(frame) }));
      mesh.onPeer(() => undefined);
    });
    return new Rogue(member, heard);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.member[Symbol.asyncDispose]();
  }

  /** Waits until `name` has sent a frame that is `wanted`; returns the latest. */
  async hear<K extends NodeFrame['type']>(
    name: string,
    type: K,
    wanted: (value: ValueOf<K>) => boolean,
  ): Promise<ValueOf<K>> {
    const peer = this.member.peerOf(name);
    const find = (): ValueOf<K> | undefined =>
      this.heard
        .flatMap(({ from, frame }) => (from === peer && frame.type === type ? [frame.value as ValueOf<K>] : []))
        .findLast(wanted);
    await until(`${name} to send a ${type}`, 60, () => Promise.resolve(find() !== undefined));
    const found = find();
    if (found === undefined) throw new Error(`${name} sent no ${type}`);
    return found;
  }

  /** Orders that no client of this network signed, with the id under which each would be known. */
  orders(key: KeyView, client: NodeKey): readonly { readonly id: Uint8Array; readonly body: Uint8Array }[] {
    const unsigned = {
      network: networkIdOf('testnet'),
      key: key.name,
      purpose: key.purpose,
      intent: { type: 'message', value: ascii('everything to the rogue') },
      path: 'm',
      expires: Date.now() + 60_000,
      idempotencyKey: bytes(16),
    } as const;
    const own = signRequests.sign(unsigned, nativeNodeKey(bytes(32)));
    const asNode = signRequests.sign({ ...unsigned, idempotencyKey: bytes(16) }, this.member.identity);
    const forged = {
      ...signRequests.sign({ ...unsigned, idempotencyKey: bytes(16) }, this.member.identity),
      client: client.publicKey,
    };
    const blank = { ...forged, idempotencyKey: bytes(16), signature: new Uint8Array(64) };
    return [own, asNode, forged, blank].map((request) => ({
      id: requestId(request),
      body: wire.encode(signRequests.codec, request),
    }));
  }

  /** Proposals that break a rule, with their ids. @param key its committee is the one to keygenProposals.sign */
  proposals(key: KeyView): readonly { readonly id: Uint8Array; readonly body: Uint8Array }[] {
    const { identity } = this.member;
    const members = key.parties.map(({ party, peerId }) => ({ party, node: publicKeyOf(peerId) }));
    const good = (): Omit<KeygenProposal, 'signature' | 'proposer'> => ({
      network: networkIdOf('testnet'),
      name: `rogue-${toHex(bytes(4))}`,
      scheme: 'ed25519',
      purpose: 'general',
      threshold: 3,
      lowThreshold: 0,
      members,
      epoch: 1,
      tweak: { type: 'none', value: new Uint8Array(0) },
      expires: Date.now() + 60_000,
      nonce: bytes(32),
    });
    const stranger = members.map((member, i) => (i === 4 ? { ...member, node: new Uint8Array(32).fill(255) } : member));
    const victim = members.find(({ node }) => toHex(node) !== toHex(identity.publicKey))?.node ?? identity.publicKey;
    return [
      { ...keygenProposals.sign(good(), identity), proposer: victim },
      keygenProposals.sign(
        { ...good(), scheme: 'ecdsa', tweak: { type: 'key-path-only', value: new Uint8Array(0) } },
        identity,
      ),
      keygenProposals.sign({ ...good(), threshold: 1 }, identity),
      keygenProposals.sign({ ...good(), threshold: 2 }, identity),
      keygenProposals.sign({ ...good(), members: stranger }, identity),
      keygenProposals.sign(
        { ...good(), scheme: 'taproot', tweak: { type: 'script-tree', value: new Uint8Array(32).fill(1) } },
        identity,
      ),
      keygenProposals.sign({ ...good(), name: key.name }, identity),
    ].map((proposal) => ({ id: keygenProposals.digest(proposal), body: wire.encode(keygenProposals.codec, proposal) }));
  }

  /** A registration of our own that fits `other`, properly signed unless `change` says otherwise. */
  registration(other: Registration, change: Partial<Registration> = {}): Registration {
    return register(
      { ...other, nonce: bytes(32), bootEpoch: this.member.home.bootEpoch, avoid: [], ...change },
      this.member.identity,
    );
  }

  /** Starts that nobody may join, each with what is wrong with it. @param real a registration of each of two honest parties */
  starts(real: ReadonlyMap<Party, Registration>, me: Party, absent: Party): readonly (readonly [RegExp, Start])[] {
    const [[a, first], [b, second]] = [...real] as [[Party, Registration], [Party, Registration]];
    const own = this.registration(first);
    const start = (registrations: readonly (readonly [Party, Registration])[], change: Partial<Start> = {}): Start => ({
      network: first.network,
      kind: kinds.sign,
      request: first.request,
      digest: first.digest,
      epoch: first.epoch,
      attempt: 0,
      presignature: new Uint8Array(0),
      participants: registrations
        .toSorted(([one], [other]) => one - other)
        .map(([party, registration]) => ({ party, registration })),
      ...change,
    });
    const all = [
      [a, first],
      [b, second],
      [me, own],
    ] as const;
    return [
      [/does not list our latest registration/, start([])],
      [
        /does not list our latest registration/,
        start([
          [a, { ...first, nonce: bytes(32) }],
          [b, { ...second, nonce: bytes(32) }],
          [me, own],
        ]),
      ],
      [
        /too few/,
        start([
          [a, first],
          [b, second],
        ]),
      ],
      [/something else/, start(all, { digest: bytes(32) })],
      [/something else/, start(all, { kind: kinds.keygen })],
      [/something else/, start(all, { epoch: first.epoch + 1 })],
      [
        /is not signed/,
        start([
          [a, first],
          [b, second],
          [me, { ...own, nonce: bytes(32) }],
        ]),
      ],
      [
        /not played by/,
        start([
          [a, first],
          [b, second],
          [absent, own],
        ]),
      ],
      [
        /registered for something else/,
        start([
          [a, first],
          [b, second],
          [me, this.registration(first, { digest: bytes(32) })],
        ]),
      ],
    ];
  }

  /** The Start that everybody named in it has registered for. */
  start(real: ReadonlyMap<Party, Registration>, me: Party): Start {
    const [first] = real.values();
    if (first === undefined) throw new Error('nobody has registered');
    const { network, request, digest, epoch } = first;
    const participants = [...real, [me, this.registration(first)] as const]
      .toSorted(([a], [b]) => a - b)
      .map(([party, registration]) => ({ party, registration }));
    return {
      network,
      kind: kinds.sign,
      request,
      digest,
      epoch,
      attempt: 0,
      presignature: new Uint8Array(0),
      participants,
    };
  }

  /** What belongs to no round of the session: forged, foreign, from another, and then, signed by us, no commitments at all. */
  envelopes(start: Start, me: Party, victim: Party): readonly Uint8Array[] {
    const slot = {
      network: start.network,
      sid: sessionId(start),
      kind: kinds.sign,
      round: 0,
      class: 'broadcast',
      to: 0,
    } as const;
    const { identity } = this.member;
    const nonsense = bytes(66);
    return [
      sealEnvelope({ ...slot, from: victim }, [], nonsense, identity).frame,
      sealEnvelope({ ...slot, from: me, sid: bytes(32) }, [], nonsense, identity).frame,
      sealEnvelope({ ...slot, from: me }, [], nonsense, nativeNodeKey(bytes(32))).frame,
      bytes(40),
      bytes(200),
      sealEnvelope({ ...slot, from: me }, [], nonsense, identity).frame,
    ];
  }

  /** The i-th frame of a flood that nobody can use: of every type in turn, and bytes that are no frame. */
  nonsense(key: KeyView, i: number): Uint8Array {
    const keyId = i % 20 < 10 ? bytes(32) : Buffer.from(key.keyId, 'hex');
    const node = this.member.identity.publicKey;
    const request = bytes(32);
    const registration = {
      network: bytes(32),
      request,
      digest: bytes(32),
      epoch: 1,
      attempt: 0,
      node,
      nonce: bytes(32),
      bootEpoch: bytes(24),
      receiveKey: bytes(64),
      avoid: [1, 2, 3],
      apart: [1, 2, 3],
      presigned: { signers: [1, 2, 3], ids: [bytes(32)] },
      signature: bytes(64),
    };
    const ready = { keyId, epoch: 1 + (i % 3), party: 1 + (i % 5), digest: bytes(32), signature: bytes(64) };
    const frames: readonly (NodeFrame | Uint8Array)[] = [
      bytes(1 + (i % 3_000)),
      { type: 'request', value: { kind: kinds.sign, body: bytes(500) } },
      { type: 'registration', value: registration },
      {
        type: 'start',
        value: {
          network: bytes(32),
          kind: 2,
          request,
          digest: request,
          epoch: 1,
          attempt: 0,
          presignature: bytes(32),
          participants: [],
        },
      },
      { type: 'envelope', value: bytes(i % 100 === 4 ? 300_000 : 300) },
      { type: 'waiting', value: { request, registered: [1, 2, 3] } },
      { type: 'declined', value: { request, reason: 'because', highest: 0 } },
      { type: 'result', value: { request, signature: bytes(64), signers: [bytes(32)] } },
      { type: 'ready', value: wire.encode(readyCodec, ready) },
      { type: 'certificate', value: bytes(400) },
      {
        type: 'activated',
        value: wire.encode(activatedCodec, { keyId, epoch: 1, party: 1 + (i % 5), transcript: bytes(32) }),
      },
    ];
    const frame = frames[i % frames.length] ?? bytes(1);
    return frame instanceof Uint8Array ? frame : encodeFrame(frame);
  }
}
