import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

/*
 * TESTNET ONLY. node init.ts [--folder /testnet] [--secrets /run/secrets] <party>...
 *
 * Makes the parties of docker-compose.yml: in <folder>/<party> (the party's data volume) its identity, node.yaml and the
 * roster of all, in <folder>/client the key with which orders are signed. One process sees every party's folder and key
 * file while it does so; in earnest each operator runs `quorate init` at home and sends the others one line.
 */
const { values: options, positionals: parties } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string', default: '/testnet' },
    secrets: { type: 'string', default: '/run/secrets' },
  },
});
const clientKey = join(options.folder, 'client', 'client.pem');
const port = 4001;

async function main(): Promise<void> {
  console.log(
    'TESTNET ONLY: its key files are public, and this machine holds every share. Guard nothing of value with it.',
  );
  const made = parties.filter((party) => existsSync(rosterOf(party)));
  if (made.length === 0) {
    await make();
  } else if (made.length === parties.length && existsSync(clientKey)) {
    console.log('the testnet is made already; nothing to do');
  } else {
    console.error(
      `${made.join(', ')} may hold shares, but the rest of the testnet is gone; nothing was touched. ` +
        '`docker compose down --volumes` gives up all of it, and the next start makes another.',
    );
    process.exitCode = 1;
  }
}

async function make(): Promise<void> {
  // Left by a start that was interrupted. Without a roster no party has ever run, so nothing of value is in there.
  for (const folder of [...parties, 'client']) await empty(join(options.folder, folder));
  const { configLines } = await quorate<{ configLines: string }>(['client', 'new', '--out', clientKey]);
  const lines: string[] = [];
  for (const party of parties) {
    const { rosterLine, peerId } = await initParty(party);
    await writeFile(join(dataOf(party), 'node.yaml'), configOf(party, configLines));
    lines.push(rosterLine);
    console.log(`${party}: ${peerId}`);
  }
  const roster = `# TESTNET ONLY, made by docker compose.\nmembers:\n${lines.join('\n')}\n`;
  for (const party of parties) await writeFile(rosterOf(party), roster, { mode: 0o600 });
  console.log(`${parties.length} parties are made`);
}

async function initParty(party: string): Promise<{ readonly rosterLine: string; readonly peerId: string }> {
  return await quorate([
    'init',
    `--data=${dataOf(party)}`,
    `--name=${party}`,
    // Compose resolves a service's name to its container.
    `--announce=/dns4/${party}/tcp/${port}`,
    `--key-file=${keyFileOf(party)}`,
  ]);
}

function configOf(party: string, clients: string): string {
  return `# TESTNET ONLY, made by docker compose: accepts every new key, and one client may have anything signed.
name: ${party}
network: testnet
listen: [/ip4/0.0.0.0/tcp/${port}]
root: {keyFile: ${keyFileOf(party)}}
accept: {default: auto}
${clients.replace('[sign]', '[sign, sign-raw]')}
`;
}

function dataOf(party: string): string {
  return join(options.folder, party);
}

/** Written last: where it is, a party is complete and may hold shares. */
function rosterOf(party: string): string {
  return join(dataOf(party), 'roster.yaml');
}

/** Where the party's secret is mounted: here, and at the same path in its own container. */
function keyFileOf(party: string): string {
  return join(options.secrets, `${party}-key`);
}

async function empty(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
}

async function quorate<T>(args: readonly string[]): Promise<T> {
  const { stdout } = await promisify(execFile)('quorate', [...args, '--json']);
  return JSON.parse(stdout) as T;
}

await main();
