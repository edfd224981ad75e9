import {
  type Court,
  compare,
  equal,
  type Group,
  groupOf,
  type Member,
  type Party,
  Secret,
  type Start,
  sessionId,
  toHex,
} from '@quorate/protocol';
import { limits } from '../limits.ts';
import { type Preparation, preparations } from '../policy/preparation.ts';
import { ServiceError } from '../service.ts';
import type { Host } from './host.ts';
import type { PairMaterials } from './jobs/pairs.ts';
import { withPairSetup } from './multiplying.ts';
import { type CheckedPreparation, checkPreparation } from './preparing.ts';
import { idIn, judged } from './proposals.ts';
import { receiveKeysOf } from './registering.ts';
import type { Task, TaskOutcome, TaskSession, Workshop } from './task.ts';

/**
 * Two parties of an ECDSA key that is in use set up anew what multiplying their shares needs, because one of them has burnt
 * what they had. Whoever joins forgets the old set-up first: then never do two parties hold halves that do not fit, and
 * whoever has none says so, and is not seated with the other.
 */
export class PairsTask implements Task {
  readonly kind = 'pairs';
  readonly effect = 'uses';
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly decision = 'auto';
  readonly apart: readonly Party[] = [];
  readonly exclusive = false;
  readonly roundDeadline: number = limits.keygenRound;
  readonly shown = undefined;
  readonly members: readonly Member[];
  readonly keyId: Uint8Array;
  readonly #preparation: Preparation;
  readonly #transcript: Uint8Array;
  readonly #workshop: Workshop;

  private constructor(body: Uint8Array, checked: CheckedPreparation, workshop: Workshop) {
    const { preparation, publicPackage, members } = checked;
    this.#preparation = preparation;
    this.#transcript = publicPackage.transcript;
    this.#workshop = workshop;
    this.id = preparations.digest(preparation);
    this.body = body;
    this.members = members;
    this.keyId = publicPackage.keyId;
  }

  /**
   * Checks a proposal by this node's own rules and records the decision, a refusal too.
   * @throws {ServiceError} `invalid`, `denied`, `key-unknown`, `expired`
   */
  static async admit(body: Uint8Array, from: string, workshop: Workshop): Promise<{ readonly task: PairsTask }> {
    const id = PairsTask.idOf(body);
    const record = { ...(id === undefined ? {} : { request: toHex(id) }), from };
    const judge = () => ({
      ...checkPair(checkPreparation('pairs', body, workshop), workshop),
      decision: 'auto' as const,
    });
    const checked = await judged('pairs', record, workshop, judge, ({ preparation: { key } }) => ({ key }));
    return { task: new PairsTask(body, checked, workshop) };
  }

  /** The id of an encoded proposal, if it is one. */
  static idOf(body: Uint8Array): Uint8Array | undefined {
    return idIn(preparations, body);
  }

  get proposer(): Uint8Array {
    return this.#preparation.proposer;
  }

  /** Of two that set up the same two parties only one may go on, or they might end with different halves. */
  get rival(): string {
    return `pairs/${toHex(this.keyId)}/${this.epoch}/${this.#preparation.parties.join('/')}`;
  }

  /** To a newer one of its proposer, who may have forgotten it, and to that of the lower node key. */
  yieldsTo(newer: Task, isRunning: boolean): boolean {
    return !isRunning && newer.proposer !== undefined && compare(newer.proposer, this.proposer) <= 0;
  }

  get digest(): Uint8Array {
    return this.id;
  }

  get keyName(): string {
    return this.#preparation.key;
  }

  get epoch(): number {
    return this.#preparation.epoch;
  }

  get need(): number {
    return this.members.length;
  }

  get expires(): number {
    return this.#preparation.expires;
  }

  get receives(): Group {
    return groupOf('ecdsa', this.#workshop.tools.groups);
  }

  court(start: Start): Pick<Court, 'rounds' | 'rules'> {
    const group = this.receives;
    const { aead } = this.#workshop.tools;
    const receiveKeys = receiveKeysOf(start, group);
    const parameters = { group, aead, sid: sessionId(start), members: this.members, receiveKeys };
    return withPairSetup({ rounds: [], rules: {} }, 'ecdsa', parameters);
  }

  /** @throws {ServiceError} `denied`, `key-unknown`, `expired` */
  async host({ start, sid, me }: TaskSession, receiveSecret: Uint8Array | undefined): Promise<Host<unknown>> {
    if (receiveSecret === undefined) throw new Error('a registration for a set-up has a receive key');
    this.#check();
    const { keys, presignatures } = this.#workshop;
    const others = this.members.filter(({ party }) => party !== me);
    for (const { node } of others) presignatures.dropWith(node, this.keyId);
    await keys.materials.drop(
      this.keyId,
      this.epoch,
      others.map(({ party }) => party),
    );
    const stock = others.map(({ party, node }) => ({ party, ...this.#workshop.stock.take(node) }));
    const receiveKeys = start.participants.map(({ registration }) => registration.receiveKey);
    const { members } = this;
    const transcript = this.#transcript;
    return this.#workshop.host('pair-setup', { sid, me, members, receiveKeys, receiveSecret, transcript, stock });
  }

  /** @throws {ServiceError} `denied` if the other was banned meanwhile, `expired` if the key has moved on */
  async complete(output: unknown): Promise<TaskOutcome> {
    const { audit, clock, keys } = this.#workshop;
    using secrets = new DisposableStack();
    const material = [...(output as PairMaterials)].map(
      ([party, bytes]) => [party, secrets.use(new Secret(bytes))] as const,
    );
    this.#check();
    for (const [party, secret] of material) await keys.materials.replace(this.keyId, this.epoch, party, secret);
    await audit.append(clock.now(), 'pairs-set-up', {
      request: toHex(this.id),
      key: this.keyName,
      epoch: this.epoch,
      parties: this.#preparation.parties.join(','),
    });
    return { type: 'finished', result: { type: 'material' } };
  }

  #check(): void {
    const current = this.#workshop.keys.get(this.keyId)?.current;
    if (current?.epoch !== this.epoch) throw new ServiceError('expired', `the key ${this.keyName} has moved on`);
    checkBans(this.members, this.#workshop);
  }
}

function checkPair(checked: CheckedPreparation, workshop: Workshop): CheckedPreparation {
  if (checked.members.length !== 2) throw new ServiceError('invalid', 'a set-up is of two parties');
  checkBans(checked.members, workshop);
  return checked;
}

function checkBans(members: readonly Member[], { bans, key, nameOf }: Workshop): void {
  const banned = members.find(({ node }) => !equal(node, key.publicKey) && bans.has(node));
  if (banned === undefined) return;
  const name = nameOf(banned.node);
  throw new ServiceError('denied', `${name} is banned here; its operator and ours decide: quorate peers unban ${name}`);
}
