// node scripts/bootstrap.mjs <task> [arguments]
//
// Makes a fresh clone ready and runs a task in it: the right Node.js (fetched when this one is too old), the locked
// dependencies, the build. Everything it says goes to stderr; stdout is the task's.
import { spawn, spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { install } from './toolchain/install.mjs';
import { withLock } from './toolchain/lock.mjs';
import { BootstrapError, fetchNode, isSupported, pinned } from './toolchain/node.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const toolchain = join(root, '.toolchain');

/** Tests and simulations run the sources, everything else the build. @type {Record<string, string[]>} */
const commands = {
  test: ['node_modules/.bin/vitest', 'run'],
  'test:long': ['node_modules/.bin/vitest', 'run', '--mode', 'long'],
  demo: ['scripts/demo.ts'],
  devnet: ['scripts/devnet.ts'],
  soak: ['scripts/soak/main.ts'],
  bench: ['scripts/bench/main.ts'],
  mutants: ['scripts/mutants/main.ts'],
  simulate: ['--conditions=@quorate/source', 'test/simulation/main.ts'],
};

const buildCommand = ['node_modules/.bin/tsc', '-b', 'packages/node', 'packages/protocol/native'];

/** @type {[name: string, command: string[]][]} */
const checks = [
  ['types: packages', buildCommand],
  ['types: tests and scripts', ['node_modules/.bin/tsc', '-p', 'test']],
  ['lint', ['node_modules/.bin/oxlint', '--deny-warnings']],
  ['arrows, doors and seams', ['scripts/lint/arrows.ts']],
  ['format and import order', ['node_modules/.bin/biome', 'check', '--error-on-warnings', '.']],
  ['unused files, exports and dependencies', ['node_modules/.bin/knip']],
  [
    'mutants and planted bugs fit the sources',
    ['node_modules/.bin/vitest', 'run', 'scripts/mutants', 'test/simulation/planted.test.ts', '-t', 'still'],
  ],
];

/** @param {string} message */
function say(message) {
  process.stderr.write(`[quorate] ${message}\n`);
}

/** The Node.js that everything below runs under, and the environment that makes children find it first. */
function chooseRuntime() {
  if (isSupported(process.version)) return { node: process.execPath, version: process.version, env: process.env };
  const home = fetchNode(toolchain, say);
  const node = join(home, 'bin', 'node');
  const path = `${join(home, 'bin')}${delimiter}${process.env['PATH'] || ''}`;
  const env = { ...process.env, PATH: path, NODE: node, npm_node_execpath: node };
  return { node, version: `v${pinned.version}`, env };
}

/**
 * @param {ReturnType<typeof chooseRuntime>} runtime
 * @param {string[]} command
 */
function step(runtime, command) {
  return spawnSync(runtime.node, command, { cwd: root, env: runtime.env, stdio: ['ignore', 2, 2] }).status === 0;
}

/** @param {boolean} build */
function prepare(build) {
  return withLock(join(toolchain, 'lock'), say, () => {
    const runtime = chooseRuntime();
    install(root, runtime, say);
    if (build && !step(runtime, buildCommand)) throw new BootstrapError('the build failed');
    return runtime;
  });
}

/** Every check runs, also after a failed one: one run shows all there is to do. */
function check() {
  const runtime = prepare(false);
  const failed = [];
  for (const [name, command] of checks) {
    say(`check ${name}`);
    if (!step(runtime, command)) failed.push(name);
  }
  say(failed.length === 0 ? 'all checks passed' : `failed: ${failed.join('; ')}`);
  return failed.length === 0 ? 0 : 1;
}

/**
 * Runs the task and ends as it ends. It must not outlive us, nor we it: signals are passed on and we wait.
 * @param {ReturnType<typeof chooseRuntime>} runtime
 * @param {string[]} command
 */
function runTask(runtime, command) {
  const child = spawn(runtime.node, command, { cwd: root, env: runtime.env, stdio: 'inherit' });
  // A terminal sends Ctrl-C to the whole group, so the child has it already.
  const fromTerminal = [0, 1, 2].some((fd) => isatty(fd));
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !fromTerminal) child.kill(signal);
    });
  }
  child.on('error', fail);
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code === null ? 1 : code);
    signals.forEach((name) => process.removeAllListeners(name));
    process.kill(process.pid, signal);
  });
}

/** @param {unknown} error */
function fail(error) {
  say(error instanceof BootstrapError ? error.message : String(error instanceof Error ? error.stack : error));
  process.exit(1);
}

/** @param {string[]} argv */
function main([task = '', ...args]) {
  if (task === 'check') process.exit(check());
  if (task === 'build') {
    prepare(true);
    return;
  }
  const command = Object.entries(commands).find(([name]) => name === task);
  if (!command) {
    const tasks = ['build', 'check', ...Object.keys(commands)].join(', ');
    throw new BootstrapError(`unknown task "${task}"; there are: ${tasks}`);
  }
  runTask(prepare(true), [...command[1], ...args]);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  fail(error);
}
