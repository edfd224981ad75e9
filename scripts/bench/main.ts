import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Testnet } from '../testnet/testnet.ts';
import { benchEcdsa, ecdsaTable } from './ecdsa.ts';
import { benchIdle, idleTable } from './idle.ts';
import { benchKeys, type KeysResult, keysTable } from './keys.ts';
import { describeMachine } from './machine.ts';
import { benchNetwork, type NetworkResult, networkTable } from './network.ts';
import { benchPresigned, presignedTable } from './presigned.ts';
import { benchProtocol, protocolTable } from './protocol.ts';
import { benchLoadedRefresh, benchRefresh, loadedRefreshTable, type RefreshResult, refreshTable } from './renewal.ts';
import { benchWrites, writesTable } from './writes.ts';

/*
 * npm run bench [-- --only protocol|ecdsa|network|presigned|renewal|writes|keys|idle] [--quick] [--json]
 *
 * protocol: DKG, renewal and signing, all parties in this process. ecdsa: threshold ECDSA in the same way, by what computes.
 * network: five node processes on loopback, as a client sees them. presigned: ECDSA with and without presignatures. renewal: new
 * shares beside new keys, and under load. writes: to the disk, by ceremony. keys: one of three nodes that hold many keys. idle: what five use when nobody asks for anything. With --json the last line is one JSON
 * object.
 */
const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const parts = ['protocol', 'ecdsa', 'network', 'presigned', 'renewal', 'writes', 'keys', 'idle'] as const;
const nodes = 5;

const full = {
  protocolMilliseconds: 2_000,
  network: { keygens: 7, signatures: 100, concurrencies: [8, 16], seconds: 10 },
  presigned: 60,
  renewal: {
    runs: 3,
    sizes: [
      { parties: 3, threshold: 2 },
      { parties: 5, threshold: 3 },
      { parties: 7, threshold: 4 },
    ],
  },
  keys: { ecdsa: [0, 10, 100], ed25519: [1, 100, 1000] },
  idleSeconds: 60,
};
const quick: typeof full = {
  protocolMilliseconds: 200,
  network: { keygens: 3, signatures: 30, concurrencies: [8], seconds: 3 },
  presigned: 18,
  renewal: { runs: 1, sizes: [{ parties: 3, threshold: 2 }] },
  keys: { ecdsa: [0, 3], ed25519: [1, 10] },
  idleSeconds: 15,
};

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** For people: on stdout, unless stdout is for a program. */
function show(text: string): void {
  (options.json ? process.stderr : process.stdout).write(`\n${text}\n`);
}

async function main(): Promise<void> {
  const chosen = parts.filter((part) => options.only === undefined || part === options.only);
  if (chosen.length === 0) throw new Error(`--only ${options.only}: give one of ${parts.join(', ')}`);
  const size = options.quick ? quick : full;
  const machine = describeMachine();
  const { cpu, cores, memoryGiB, system, node, load } = machine;
  show(`${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node.js ${node}, load ${load}`);

  const protocol = chosen.includes('protocol') ? benchProtocol(size.protocolMilliseconds, say) : undefined;
  if (protocol !== undefined) show(protocolTable(protocol));
  const ecdsa = chosen.includes('ecdsa') ? benchEcdsa(size.protocolMilliseconds, say) : undefined;
  if (ecdsa !== undefined) show(ecdsaTable(ecdsa));
  const idle = chosen.includes('idle')
    ? await withTestnet(async (net) => await benchIdle(net, size.idleSeconds))
    : undefined;
  if (idle !== undefined) show(idleTable(idle));
  const network = chosen.includes('network')
    ? await withTestnet(
        async (net): Promise<readonly NetworkResult[]> => [
          await benchNetwork(net, 'ed25519', size.network, say),
          await benchNetwork(net, 'taproot', size.network, say),
          await benchNetwork(net, 'ecdsa', size.network, say),
        ],
        // One thing at a time: nothing is made ahead while the other schemes sign.
        'presignatures: 0\n',
      )
    : undefined;
  if (network !== undefined) show(networkTable(network));
  const presigned = chosen.includes('presigned')
    ? await withTestnet(async (net) => await benchPresigned(net, size.presigned, say))
    : undefined;
  if (presigned !== undefined) show(presignedTable(presigned));
  const plain = 'stock: 0\npresignatures: 0\n';
  const refresh: RefreshResult[] = [];
  if (chosen.includes('renewal')) {
    for (const { parties, threshold } of size.renewal.sizes) {
      const bench = async (net: Testnet): Promise<readonly RefreshResult[]> =>
        await benchRefresh(net, threshold, size.renewal.runs, say);
      refresh.push(...(await withTestnet(bench, plain, parties)));
    }
    show(refreshTable(refresh));
  }
  const loadedRefresh = chosen.includes('renewal')
    ? await withTestnet(async (net) => await benchLoadedRefresh(net, 4, say), plain)
    : undefined;
  if (loadedRefresh !== undefined) show(loadedRefreshTable(loadedRefresh));
  const writes = chosen.includes('writes') ? await benchWrites(say) : undefined;
  if (writes !== undefined) show(writesTable(writes));
  // Memory and start are of a node that makes nothing ahead.
  const keys: KeysResult[] = [];
  if (chosen.includes('keys')) {
    for (const scheme of ['ecdsa', 'ed25519'] as const) {
      const bench = async (net: Testnet): Promise<readonly KeysResult[]> =>
        await benchKeys(net, scheme, size.keys[scheme], say);
      keys.push(...(await withTestnet(bench, plain, 3)));
    }
    show(keysTable(keys));
  }
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ machine, quick: options.quick, protocol, ecdsa, network, presigned, refresh, loadedRefresh, writes, keys, idle })}\n`,
    );
  }
}

async function withTestnet<T>(measure: (net: Testnet) => Promise<T>, config = '', count: number = nodes): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-bench-'));
  const net = await Testnet.create({ folder, nodes: count, config, say });
  try {
    say(`starting ${count} node processes on loopback`);
    await net.start();
    await net.untilStocked();
    return await measure(net);
  } finally {
    await net.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
