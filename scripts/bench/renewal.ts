import { setTimeout as pause } from 'node:timers/promises';
import type { Testnet } from '../testnet/testnet.ts';
import { type BenchScheme, cpuOf, keyOf } from './network.ts';
import { median, rounded, table } from './samples.ts';
import { finished, type Signed, Signer } from './signer.ts';

const schemes = ['ed25519', 'taproot', 'ecdsa'] as const;
/** A key is refreshed no sooner after it was made (`limits.refreshPause` of the node), and some. */
const refreshPause = 6_000;

/** New shares of a key beside making one, with nothing made ahead: milliseconds until the asked node uses them, and processor time of all. */
export interface RefreshResult {
  readonly scheme: BenchScheme;
  readonly parties: number;
  readonly threshold: number;
  readonly runs: number;
  readonly keygen: number;
  readonly keygenCpu: number;
  readonly refresh: number;
  readonly refreshCpu: number;
}

/** Makes so many keys of each scheme, and renews each once. */
export async function benchRefresh(
  net: Testnet,
  threshold: number,
  runs: number,
  say: (text: string) => void,
): Promise<readonly RefreshResult[]> {
  const results: RefreshResult[] = [];
  for (const scheme of schemes) {
    say(`renewal: ${runs} of ${scheme}, ${threshold}-of-${net.nodes.length}`);
    const names = Array.from({ length: runs }, (_, i) => `bench-${scheme}-${i}`);
    const keygens: Spent[] = [];
    for (const name of names) keygens.push(await spentOn(net, async () => await keyOf(net, name, scheme, threshold)));
    await pause(refreshPause);
    const refreshes: Spent[] = [];
    for (const name of names) refreshes.push(await spentOn(net, async () => await refreshOf(net, name)));
    results.push({
      scheme,
      parties: net.nodes.length,
      threshold,
      runs,
      keygen: median(keygens.map(({ milliseconds }) => milliseconds)),
      keygenCpu: median(keygens.map(({ cpu }) => cpu)),
      refresh: median(refreshes.map(({ milliseconds }) => milliseconds)),
      refreshCpu: median(refreshes.map(({ cpu }) => cpu)),
    });
  }
  return results;
}

/** Signatures one after the other, at constant load: milliseconds between one and the next, without and with a refresh. */
export interface LoadedRefreshResult {
  readonly scheme: BenchScheme;
  readonly clients: number;
  readonly signatures: number;
  readonly refresh: number;
  readonly gap: number;
  readonly longestGapBefore: number;
  readonly longestGapMeanwhile: number;
}

/** Refreshes a key of each scheme while clients order signatures by it. @throws {Error} if an order fails */
export async function benchLoadedRefresh(
  net: Testnet,
  clients: number,
  say: (text: string) => void,
): Promise<readonly LoadedRefreshResult[]> {
  const results: LoadedRefreshResult[] = [];
  for (const scheme of schemes) {
    say(`renewal: ${scheme} under the load of ${clients} clients`);
    const name = `loaded-${scheme}`;
    const signer = await Signer.of(net, { ...(await keyOf(net, name, scheme)), scheme });
    let loaded = true;
    const load = Array.from({ length: clients }, async (): Promise<readonly Signed[]> => {
      const all: Signed[] = [];
      while (loaded) all.push(...(await signer.times(1)));
      return all;
    });
    const began = performance.now();
    // A failed order is thrown below.
    const settled = Promise.allSettled(load);
    await pause(2 * refreshPause);
    const from = performance.now();
    await refreshOf(net, name);
    const to = performance.now();
    await pause(1_000);
    loaded = false;
    await settled;
    const answers = (await Promise.all(load)).flat().map(({ answered }) => answered);
    const gapsIn = (first: number, last: number): number[] => {
      const within = answers.filter((at) => at >= first && at <= last).sort((a, b) => a - b);
      return within.slice(1).map((at, i) => at - (within[i] as number));
    };
    // The first signatures of a process are slower: code that has not run yet.
    const before = gapsIn(began + refreshPause, from);
    results.push({
      scheme,
      clients,
      signatures: answers.length,
      refresh: rounded(to - from),
      gap: median(before),
      longestGapBefore: rounded(Math.max(...before)),
      longestGapMeanwhile: rounded(Math.max(...gapsIn(from, to + 1_000))),
    });
  }
  return results;
}

export function refreshTable(results: readonly RefreshResult[]): string {
  return table(
    ['', 'runs', 'keygen ms', 'cpu', 'refresh ms', 'cpu', 'of a keygen, ms', 'cpu'],
    results.map(({ scheme, parties, threshold, runs, keygen, keygenCpu, refresh, refreshCpu }) => [
      `${scheme}, ${threshold}-of-${parties}`,
      runs,
      keygen,
      keygenCpu,
      refresh,
      refreshCpu,
      rounded(refresh / keygen),
      rounded(refreshCpu / keygenCpu),
    ]),
  );
}

export function loadedRefreshTable(results: readonly LoadedRefreshResult[]): string {
  return table(
    ['under load', 'clients', 'signatures', 'refresh ms', 'gap ms', 'longest before', 'longest in the refresh'],
    results.map(({ scheme, clients, signatures, refresh, gap, longestGapBefore, longestGapMeanwhile }) => [
      scheme,
      clients,
      signatures,
      refresh,
      gap,
      longestGapBefore,
      longestGapMeanwhile,
    ]),
  );
}

interface Spent {
  readonly milliseconds: number;
  readonly cpu: number;
}

async function spentOn(net: Testnet, work: () => Promise<unknown>): Promise<Spent> {
  const cpu = cpuOf(net);
  const began = performance.now();
  await work();
  return { milliseconds: performance.now() - began, cpu: cpuOf(net) - cpu };
}

async function refreshOf(net: Testnet, name: string): Promise<void> {
  const { client } = net.node('alice');
  const { failure, result } = await finished(client, await client.refresh(name));
  if (result?.type !== 'key') throw new Error(`no refresh came of it: ${JSON.stringify(failure)}`);
}
