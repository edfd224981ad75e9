import {
  type Court,
  groupOf,
  keyIdOf,
  type Party,
  type PublicPackage,
  type Scheme,
  type Start,
  toHex,
  tryDecode,
  wire,
} from '@quorate/protocol';
import { type KeyInfo, LedgerError } from '@quorate/storage';
import { timeText } from '../clock.ts';
import { contentOf, isRaw } from '../intents/intent.ts';
import { limits } from '../limits.ts';
import { clientOf, mayAsk } from '../policy/rights.ts';
import { requestId, type SignRequest, signRequests } from '../policy/sign-request.ts';
import { ServiceError } from '../service.ts';
import type { Host } from './host.ts';
import { mustRefresh } from './imports.ts';
import { apartFrom, copyOf, materialWith } from './multiplying.ts';
import { headerOf, publicPackageOf } from './packages.ts';
import { decodeProposal, orRefused } from './proposals.ts';
import { type Signing, signingOf } from './signing.ts';
import type { Task, TaskOutcome, TaskSession, Workshop } from './task.ts';

/** A signature that a client ordered, as one signer sees it. */
export class SignTask implements Task {
  readonly kind = 'sign';
  readonly effect = 'uses';
  readonly proposer = undefined;
  readonly id: Uint8Array;
  readonly digest: Uint8Array;
  readonly body: Uint8Array;
  readonly decision = 'auto';
  readonly receives = undefined;
  readonly shown = undefined;
  readonly roundDeadline: number = limits.signRound;
  readonly publicPackage: PublicPackage;
  readonly #request: SignRequest;
  readonly #signing: Signing;
  readonly #workshop: Workshop;

  private constructor(request: SignRequest, publicPackage: PublicPackage, workshop: Workshop) {
    this.#request = request;
    this.#signing = signingOf(request, publicPackage, workshop.tools);
    this.#workshop = workshop;
    this.publicPackage = publicPackage;
    this.id = requestId(request);
    this.digest = signRequests.digest(request);
    this.body = wire.encode(signRequests.codec, request);
  }

  /**
   * Checks an order by this node's own rules, records the decision, a refusal too, and registers the request. Nothing that
   * others say replaces any of it. An order that was answered before comes with its answer.
   * @throws {ServiceError} `invalid`, `denied`, `key-unknown`, `expired`, `request-conflict`, `integrity`
   */
  static async admit(
    body: Uint8Array,
    from: string,
    workshop: Workshop,
  ): Promise<{ readonly task: SignTask; readonly answer: Uint8Array | undefined }> {
    const { audit, clock, config, requests } = workshop;
    const request = decodeProposal(signRequests, body, 'a request');
    const digest = signRequests.digest(request);
    const record = { request: toHex(requestId(request)), digest: toHex(digest), key: request.key, from };
    return await orRefused('sign', record, workshop, async () => {
      const task = new SignTask(request, check(request, workshop), workshop);
      const client = clientOf(request.client, config.clients)?.name ?? '';
      const [entry] = await Promise.all([
        requests.register(task.id, digest, request.expires, body).catch(untaken),
        audit.append(clock.now(), 'sign-approved', { ...record, client, bytes: contentOf(request.intent).length }),
      ]);
      return { task, answer: entry.result };
    });
  }

  /** The same order, for the epoch of the key that is in use now. */
  renewed(): SignTask {
    const { keys, tools } = this.#workshop;
    const { publicPackage, scheme } = usable(keys.get(this.publicPackage.keyId), this.keyName);
    return new SignTask(this.#request, publicPackageOf(groupOf(scheme, tools.groups), publicPackage), this.#workshop);
  }

  /** The nodes of the key's newest committee that is certified, whether this node is in it or not. */
  heirs(): readonly Uint8Array[] {
    const epochs = this.#workshop.keys.get(this.publicPackage.keyId)?.epochs ?? [];
    const newest = epochs.findLast(({ certificate }) => certificate !== undefined);
    return newest === undefined ? [] : headerOf(newest.publicPackage).members.map(({ node }) => node);
  }

  /** The id of an encoded order, if it is one. */
  static idOf(body: Uint8Array): Uint8Array | undefined {
    const decoded = tryDecode(signRequests.codec, body);
    return decoded === undefined ? undefined : requestId(decoded.value);
  }

  /** The name of the key that an encoded order asks for, if it is one. */
  static keyOf(body: Uint8Array): string | undefined {
    return tryDecode(signRequests.codec, body)?.value.key;
  }

  get keyId(): Uint8Array {
    return this.publicPackage.keyId;
  }

  get keyName(): string {
    return this.#request.key;
  }

  get epoch(): number {
    return this.publicPackage.epoch;
  }

  get members(): PublicPackage['members'] {
    return this.publicPackage.members;
  }

  get need(): number {
    return this.publicPackage.threshold;
  }

  get expires(): number {
    return this.#request.expires;
  }

  get exclusive(): boolean {
    return this.scheme === 'ecdsa';
  }

  get apart(): readonly Party[] {
    return this.scheme === 'ecdsa' ? apartFrom(this.publicPackage, this.#workshop) : [];
  }

  get scheme(): Scheme {
    return this.publicPackage.scheme;
  }

  court(start: Start): Pick<Court, 'rounds' | 'rules'> {
    return this.#signing.court(start);
  }

  async host({ sid, start, me, presignature }: TaskSession): Promise<Host<unknown>> {
    const { keys, tools } = this.#workshop;
    const { keyId, epoch } = this.publicPackage;
    const key = usable(keys.get(keyId), this.keyName);
    if (key.epoch !== epoch) throw new ServiceError('expired', `the key ${this.keyName} has moved on to another epoch`);
    using secret = await keys.share(keyId, epoch);
    const signers = start.participants.map(({ party }) => party);
    const { payload, tweak } = this.#signing;
    const { publicPackage } = key;
    const signer = { sid, me, signers, publicPackage };
    if (this.scheme !== 'ecdsa') {
      const input = { ...signer, scheme: this.scheme, share: copyOf(secret), message: payload };
      return this.#workshop.host('sign', input);
    }
    const order = { ...signer, digest: payload, tweak };
    if (presignature !== undefined) {
      const moved = presignature.move(groupOf('ecdsa', tools.groups));
      const input = { ...order, share: copyOf(secret), presignature: moved, banned: this.apart };
      return this.#workshop.host('sign-presigned', input);
    }
    const peers = signers.filter((party) => party !== me);
    const material = await materialWith(peers, this.publicPackage, this.#workshop);
    return this.#workshop.host('sign-ecdsa', { ...order, share: copyOf(secret), material, banned: this.apart });
  }

  async complete(output: unknown, { start }: TaskSession, milliseconds: number): Promise<TaskOutcome> {
    return await this.record(
      output as Uint8Array,
      start.participants.map(({ party }) => party),
      milliseconds,
    );
  }

  /** Whether `signature` answers this request: anybody's word is good enough, since it speaks for itself. */
  answers(signature: Uint8Array): boolean {
    return this.#signing.verifies(signature);
  }

  /** Keeps a verified signature before it is told to anyone; the first one stays. */
  async record(
    signature: Uint8Array,
    signers: readonly Party[],
    milliseconds: number,
  ): Promise<TaskOutcome & { readonly type: 'finished' }> {
    const { audit, clock, requests } = this.#workshop;
    const [kept] = await Promise.all([
      requests.recordResult(this.id, signature).catch(untaken),
      audit.append(clock.now(), 'signed', {
        request: toHex(this.id),
        key: this.keyName,
        epoch: this.epoch,
        signers: signers.join(','),
      }),
    ]);
    return this.finished(kept, signers, milliseconds);
  }

  /** The result as it is shown. */
  finished(
    signature: Uint8Array,
    signers: readonly Party[],
    milliseconds: number,
  ): TaskOutcome & { readonly type: 'finished' } {
    const names = new Map(this.members.map(({ party, node }) => [party, this.#workshop.nameOf(node)]));
    return {
      type: 'finished',
      result: {
        type: 'signature',
        ...this.#signing.forms(signature),
        publicKey: toHex(this.#signing.publicKey),
        scheme: this.scheme,
        signers: signers.map((party) => names.get(party) ?? `party ${party}`),
        milliseconds,
      },
    };
  }
}

/** What the ledger does not take: another order under an id that was used, or one whose record is damaged. */
function untaken(error: unknown): never {
  if (!(error instanceof LedgerError)) throw error;
  if (error.code === 'request-conflict') throw new ServiceError('request-conflict', error.message);
  throw error.code === 'request-damaged' ? new ServiceError('integrity', error.message) : error;
}

/** The rules, in the order in which they say least to whoever has no rights. */
function check(request: SignRequest, { config, clock, keys, standings, tools }: Workshop): PublicPackage {
  const denied = (reason: string): ServiceError => new ServiceError('denied', reason);
  if (toHex(request.network) !== toHex(config.networkId)) throw denied('the request is for another network');
  if (!signRequests.verify(request, tools.signatures)) throw denied('the request is not signed by the client it names');
  const client = clientOf(request.client, config.clients);
  if (client === undefined)
    throw denied('this node knows no such client; add its public key to `clients` in node.yaml');
  if (!mayAsk(client, request.key, request.purpose, 'sign')) {
    throw denied(`client ${client.name} may not sign with ${request.key} for ${request.purpose}`);
  }
  checkExpiry(request.expires, clock.now());
  const { publicPackage: encoded, scheme } = usable(keys.get(keyIdOf(config.networkId, request.key)), request.key);
  const publicPackage = publicPackageOf(groupOf(scheme, tools.groups), encoded);
  if (mustRefresh(publicPackage))
    throw denied(
      `the key ${request.key} was imported: it signs once its shares are dealt anew, by themselves or by keys refresh`,
    );
  standings.expectShare(publicPackage.keyId, publicPackage.epoch);
  if (publicPackage.purpose !== request.purpose) throw denied(`the key ${request.key} is not for ${request.purpose}`);
  if (isRaw(scheme, request.intent) && !mayAsk(client, request.key, request.purpose, 'sign-raw')) {
    throw denied(`32 bytes may be the digest of a transaction; client ${client.name} lacks the right sign-raw`);
  }
  return publicPackage;
}

/** @throws {ServiceError} `expired`, or `invalid` when the time is too far ahead */
export function checkExpiry(expires: number, now: number): void {
  if (expires + limits.clockTolerance < now) {
    throw new ServiceError(
      'expired',
      'the request has expired by the clock of this node; send a new one, check the clocks',
    );
  }
  if (expires > now + limits.longestRequest + limits.clockTolerance) {
    throw new ServiceError('invalid', 'the request expires too late; at most an hour from now');
  }
}

/** Also while this node waits for the certificate of an epoch that it joins. @throws {ServiceError} `not-member` */
export function expectMember({ current, epochs, name }: KeyInfo): void {
  const elsewhere = epochs.findLast(({ state }) => state === 'elsewhere');
  if (current !== undefined || elsewhere === undefined) return;
  const held = `others hold its epoch ${elsewhere.epoch}, as of ${timeText(elsewhere.createdAt)}`;
  throw new ServiceError(
    'not-member',
    `this node is not in the committee of the key ${name}: ${held}; \`quorate keys show ${name}\` says who`,
  );
}

/** The epoch of a key to sign with. @throws {ServiceError} `key-unknown`, `not-member`, `denied`, `integrity` */
export function usable(
  key: KeyInfo | undefined,
  name: string,
): {
  readonly epoch: number;
  readonly scheme: Scheme;
  readonly publicPackage: Uint8Array;
} {
  if (key?.quarantined !== undefined)
    throw new ServiceError('integrity', `the key ${name} is quarantined here: ${key.quarantined.message}`);
  if (key !== undefined) expectMember(key);
  if (key?.current === undefined) throw new ServiceError('key-unknown', `this node has no key ${name} in use`);
  if (key.frozen)
    throw new ServiceError('denied', `the key ${name} is frozen here; \`quorate keys thaw\` allows it again`);
  const { epoch, publicPackage } = key.current;
  return { epoch, publicPackage, scheme: key.scheme as Scheme };
}
