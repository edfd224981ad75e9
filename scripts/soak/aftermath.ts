import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fromHex } from '@quorate/protocol';
import { unlock } from '../../test/processes/member.ts';
import { filesBelow, found } from '../../test/support/canaries.ts';
import { bin, nodeArgs, type Testnet, type TestnetNode } from '../testnet/testnet.ts';
import { placeOf } from './load.ts';

const run = promisify(execFile);

/** `quorate doctor` on a node that is stopped: every record, the second copies, and the whole audit log. */
export async function examine({ data, name }: TestnetNode, violated: (what: string) => void): Promise<void> {
  await run(process.execPath, [...nodeArgs, bin, 'doctor', '--data', data, '--json']).catch((error: unknown) => {
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
    violated(`doctor at ${name}: ${said.trim()}`);
  });
}

/**
 * Looks for every secret of all nodes, which are stopped, in every file below the testnet's folder.
 * @returns how many secrets were looked for
 */
export async function searchSecrets(net: Testnet, violated: (what: string) => void): Promise<number> {
  const texts: (readonly [path: string, text: Buffer])[] = [];
  for (const path of await filesBelow(net.folder)) texts.push([path, await readFile(path)]);
  let searched = 0;
  for (const node of net.nodes) {
    const keyFile = join(node.data, 'root.key');
    const secrets = new Map([['the root key', fromHex((await readFile(keyFile, 'utf8')).trim())]]);
    const { home } = await unlock(node);
    secrets.set(
      'the identity',
      home.seed.use((bytes) => bytes.slice()),
    );
    for (const { current, keyId, name } of home.keys.list()) {
      // It has left the committee.
      if (current === undefined) continue;
      using share = await home.keys.share(keyId, current.epoch);
      secrets.set(
        `the share of ${name}`,
        share.use((bytes) => bytes.slice()),
      );
    }
    await home.close();
    for (const [what, secret] of secrets) {
      searched += 1;
      for (const [path, text] of texts)
        if (path !== keyFile && found(secret, text)) violated(`${what} of ${node.name} is in ${path}`);
    }
  }
  return searched;
}

/** What nodes themselves thought worth an error. @param destroyed places of nodes, which they must have found damaged */
export async function readLogs(
  { folder, nodes }: Testnet,
  destroyed: ReadonlySet<string>,
  violated: (what: string) => void,
): Promise<void> {
  const found = new Set<string>();
  for (const { name } of nodes) {
    const text = await readFile(join(folder, `${name}.log`), 'utf8');
    for (const line of text.split('\n')) {
      if (line === '') continue;
      // A line that a kill cut off is no document, and neither is what is not of the log: a stack trace, say.
      const entry = /^\{.*\}$/.test(line) ? (JSON.parse(line) as LogEntry) : undefined;
      const place = entry?.finding === 'key-quarantined' ? placeOf(name, entry.place ?? '') : '';
      if (destroyed.has(place)) found.add(place);
      else if (entry === undefined ? !line.startsWith('{') : entry.level >= 50)
        violated(`${name} logged: ${line.slice(0, 500)}`);
    }
  }
  for (const place of destroyed) if (!found.has(place)) violated(`nothing in the logs of what was destroyed: ${place}`);
}

interface LogEntry {
  readonly level: number;
  readonly finding?: string;
  readonly place?: string;
}
