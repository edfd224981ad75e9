import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CeremonyView,
  type KeyView,
  type NodeClient,
  networkIdOf,
  orderOf,
  readClientKey,
  signRequests,
  systemRandomness,
} from '@quorate/node';
import { ascii, type NodeKey, type Scheme, toHex } from '@quorate/protocol';
import { rendezvous } from '../../packages/node/src/coordination/election.ts';
import { publicKeyOf } from '../../packages/node/src/network/identity.ts';
import { requestId } from '../../packages/node/src/policy/sign-request.ts';
import { Testnet, type TestnetNode, until } from '../../scripts/testnet/testnet.ts';
import { verifyIndependently } from '../support/verifiers.ts';

export const network: Uint8Array = networkIdOf('testnet');

export type SignOrder = Parameters<NodeClient['sign']>[0];
export type PeerView = Awaited<ReturnType<NodeClient['peers']>>[number];

export interface OrderOptions {
  readonly message?: Uint8Array;
  readonly purpose?: string;
  readonly expires?: number;
  readonly idempotencyKey?: Uint8Array;
  readonly client?: NodeKey;
}

/** Who would coordinate a request and who would sign it, first choice first, by name. */
export interface Election {
  readonly coordinators: readonly string[];
  readonly signers: readonly string[];
}

/** A testnet of real processes, and what tests do with it. */
export class Scene implements AsyncDisposable {
  readonly net: Testnet;
  readonly client: NodeKey;

  private constructor(net: Testnet) {
    this.net = net;
    this.client = readClientKey(net.clientKey);
  }

  /**
   * Makes the folders, lets `prepare` change them, starts all nodes.
   * @param config more lines for each `node.yaml`
   * @param stock as in `node.yaml`; most scenes have no use for base transfers, nor for presignatures, and wait for the processor as it is
   */
  static async open(
    nodes: number,
    {
      config = '',
      stock = 0,
      prepare,
    }: { config?: string; stock?: number; prepare?: (net: Testnet) => Promise<void> } = {},
  ): Promise<Scene> {
    const folder = await mkdtemp(join(tmpdir(), 'quorate-'));
    const net = await Testnet.create({ folder, nodes, config: `stock: ${stock}\npresignatures: 0\n${config}` });
    const scene = new Scene(net);
    try {
      await prepare?.(net);
      await net.start();
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
    return scene;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process: child } of this.net.nodes) child?.kill('SIGCONT');
    await this.net.stop();
    await rm(this.net.folder, { recursive: true, force: true });
  }

  node(name: string): TestnetNode {
    return this.net.node(name);
  }

  /** Kills what is left of a node, starts it again, and waits until it sees `peers` others. */
  async restart(name: string, peers: number): Promise<void> {
    const node = this.node(name);
    await this.net.signal(node, 'SIGKILL');
    await this.net.startNode(node);
    await this.net.untilConnected(node, peers);
  }

  /** What a node wrote to its log so far. */
  async log(name: string): Promise<string> {
    return readFile(join(this.net.folder, `${name}.log`), 'utf8');
  }

  async peer(of: string, name: string): Promise<PeerView> {
    const peers = await this.node(of).client.peers();
    const peer = peers.find((one) => one.name === name);
    if (peer === undefined) throw new Error(`${of} knows no peer ${name}`);
    return peer;
  }

  /** Nobody who runs as a process holds evidence against anybody, save against `but`. */
  async expectNoBlame(but?: string): Promise<void> {
    for (const { name, client, process: child } of this.net.nodes) {
      if (child === undefined) continue;
      const blamed = (await client.peers()).filter((peer) => peer.blames > 0 && peer.name !== but);
      if (blamed.length > 0) throw new Error(`${name} blames ${blamed.map((peer) => peer.name).join(', ')}`);
    }
  }

  /** Proposes a key at the first node and waits until it is in use everywhere. */
  async makeKey(name: string, scheme: Scheme, threshold: number, purpose = 'general'): Promise<KeyView> {
    const [first] = this.net.nodes;
    if (first === undefined) throw new Error('a testnet has nodes');
    const made = await finish(first.client, await first.client.keygen({ name, scheme, threshold, purpose }));
    if (made.state !== 'done') throw new Error(`no key came of it: ${JSON.stringify(made.failure)}`);
    await this.untilActive(
      name,
      this.net.nodes.map((node) => node.name),
    );
    return await first.client.key(name);
  }

  async untilActive(key: string, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const { client } = this.node(name);
      await until(`${key} to be active at ${name}`, 60, async () => {
        const found = (await client.keys()).find((one) => one.name === key);
        return found?.state === 'active';
      });
    }
  }

  /** A client's order, as the API takes it: to sign a message, hashed with SHA-256 where the scheme needs a hash. */
  order(
    key: Pick<KeyView, 'name' | 'purpose'> & Partial<Pick<KeyView, 'scheme'>>,
    options: OrderOptions = {},
  ): SignOrder {
    const { message = ascii('pay the invoice'), idempotencyKey = systemRandomness.bytes(16) } = options;
    return orderOf(
      signRequests.sign(
        {
          network,
          key: key.name,
          purpose: options.purpose ?? key.purpose,
          intent:
            key.scheme === 'ecdsa'
              ? { type: 'hashed', value: { hash: 'sha256', message } }
              : { type: 'message', value: message },
          path: 'm',
          expires: options.expires ?? Date.now() + 120_000,
          idempotencyKey,
        },
        options.client ?? this.client,
      ),
    );
  }

  /** Orders a signature at `by`, waits for the end, and checks it with a library that did not make it. */
  async sign(by: string, key: KeyView, options: OrderOptions = {}): Promise<CeremonyView> {
    const { client } = this.node(by);
    return signed(await finish(client, await client.sign(this.order(key, options))), key, options.message);
  }

  /** An idempotency key whose request the members would coordinate and sign in an order that is `wanted`. */
  idempotencyKey(key: KeyView, wanted: (election: Election) => boolean): Uint8Array {
    const names = new Map(key.parties.map(({ name, peerId }) => [toHex(publicKeyOf(peerId)), name]));
    const nodes = key.parties.map(({ peerId }) => publicKeyOf(peerId));
    for (;;) {
      const idempotencyKey = systemRandomness.bytes(16);
      const id = requestId({ network, client: this.client.publicKey, idempotencyKey });
      const named = (role: 'coordinator' | 'signer'): string[] =>
        rendezvous(role, id, key.epoch, nodes).map((node) => names.get(toHex(node)) ?? '');
      if (wanted({ coordinators: named('coordinator'), signers: named('signer') })) return idempotencyKey;
    }
  }
}

/** Checks that a ceremony ended with a signature that an independent verifier accepts; returns it. */
export function signed(
  ceremony: CeremonyView,
  key: KeyView,
  message: Uint8Array = ascii('pay the invoice'),
): CeremonyView {
  const { result } = ceremony;
  if (result?.type !== 'signature') throw new Error(`no signature: ${JSON.stringify(ceremony.failure ?? ceremony)}`);
  const publicKey = Buffer.from(key.publicKey, 'hex');
  if (!verifyIndependently(key.scheme, publicKey, message, Buffer.from(result.signature, 'hex'))) {
    throw new Error(`an independent verifier refuses ${result.signature}`);
  }
  return ceremony;
}

/** Waits for the end of a ceremony. */
export async function finish(client: NodeClient, begun: CeremonyView): Promise<CeremonyView> {
  let ceremony = begun;
  while (ceremony.state !== 'done' && ceremony.state !== 'failed')
    ceremony = await client.ceremony(ceremony.id, 30_000);
  return ceremony;
}

/** Waits until a ceremony at one node is as `wanted`. */
export async function untilCeremony(
  what: string,
  client: NodeClient,
  id: string,
  wanted: (ceremony: CeremonyView) => boolean,
): Promise<void> {
  await until(what, 60, async () => {
    const ceremony = (await client.ceremonies()).find((one) => one.id === id);
    return ceremony !== undefined && wanted(ceremony);
  });
}

const bin = join(import.meta.dirname, '../../packages/node/bin/quorate.mjs');

export interface Said {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command as an operator or a client does. */
export async function quorate(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const command = ['--conditions=@quorate/source', bin, ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ exit: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}
