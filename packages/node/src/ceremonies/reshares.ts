import { certificateCodec, equal, type PublicPackage, wire } from '@quorate/protocol';
import type { EpochInfo, KeyInfo } from '@quorate/storage';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';
import { reshareProposals } from '../policy/reshare-proposal.ts';
import { type CeremonyView, type ReshareOrder, type ReshareView, ServiceError } from '../service.ts';
import { nextNumber } from './epoch-numbers.ts';
import { majority } from './keygen.ts';
import { packageOf } from './packages.ts';
import { whyStuck } from './refresh.ts';
import { dealersOf, membersOf, type Plan, previewOf, replacementFor, type Surroundings } from './reshare-plan.ts';
import { publicKeyOf } from './reshare-rules.ts';
import { usable } from './sign.ts';
import type { Workshop } from './task.ts';

export interface ResharesPort {
  peerOf(node: Uint8Array): PeerId;
  isLive(peer: PeerId): boolean;
  isSuspected(peer: PeerId): boolean;
  /** The highest number of an epoch of a key that a member says to know, of late. */
  told(key: KeyInfo): number;
  /** Proposes it to everybody who takes part. @throws {ServiceError} */
  submit(body: Uint8Array): Promise<CeremonyView>;
}

/** Proposes reshares for this node's operator, who sees first what will change. */
export class Reshares {
  readonly #workshop: Workshop;
  readonly #port: ResharesPort;
  /** How often this node proposed one from an epoch. */
  readonly #tries = new Map<string, number>();

  constructor(workshop: Workshop, port: ResharesPort) {
    this.#workshop = workshop;
    this.#port = port;
  }

  /** @throws {ServiceError} `key-unknown`, `not-member`, `denied`, `invalid` */
  preview(name: string, order: ReshareOrder): ReshareView {
    const { plan } = this.#planOf(name, order);
    return previewOf(plan, this.#surroundings(plan.base));
  }

  /** @throws {ServiceError} `key-unknown`, `not-member`, `denied`, `invalid`, `busy`, `no-quorum` */
  async propose(name: string, order: ReshareOrder): Promise<CeremonyView> {
    const { clock, key: own, randomness } = this.#workshop;
    const { current, key, plan } = this.#planOf(name, order);
    const { base, nodes, threshold } = plan;
    const surroundings = this.#surroundings(base);
    const { members, problems } = previewOf(plan, surroundings);
    const [problem] = problems;
    if (problem !== undefined) {
      const isAway = members.some(({ change, connected }) => change !== 'leaves' && !connected);
      const dealers = members.filter(({ deals }) => deals).length;
      throw new ServiceError(isAway || dealers < base.threshold ? 'no-quorum' : 'invalid', problems.join('; '));
    }
    const place = `${name}/${current.epoch}`;
    const count = this.#tries.get(place) ?? 0;
    const told = Math.max(this.#port.told(key), this.#workshop.standings.floor);
    const proposal = reshareProposals.sign(
      {
        key: name,
        base: wire.decode(certificateCodec, current.certificate as Uint8Array),
        epoch: nextNumber(key, count, told, clock.now()),
        dealers: dealersOf(plan, surroundings),
        members: membersOf(nodes),
        threshold,
        lowThreshold: threshold < majority(nodes.length) ? 1 : 0,
        expires: clock.now() + limits.longestRequest,
        nonce: randomness.bytes(32),
      },
      own,
    );
    const ceremony = await this.#port.submit(wire.encode(reshareProposals.codec, proposal));
    // What is refused here nobody else has seen: its number is free.
    this.#tries.set(place, count + 1);
    return ceremony;
  }

  /** The command that would put others in the place of members that are away, if there is one. */
  remedy(key: KeyInfo): string | undefined {
    if (key.current === undefined) return undefined;
    const { members: known, nameOf, tools } = this.#workshop;
    const base = packageOf(key, key.current, tools);
    const spare = known()
      .map(({ node }) => node)
      .filter((node) => !base.members.some((member) => equal(member.node, node)));
    const plan = replacementFor(base, spare, this.#surroundings(base));
    if (plan === undefined) return undefined;
    const low = plan.threshold < majority(plan.nodes.length) ? ' --allow-low-threshold' : '';
    const names = plan.nodes.map(nameOf).join(',');
    return `quorate keys reshare ${key.name} --members ${names} --threshold ${plan.threshold}${low}`;
  }

  #planOf(
    name: string,
    { allowLowThreshold = false, members, threshold }: ReshareOrder,
  ): { readonly key: KeyInfo; readonly current: EpochInfo; readonly plan: Plan } {
    const { keys, members: known, tools } = this.#workshop;
    const key = keys.byName(name);
    usable(key, name);
    const { current } = key as KeyInfo;
    if (key === undefined || current === undefined) throw new Error('a usable key has an epoch in use');
    const base = packageOf(key, current, tools);
    const roster = known();
    const nodes = members?.map((one) => {
      const member = roster.find((each) => each.name === one);
      if (member === undefined) throw new ServiceError('invalid', `the roster has no member ${one}`);
      return member.node;
    });
    if (nodes !== undefined && new Set(members).size !== nodes.length) {
      throw new ServiceError('invalid', 'a member is named twice');
    }
    return {
      key,
      current,
      plan: {
        base,
        nodes: nodes ?? base.members.map(({ node }) => node),
        threshold: threshold ?? base.threshold,
        allowLowThreshold,
        isStuck: whyStuck(key) !== undefined,
      },
    };
  }

  #surroundings(base: PublicPackage): Surroundings {
    const { isLive, isSuspected, peerOf } = this.#port;
    return {
      publicKey: publicKeyOf(base, this.#workshop),
      nameOf: (node) => this.#workshop.nameOf(node),
      isSelf: (node) => equal(node, this.#workshop.key.publicKey),
      isLive: (node) => isLive(peerOf(node)),
      isDoubted: (node) => this.#workshop.standings.isDoubted(peerOf(node)),
      isSuspected: (node) => isSuspected(peerOf(node)),
    };
  }
}
