// `npm ci`, only when what it would install has changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmCommand, run } from './node.mjs';

/**
 * What an installation depends on: lock file, manifests, npm's settings, and the Node.js it was made for.
 * @param {string} root
 * @param {string} nodeVersion
 */
export function installStamp(root, nodeVersion) {
  const hash = createHash('sha256').update(`${nodeVersion} ${process.platform} ${process.arch}\n`);
  const manifests = readdirSync(join(root, 'packages')).sort();
  for (const file of [
    'package-lock.json',
    '.npmrc',
    'package.json',
    ...manifests.map((name) => `packages/${name}/package.json`),
  ]) {
    if (!existsSync(join(root, file))) continue;
    const content = readFileSync(join(root, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/**
 * The stamp lives in node_modules, which `npm ci` removes first, and is written last: an interrupted run is repeated.
 * @param {string} root
 */
function stampFile(root) {
  return join(root, 'node_modules', '.quorate-install');
}

/** @param {string} root @param {string} stamp */
export function isInstalled(root, stamp) {
  return existsSync(stampFile(root)) && readFileSync(stampFile(root), 'utf8') === stamp;
}

/** @param {string} root @param {string} stamp */
export function recordInstall(root, stamp) {
  writeFileSync(stampFile(root), stamp);
}

/**
 * @param {string} root
 * @param {{ node: string, version: string, env: NodeJS.ProcessEnv }} runtime
 * @param {(message: string) => void} say
 */
export function install(root, runtime, say) {
  const stamp = installStamp(root, runtime.version);
  if (isInstalled(root, stamp)) return;
  say('installing dependencies (npm ci)…');
  const [command, ...args] = npmCommand(runtime.env, runtime.node);
  // Without --include=dev, NODE_ENV=production in the caller's environment would leave the compiler out.
  run(command, [...args, 'ci', '--include=dev'], 'npm ci failed, for the reason above (npm 7 or newer is needed)', {
    cwd: root,
    env: runtime.env,
  });
  recordInstall(root, stamp);
}
