import type { GossipSub, Message } from '@libp2p/gossipsub';
import { TopicValidatorResult } from '@libp2p/gossipsub';
import type { Clock } from '../clock.ts';
import { NodeError } from '../errors.ts';
import { limits } from '../limits.ts';
import { PeerBudgets } from './budget.ts';
import type { PeerId, Topic } from './network.ts';

/**
 * Announcements over gossipsub: signed by their author, carried by anybody, and therefore only ever advice. What does not
 * come from a member, is too long, or exceeds its author's budget is neither passed on nor shown.
 */
export class Announcements {
  readonly #pubsub: GossipSub;
  readonly #topics: ReadonlyMap<string, Topic>;
  readonly #isMember: (peer: PeerId) => boolean;
  readonly #budgets: PeerBudgets;
  readonly #handlers = new Map<Topic, (peer: PeerId, payload: Uint8Array) => void>();

  constructor(pubsub: GossipSub, topics: readonly Topic[], isMember: (peer: PeerId) => boolean, clock: Clock) {
    this.#pubsub = pubsub;
    this.#topics = new Map(topics.map((topic) => [topic, topic]));
    this.#isMember = isMember;
    this.#budgets = new PeerBudgets(clock, limits.announcementsPerSecond, limits.announcementsBurst);
  }

  start(): void {
    for (const topic of this.#topics.keys()) {
      this.#pubsub.topicValidators.set(topic, (_carrier, message) => this.#judge(message));
      this.#pubsub.subscribe(topic);
    }
    this.#pubsub.addEventListener('message', ({ detail }) => {
      const topic = this.#topics.get(detail.topic);
      if (topic !== undefined && detail.type === 'signed')
        this.#handlers.get(topic)?.(detail.from.toString(), detail.data);
    });
  }

  on(topic: Topic, handler: (peer: PeerId, payload: Uint8Array) => void): void {
    this.#handlers.set(topic, handler);
  }

  /** @throws {NodeError} `frame-too-large` */
  publish(topic: Topic, payload: Uint8Array): void {
    if (payload.length > limits.announcementBytes) {
      throw new NodeError(
        'frame-too-large',
        `an announcement of ${payload.length} bytes; at most ${limits.announcementBytes} fit`,
      );
    }
    // Nobody may be listening, or the host is stopping: an announcement promises nothing.
    this.#pubsub.publish(topic, payload).catch(() => undefined);
  }

  /** Never `Reject`, which punishes the carrier: rosters differ while an edit rolls out. */
  #judge(message: Message): TopicValidatorResult {
    if (message.type !== 'signed' || message.data.length > limits.announcementBytes) return TopicValidatorResult.Ignore;
    const author = message.from.toString();
    if (!this.#isMember(author)) return TopicValidatorResult.Ignore;
    return this.#budgets.spend(author) ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore;
  }
}
