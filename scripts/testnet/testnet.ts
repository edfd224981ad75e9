import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectNode, type NodeClient } from '@quorate/node';

/** One node of a testnet: a process of its own, with a data folder of its own. */
export interface TestnetNode {
  readonly name: string;
  readonly data: string;
  readonly port: number;
  readonly client: NodeClient;
  process: ChildProcess | undefined;
}

export interface TestnetOptions {
  readonly folder: string;
  readonly nodes: number;
  /** More lines for each node's `node.yaml`. */
  readonly config?: string;
  /** Told about each step. */
  readonly say?: (text: string) => void;
}

export const bin = fileURLToPath(new URL('../../packages/node/bin/quorate.mjs', import.meta.url));
const run = promisify(execFile);
/** Sources in tests, the build otherwise: as this process, so its children. */
export const nodeArgs = process.execArgv.filter((argument) => argument === '--conditions=@quorate/source');
const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy'];

/**
 * A network of real node processes on loopback, made the way an operator makes one: `quorate init` for each, one roster,
 * one client key, `quorate start`. For demonstrations and tests: all shares end up on one machine.
 */
export class Testnet {
  readonly folder: string;
  readonly nodes: readonly TestnetNode[];
  readonly clientKey: string;

  private constructor(folder: string, nodes: readonly TestnetNode[]) {
    this.folder = folder;
    this.nodes = nodes;
    this.clientKey = join(folder, 'client.pem');
  }

  /** Makes the folders; starts nothing. */
  static async create({ folder, nodes: count, config = '', say = () => undefined }: TestnetOptions): Promise<Testnet> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const ports = await freePorts(count);
    const nodes = ports.map((port, i) => {
      const name = names[i] ?? `node-${i + 1}`;
      const data = join(folder, name);
      return { name, data, port, client: connectNode(join(data, 'admin.sock')), process: undefined };
    });
    const net = new Testnet(folder, nodes);
    say(`quorate init: ${count} nodes, each with its own identity, key file and folder`);
    const { configLines } = await quorate<{ configLines: string }>(['client', 'new', '--out', net.clientKey]);
    const lines = await inPairs(nodes, async ({ name, data, port }) => {
      const listen = `/ip4/127.0.0.1/tcp/${port}`;
      const made = await quorate<{ rosterLine: string }>(['init', '--data', data, '--name', name, '--listen', listen]);
      return made.rosterLine;
    });
    const roster = `members:\n${lines.map((line) => `${line.trimEnd()}\n`).join('')}`;
    for (const { data } of nodes) {
      await writeFile(join(data, 'roster.yaml'), roster);
      const file = join(data, 'node.yaml');
      const written = await readFile(file, 'utf8');
      const text = written
        .replace('clients: []', configLines.replace('[sign]', '[sign, sign-raw]'))
        .replace('accept: {default: ask}', 'accept: {default: auto}');
      await writeFile(file, `${text}${config}`);
    }
    return net;
  }

  node(name: string): TestnetNode {
    const node = this.nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`the testnet has no node ${name}`);
    return node;
  }

  /** Starts all nodes and waits until each is connected to all others. */
  async start(): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => this.startNode(node)));
    await Promise.all(this.nodes.map(async (node) => this.untilConnected(node, this.nodes.length - 1)));
  }

  /** Starts one node; its log goes to `<folder>/<name>.log`. */
  async startNode(node: TestnetNode, env: Readonly<Record<string, string>> = {}): Promise<ChildProcess> {
    const log = await open(join(this.folder, `${node.name}.log`), 'a', 0o600);
    const child = spawn(process.execPath, [...nodeArgs, bin, 'start', '--data', node.data], {
      stdio: ['ignore', log.fd, log.fd],
      env: { ...process.env, ...env },
    });
    await log.close();
    node.process = child;
    return child;
  }

  /** Waits until `node` reports at least `peers` connected peers. @throws {Error} when it ends before, or takes too long */
  async untilConnected(node: TestnetNode, peers: number, seconds = 60): Promise<void> {
    await until(`${node.name} to be connected to ${peers} peers`, seconds, async () => {
      if (node.process !== undefined && hasEnded(node.process)) {
        const log = await readFile(join(this.folder, `${node.name}.log`), 'utf8');
        throw new Error(`${node.name} ended:\n${log.slice(-2000)}`);
      }
      const status = await node.client.status().catch(() => undefined);
      return status !== undefined && status.peers.connected >= peers;
    });
  }

  /** Waits until every node has made base transfers ahead with all others. @throws {Error} when it takes too long */
  async untilStocked(seconds = 120): Promise<void> {
    await until('base transfers of all pairs', seconds, async () => {
      const all = await Promise.all(this.nodes.map(async ({ client }) => (await client.status()).stock));
      return all.every(({ pairs, ready }) => ready === pairs);
    });
  }

  /** Sends a signal and waits for the end, unless the signal only stops or continues. */
  async signal(node: TestnetNode, signal: NodeJS.Signals): Promise<void> {
    const { process: child } = node;
    if (child === undefined || hasEnded(child)) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return;
    await ended;
    node.process = undefined;
  }

  /** Stops every node: asks first, then kills. */
  async stop(): Promise<void> {
    await Promise.all(
      this.nodes.map(async (node) => {
        const kill = setTimeout(() => node.process?.kill('SIGKILL'), 10_000);
        await this.signal(node, 'SIGTERM');
        clearTimeout(kill);
      }),
    );
  }
}

/** Runs a `quorate` command and returns its JSON. @throws {Error} with what it said, when it fails */
async function quorate<T>(args: readonly string[]): Promise<T> {
  const { stdout } = await run(process.execPath, [...nodeArgs, bin, ...args, '--json']);
  return JSON.parse(stdout) as T;
}

/** Asks `holds` again and again until it says yes. @throws {Error} naming `what` when the time is up */
export async function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Ports that are free now; all are held until the last is known, so that none comes twice. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port);
  await Promise.all(servers.map(async (server) => new Promise((resolve) => void server.close(resolve))));
  return ports;
}

/** Two at a time: each is a process, and more would only wait for each other. */
async function inPairs<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<readonly U[]> {
  const results: U[] = [];
  for (let i = 0; i < items.length; i += 2) results.push(...(await Promise.all(items.slice(i, i + 2).map(work))));
  return results;
}
