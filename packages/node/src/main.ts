import { url as inspectorUrl } from 'node:inspector';
import { availableParallelism } from 'node:os';
import { inlineJob } from './ceremonies/inline.ts';
import { workerHosts } from './ceremonies/worker/host.ts';
import { systemClock } from './clock.ts';
import { loadConfig, type Overrides } from './config/config.ts';
import { loadRoster, watchRoster } from './config/roster.ts';
import { systemRandomness } from './entropy.ts';
import { NodeError } from './errors.ts';
import { openHome } from './home.ts';
import { startServer } from './http/server.ts';
import { limits } from './limits.ts';
import { identityOf } from './network/identity.ts';
import { openMesh } from './network/mesh.ts';
import { keepPresence } from './network/presence.ts';
import { QuorateNode } from './node.ts';
import { createLog } from './observe/log.ts';
import { exposures, memoryUse, onSignals, watchLoop } from './process.ts';
import { nativeTools } from './tools.ts';
import { version } from './version.ts';

export interface RunOptions {
  /** The path of `node.yaml`. */
  readonly config: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: Overrides;
}

/**
 * Runs the daemon until a signal asks it to stop: the one place that constructs everything, and takes it apart again.
 * @throws {NodeError} `exposed`, `listen-failed` @throws {ConfigError} @throws {UnlockError} @throws {IntegrityError}
 */
export async function runNode({ config: path, env, flags }: RunOptions): Promise<void> {
  const exposed = exposures(env, process.execArgv, inspectorUrl());
  if (exposed.length > 0) throw new NodeError('exposed', `${exposed.join('; ')}. Start the node without it.`);

  const config = loadConfig(path, env, flags);
  let roster = loadRoster(config.roster);
  const log = createLog(config.log.level);
  const clock = systemClock;
  const randomness = systemRandomness;
  const stopped = Promise.withResolvers<{ readonly reason: string; readonly error?: unknown }>();
  onSignals((reason) => stopped.resolve({ reason }));

  await using stack = new AsyncDisposableStack();
  const home = stack.adopt(await openHome(config, randomness), async (one) => one.close());
  const tools = nativeTools();
  const network = stack.adopt(
    await openMesh({
      seed: home.seed,
      roster,
      networkId: config.networkId,
      listen: config.listen,
      version,
      get bootEpoch() {
        return home.bootEpoch;
      },
      clock,
      randomness,
      log,
      budgets: { bytesPerSecond: config.limits.peerBytesPerSecond, framesPerSecond: config.limits.peerFramesPerSecond },
    }),
    async (one) => one.close(),
  );
  // The main thread wants a core, too.
  const signing = Math.min(Math.max(availableParallelism() - 1, 1), limits.signingThreads);
  const workers = stack.adopt(workerHosts(signing, clock), async (one) => one.close());
  const loop = watchLoop();
  const node = stack.adopt(
    await QuorateNode.open({
      config,
      roster: () => roster,
      home,
      network,
      clock,
      log,
      randomness,
      key: identityOf(home.seed),
      tools,
      version,
      addresses: () => network.addresses,
      // A step of FROST, and one with a presignature, takes a millisecond: less than the way to another thread is worth.
      host: (job, input) =>
        job === 'sign' || job === 'prove-life' || job === 'sign-presigned'
          ? inlineJob(job, input, { ...tools, randomness })
          : workers.host(job, input),
      loopDelay: () => loop.read(),
      memory: memoryUse,
      fatal: (error) => stopped.resolve({ reason: 'a failure that must not be survived', error }),
    }),
    (one) => one.close(),
  );
  stack.defer(
    watchRoster(config.roster, clock, (change) => {
      if ('error' in change) {
        log.error('the roster file cannot be used; the old roster stays', { error: change.error });
        return;
      }
      roster = change.roster;
      network.useRoster(roster);
      log.info('roster reloaded', { members: roster.members.length });
    }),
  );
  const { stop } = keepPresence(network, clock, { version, bootEpoch: home.bootEpoch });
  stack.defer(stop);
  stack.adopt(await startServer(node, { socket: config.admin, logger: log }), async (one) => one.close());

  log.info('started', { name: config.name, peer: network.self, listen: network.addresses, version });
  const { reason, error } = await stopped.promise;
  if (error !== undefined) {
    log.fatal('stopping', { reason, error });
    throw error instanceof Error ? error : new Error(reason);
  }
  log.info('stopping', { reason });
}
