import type { Testnet } from '../testnet/testnet.ts';
import { processUse } from './machine.ts';
import { median, percentile, rounded, table } from './samples.ts';
import { finished, type Signed, Signer } from './signer.ts';
import { type Stages, watchStages } from './stages.ts';

export type BenchScheme = 'ed25519' | 'taproot' | 'ecdsa';

/** Milliseconds. A keygen ends when its certificate is on the asked node's disk, a signature when its client has it. */
export interface NetworkResult {
  readonly scheme: BenchScheme;
  readonly keygen: {
    /** The first of its scheme on these processes. */
    readonly first: number;
    readonly median: number;
    readonly runs: number;
    /** Processor time of all nodes for one. */
    readonly cpu: number;
    /** The worst node's p99 of event-loop delay meanwhile. */
    readonly loopDelay: number;
  };
  /** ECDSA: as `keygen`, which begins with base transfers made ahead, but without any. */
  readonly unstocked: NetworkResult['keygen'] | undefined;
  /** One client, one order after the other. */
  readonly latency: Latency & {
    /** When each stage was reached, from the order on. */
    readonly stages: Stages;
  };
  /** Closed loop: each of so many clients orders again as soon as it has its signature. */
  readonly throughput: readonly (Latency & {
    readonly concurrency: number;
    readonly perSecond: number;
    readonly loopDelay: number;
  })[];
}

export interface Latency {
  readonly runs: number;
  readonly p50: number;
  readonly p99: number;
  /** Processor time of all nodes for one signature. */
  readonly cpu: number;
}

export interface NetworkLoad {
  readonly keygens: number;
  readonly signatures: number;
  readonly concurrencies: readonly number[];
  /** Of closed loop, for each concurrency. */
  readonly seconds: number;
}

export const threshold = 3;
/** Signatures under watch, apart from the measured ones: watching costs a little. */
const watched = 30;

/** Measures a started testnet as its clients see it: over the admin sockets, a connection for each request. */
export async function benchNetwork(
  net: Testnet,
  scheme: BenchScheme,
  load: NetworkLoad,
  say: (text: string) => void,
): Promise<NetworkResult> {
  say(`${scheme}: ${load.keygens} keygens, ${threshold}-of-${net.nodes.length}`);
  const { key, keygen, unstocked } = await benchKeygens(net, scheme, load.keygens);
  // What the last keygen used up is made anew first.
  await net.untilStocked();

  const signer = await Signer.of(net, { ...key, scheme });
  await signer.times(20);
  say(`${scheme}: ${load.signatures} signatures, one after the other`);
  const beforeSigning = cpuOf(net);
  const sequential = await signer.times(load.signatures);
  const latency = latencyOf(sequential, cpuOf(net) - beforeSigning);
  const stages = await watchStages(
    net.nodes.map(({ client }) => client),
    async () => await signer.times(watched),
  );

  const throughput: NetworkResult['throughput'][number][] = [];
  for (const concurrency of load.concurrencies) {
    say(`${scheme}: ${concurrency} clients for ${load.seconds} s`);
    await loopDelay(net);
    const before = cpuOf(net);
    const began = performance.now();
    const signed = await signer.during(load.seconds * 1000, concurrency);
    const seconds = (performance.now() - began) / 1000;
    throughput.push({
      concurrency,
      perSecond: rounded(signed.length / seconds),
      ...latencyOf(signed, cpuOf(net) - before),
      loopDelay: await loopDelay(net),
    });
  }
  return { scheme, keygen, unstocked, latency: { ...latency, stages }, throughput };
}

/** With `ecdsa`, every other keygen follows at once on one that has used up the stock. */
async function benchKeygens(
  net: Testnet,
  scheme: BenchScheme,
  count: number,
): Promise<Pick<NetworkResult, 'keygen' | 'unstocked'> & { readonly key: Key }> {
  const keygens: Keygen[] = [];
  const unstocked: Keygen[] = [];
  for (let i = 0; i < count; i++) {
    await net.untilStocked();
    keygens.push(await keygenOf(net, `bench-${scheme}-${i}`, scheme));
    if (scheme === 'ecdsa') unstocked.push(await keygenOf(net, `bench-${scheme}-${i}-unstocked`, scheme));
  }
  return {
    key: (keygens.at(-1) as Keygen).key,
    keygen: summary(keygens),
    unstocked: unstocked.length === 0 ? undefined : summary(unstocked),
  };
}

interface Key {
  readonly name: string;
  readonly publicKey: string;
}

interface Keygen {
  readonly key: Key;
  readonly spent: number;
  readonly cpu: number;
  readonly loopDelay: number;
}

async function keygenOf(net: Testnet, name: string, scheme: BenchScheme): Promise<Keygen> {
  await loopDelay(net);
  const cpu = cpuOf(net);
  const began = performance.now();
  const key = await keyOf(net, name, scheme);
  const spent = performance.now() - began;
  return { key, spent, cpu: cpuOf(net) - cpu, loopDelay: await loopDelay(net) };
}

function summary(keygens: readonly Keygen[]): NetworkResult['keygen'] {
  return {
    first: rounded(keygens[0]?.spent ?? 0),
    median: median(keygens.map(({ spent }) => spent)),
    runs: keygens.length,
    cpu: median(keygens.map(({ cpu }) => cpu)),
    loopDelay: Math.max(...keygens.map(({ loopDelay }) => loopDelay)),
  };
}

export function networkTable(results: readonly NetworkResult[]): string {
  const keygenRow = (name: string, { runs, median, cpu, loopDelay, first }: NetworkResult['keygen']) => [
    name,
    runs,
    '',
    median,
    '',
    cpu,
    loopDelay,
    `the first ${first}`,
  ];
  const rows = results.flatMap(({ scheme, keygen, unstocked, latency, throughput }) => [
    keygenRow(`keygen ${scheme}`, keygen),
    ...(unstocked === undefined ? [] : [keygenRow(`keygen ${scheme}, no stock`, unstocked)]),
    [`sign ${scheme}, 1 client`, latency.runs, '', latency.p50, latency.p99, latency.cpu, '', ''],
    ...throughput.map(({ concurrency, runs, perSecond, p50, p99, cpu, loopDelay }) => [
      `sign ${scheme}, ${concurrency} clients`,
      runs,
      perSecond,
      p50,
      p99,
      cpu,
      loopDelay,
      '',
    ]),
  ]);
  const stages = results.map(
    ({ scheme, latency }) =>
      `stages of a signature (${scheme}, ms from the order on): ` +
      Object.entries(latency.stages)
        .map(([name, at]) => `${name} ${at}`)
        .join(', '),
  );
  const head = ['', 'runs', 'per s', 'p50 ms', 'p99 ms', 'cpu ms', 'loop delay p99 ms', ''];
  return [table(head, rows), ...stages].join('\n');
}

export async function keyOf(
  net: Testnet,
  name: string,
  scheme: BenchScheme,
  of: number = threshold,
): Promise<{ readonly name: string; readonly publicKey: string }> {
  const { client } = net.node('alice');
  const { result, failure } = await finished(client, await client.keygen({ name, scheme, threshold: of }));
  if (result?.type !== 'key') throw new Error(`no key came of it: ${JSON.stringify(failure)}`);
  return { name, publicKey: result.publicKey };
}

export function latencyOf(signed: readonly Signed[], cpu: number): Latency {
  const latencies = signed.map(({ began, answered }) => answered - began);
  return {
    runs: signed.length,
    p50: median(latencies),
    p99: percentile(latencies, 99),
    cpu: rounded(cpu / signed.length),
  };
}

/** Processor time of all nodes so far, milliseconds. */
export function cpuOf({ nodes }: Testnet): number {
  return nodes.reduce((sum, { process }) => sum + processUse(process?.pid ?? 0).cpu, 0);
}

/** The worst node's p99 since this was last asked. */
async function loopDelay({ nodes }: Testnet): Promise<number> {
  const all = await Promise.all(nodes.map(async ({ client }) => (await client.status()).eventLoop.p99));
  return rounded(Math.max(...all));
}
