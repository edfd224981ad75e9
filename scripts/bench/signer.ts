import {
  type CeremonyView,
  type NodeClient,
  networkIdOf,
  orderOf,
  readClientKey,
  signRequests,
  systemRandomness,
} from '@quorate/node';
import { verifyIndependently } from '../../test/support/verifiers.ts';
import type { Testnet } from '../testnet/testnet.ts';

/** One order, from its sending to the signature; times of `performance.now()`. */
export interface Signed {
  readonly id: string;
  readonly began: number;
  /** The node has taken the order. */
  readonly taken: number;
  readonly answered: number;
}

interface SignedKey {
  readonly name: string;
  readonly scheme: string;
  readonly publicKey: string;
}

/** A client that orders signatures by one key, from each node in turn, and believes none that it did not verify. */
export class Signer {
  readonly #key: SignedKey;
  readonly #network: Uint8Array;
  readonly #clientKey: ReturnType<typeof readClientKey>;
  readonly #clients: readonly NodeClient[];
  #orders = 0;

  private constructor(net: Testnet, key: SignedKey, network: string) {
    this.#key = key;
    this.#network = networkIdOf(network);
    this.#clientKey = readClientKey(net.clientKey);
    this.#clients = net.nodes.map(({ client }) => client);
  }

  static async of(net: Testnet, key: SignedKey): Promise<Signer> {
    return new Signer(net, key, (await net.node('alice').client.status()).network);
  }

  /** One order after the other. */
  async times(count: number): Promise<readonly Signed[]> {
    const all: Signed[] = [];
    for (let i = 0; i < count; i++) all.push(await this.#sign());
    return all;
  }

  /** `concurrency` orders at all times, until the time is over and the last are answered. */
  async during(milliseconds: number, concurrency: number): Promise<readonly Signed[]> {
    const end = performance.now() + milliseconds;
    const all: Signed[] = [];
    const loop = async (): Promise<void> => {
      while (performance.now() < end) all.push(await this.#sign());
    };
    await Promise.all(Array.from({ length: concurrency }, loop));
    return all;
  }

  async #sign(): Promise<Signed> {
    const client = this.#clients[this.#orders++ % this.#clients.length] as NodeClient;
    const value = systemRandomness.bytes(64);
    const order = signRequests.sign(
      {
        network: this.#network,
        key: this.#key.name,
        purpose: 'general',
        intent:
          this.#key.scheme === 'ecdsa'
            ? { type: 'hashed', value: { hash: 'sha256', message: value } }
            : { type: 'message', value },
        path: 'm',
        expires: Date.now() + 60_000,
        idempotencyKey: systemRandomness.bytes(16),
      },
      this.#clientKey,
    );
    const began = performance.now();
    const begun = await client.sign(orderOf(order));
    const taken = performance.now();
    const { id, result, failure } = await finished(client, begun);
    const answered = performance.now();
    if (result?.type !== 'signature') throw new Error(`no signature: ${JSON.stringify(failure)}`);
    const { scheme, publicKey } = this.#key;
    if (!verifyIndependently(scheme, Buffer.from(publicKey, 'hex'), value, Buffer.from(result.signature, 'hex'))) {
      throw new Error(`an independent verifier refuses the signature of ${this.#key.name}`);
    }
    return { id, began, taken, answered };
  }
}

/** The ceremony once it is over. */
export async function finished(client: NodeClient, begun: CeremonyView): Promise<CeremonyView> {
  let ceremony = begun;
  while (ceremony.state !== 'done' && ceremony.state !== 'failed')
    ceremony = await client.ceremony(ceremony.id, 30_000);
  return ceremony;
}
