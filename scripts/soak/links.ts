import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestnetNode } from '../testnet/testnet.ts';

/**
 * What happens to bytes on their way from one member to another. `hold`: they wait, as on a cable that was pulled, and nobody is
 * told. `refuse`: connections break and none comes about. `slow`: every piece takes a quarter of a second.
 */
export type Traffic = 'flow' | 'hold' | 'refuse' | 'slow';

const slowness = 250;

/** One way between two members. */
class Way {
  readonly sockets = new Set<Socket>();
  #traffic: Traffic = 'flow';
  #change = Promise.withResolvers<void>();

  get traffic(): Traffic {
    return this.#traffic;
  }

  set(traffic: Traffic): void {
    this.#traffic = traffic;
    if (traffic === 'refuse') for (const socket of this.sockets) socket.destroy();
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  /** Resolves when the next piece may go on. */
  async pass(): Promise<void> {
    if (this.#traffic === 'slow') await pause(slowness);
    while (this.#traffic === 'hold') await this.#change.promise;
  }
}

/**
 * A TCP proxy on every way from member to member, so that each can be cut by itself. Nodes reach each other through it once their
 * rosters say so ({@link roster}).
 */
export class Links implements AsyncDisposable {
  readonly #ways = new Map<string, Way>();
  readonly #ports = new Map<string, number>();
  readonly #servers: Server[] = [];
  readonly #nodes: readonly TestnetNode[];

  private constructor(nodes: readonly TestnetNode[]) {
    this.#nodes = nodes;
  }

  static async open(nodes: readonly TestnetNode[]): Promise<Links> {
    const links = new Links(nodes);
    const pairs = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => [from, to] as const));
    for (const [from, to] of pairs) links.#ways.set(wayName(from.name, to.name), new Way());
    for (const [from, to] of pairs) {
      const server = createServer((incoming) => links.#join(incoming, from, to));
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      links.#servers.push(server);
      links.#ports.set(wayName(from.name, to.name), (server.address() as { readonly port: number }).port);
    }
    return links;
  }

  /** A roster in which every other member is reached through the proxy. */
  roster(text: string, self: TestnetNode): string {
    return this.#nodes
      .filter((node) => node !== self)
      .reduce((all, { name, port }) => {
        const through = this.#ports.get(wayName(self.name, name)) as number;
        return all.replaceAll(`/tcp/${port}"`, `/tcp/${through}"`);
      }, text);
  }

  set(from: string, to: string, traffic: Traffic): void {
    this.#way(from, to).set(traffic);
  }

  /** Whether bytes go both ways, if slowly. */
  isOpen(one: string, other: string): boolean {
    const ways = [this.#way(one, other), this.#way(other, one)];
    return ways.every(({ traffic }) => traffic === 'flow' || traffic === 'slow');
  }

  heal(): void {
    for (const way of this.#ways.values()) way.set('flow');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const way of this.#ways.values()) way.set('refuse');
    await Promise.all(this.#servers.map(async (server) => new Promise((resolve) => void server.close(resolve))));
  }

  #way(from: string, to: string): Way {
    const way = this.#ways.get(wayName(from, to));
    if (way === undefined) throw new Error(`there is no way from ${from} to ${to}`);
    return way;
  }

  /** Whichever side dialled, what it says goes the way of its own direction. */
  #join(incoming: Socket, from: TestnetNode, to: TestnetNode): void {
    const [there, back] = [this.#way(from.name, to.name), this.#way(to.name, from.name)];
    if (there.traffic === 'refuse' || back.traffic === 'refuse') {
      incoming.destroy();
      return;
    }
    const outgoing = dial(to.port, '127.0.0.1');
    for (const socket of [incoming, outgoing]) {
      for (const way of [there, back]) way.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        for (const way of [there, back]) way.sockets.delete(socket);
        incoming.destroy();
        outgoing.destroy();
      });
    }
    void pump(incoming, outgoing, there);
    void pump(outgoing, incoming, back);
  }
}

async function pump(source: Socket, sink: Socket, way: Way): Promise<void> {
  try {
    for await (const piece of source) {
      await way.pass();
      if (!sink.write(piece as Buffer)) await once(sink, 'drain');
    }
    sink.end();
  } catch {
    // Either end broke: both are destroyed.
  }
}

function wayName(from: string, to: string): string {
  return `${from} ${to}`;
}
