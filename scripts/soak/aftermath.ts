import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fromHex } from '@quorate/protocol';
import { unlock } from '../../test/processes/member.ts';
import { filesBelow, found } from '../../test/support/canaries.ts';
import { bin, nodeArgs, type Testnet, type TestnetNode } from '../testnet/testnet.ts';

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
      using share = await home.keys.share(keyId, current?.epoch ?? 0);
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
