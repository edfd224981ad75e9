import {
  type Court,
  dkls23,
  groupOf,
  type Member,
  type Party,
  type PublicPackage,
  type Start,
  sessionId,
} from '@quorate/protocol';
import { limits } from '../../limits.ts';
import { type Preparation, preparations } from '../../policy/preparation.ts';
import { ServiceError } from '../../service.ts';
import type { Host } from '../host.ts';
import { apartFrom, copyOf, materialWith } from '../multiplying.ts';
import { checkPreparation } from '../preparing.ts';
import { idIn } from '../proposals.ts';
import { usable } from '../sign.ts';
import type { Task, TaskOutcome, TaskSession, Workshop } from '../task.ts';

/** A presignature for the pool, by exactly those who will sign with it. Nobody waits for it, and nothing is signed. */
export class PresignTask implements Task {
  readonly kind = 'presign';
  readonly effect = 'uses';
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly decision = 'auto';
  readonly receives = undefined;
  readonly exclusive = true;
  readonly shown = undefined;
  readonly roundDeadline: number = limits.presignRound;
  readonly members: readonly Member[];
  readonly #preparation: Preparation;
  readonly #publicPackage: PublicPackage;
  readonly #workshop: Workshop;

  private constructor(
    body: Uint8Array,
    { preparation, publicPackage, members }: ReturnType<typeof checkPreparation>,
    workshop: Workshop,
  ) {
    this.id = preparations.digest(preparation);
    this.body = body;
    this.members = members;
    this.#preparation = preparation;
    this.#publicPackage = publicPackage;
    this.#workshop = workshop;
  }

  /**
   * Checks a proposal by this node's own rules. There is no audit record: it decides nothing.
   * @throws {ServiceError} `invalid`, `denied`, `key-unknown`, `expired`
   */
  static async admit(body: Uint8Array, _from: string, workshop: Workshop): Promise<{ readonly task: PresignTask }> {
    if (workshop.config.presignatures === 0) {
      throw new ServiceError('denied', 'this node keeps no presignatures; `presignatures` in node.yaml says how many');
    }
    const checked = checkPreparation('presign', body, workshop);
    if (checked.members.length !== checked.publicPackage.threshold) {
      throw new ServiceError('invalid', 'a presignature is made by as many as sign');
    }
    const task = new PresignTask(body, checked, workshop);
    if (task.apart.length > 0) throw new ServiceError('denied', 'this node multiplies with one of the others no more');
    return await Promise.resolve({ task });
  }

  /** The id of an encoded proposal, if it is one. */
  static idOf(body: Uint8Array): Uint8Array | undefined {
    return idIn(preparations, body);
  }

  get digest(): Uint8Array {
    return this.id;
  }

  get keyId(): Uint8Array {
    return this.#publicPackage.keyId;
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

  get proposer(): Uint8Array {
    return this.#preparation.proposer;
  }

  get apart(): readonly Party[] {
    const { epoch, keyId } = this.#publicPackage;
    return apartFrom({ epoch, keyId, members: this.members }, this.#workshop);
  }

  court(start: Start): Pick<Court, 'rounds' | 'rules'> {
    const { groups, multiplication } = this.#workshop.tools;
    const group = groupOf('ecdsa', groups);
    const signers = start.participants.map(({ party }) => party);
    const sid = sessionId(start);
    const publicPackage = this.#publicPackage;
    return {
      rounds: dkls23.presignRounds(group, multiplication),
      rules: dkls23.ecdsaRules({ group, multiplication, publicPackage, signers, sid, purpose: undefined }),
    };
  }

  async host({ sid, start, me }: TaskSession): Promise<Host<unknown>> {
    const { keys } = this.#workshop;
    const { keyId, epoch } = this.#publicPackage;
    const { publicPackage } = this.#inUse();
    using share = await keys.share(keyId, epoch);
    const signers = start.participants.map(({ party }) => party);
    const peers = signers.filter((party) => party !== me);
    const material = await materialWith(peers, this.#publicPackage, this.#workshop);
    const banned = this.apart;
    return this.#workshop.host('presign', {
      sid,
      me,
      signers,
      publicPackage,
      share: copyOf(share),
      material,
      banned,
    });
  }

  /** Into the pool, unless another epoch or a ban came in between. */
  async complete(output: unknown): Promise<TaskOutcome> {
    const { presignatures, tools } = this.#workshop;
    const { keyId, epoch } = this.#publicPackage;
    const presignature = dkls23.Presignature.moved(groupOf('ecdsa', tools.groups), output as dkls23.MovedPresignature);
    try {
      this.#inUse();
      if (this.apart.length > 0) throw new ServiceError('denied', 'one of the signers was banned meanwhile');
    } catch (error) {
      presignature.wipe();
      throw error;
    }
    presignatures.add(presignature, { keyId, epoch, signers: this.members });
    return await Promise.resolve({ type: 'finished', result: { type: 'material' } });
  }

  /** @throws {ServiceError} unless the epoch is the one in use */
  #inUse(): ReturnType<typeof usable> {
    const { keyId, epoch } = this.#publicPackage;
    const key = usable(this.#workshop.keys.get(keyId), this.keyName);
    if (key.epoch !== epoch) throw new ServiceError('expired', `the key ${this.keyName} has moved on to another epoch`);
    return key;
  }
}
