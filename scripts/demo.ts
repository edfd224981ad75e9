import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import {
  type CeremonyView,
  type NodeClient,
  networkIdOf,
  orderOf,
  readClientKey,
  type SignatureForms,
  signRequests,
  systemRandomness,
  watch,
} from '@quorate/node';
import { recoverIndependently, verifyIndependently } from '../test/support/verifiers.ts';
import { Testnet } from './testnet/testnet.ts';

/*
 * npm run demo [-- --message <text> | --file <path>] [--json]
 *
 * Five node processes on loopback make an Ed25519, a Taproot and an ECDSA key, 3-of-5, and sign; shares are dealt anew, one
 * node is killed, and the others sign again. Every signature is verified by a library that did not make it. ECDSA signs the message's SHA-256.
 */
const { values: options } = parseArgs({
  options: {
    message: { type: 'string' },
    file: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const nodes = 5;
const threshold = 3;
const began = performance.now();

interface Signed {
  readonly key: string;
  readonly scheme: string;
  readonly message: string;
  /** ECDSA: the 32 bytes that were signed. */
  readonly digest?: string;
  readonly signature: string;
  /** ECDSA: which of the keys that fit the signature is ours. */
  readonly recovery?: number;
  readonly milliseconds: number;
  readonly signers: readonly string[];
}

type Scheme = keyof typeof verifiedBy;

const verifiedBy = {
  ed25519: 'OpenSSL accepts',
  taproot: 'libsecp256k1 and noble accept',
  ecdsa: 'OpenSSL accepts, noble recovers the key',
};

interface MadeKey {
  readonly name: string;
  readonly scheme: Scheme;
  readonly publicKey: string;
}

/** Progress: on stdout for people, on stderr when stdout is for a program. */
function say(text: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(5);
  const stream = options.json ? process.stderr : process.stdout;
  stream.write(`${styleText('dim', `${seconds} s`, { stream })}  ${text}\n`);
}

async function main(): Promise<void> {
  const message =
    options.file === undefined
      ? Buffer.from(options.message ?? 'Quorate: five daemons, one key')
      : await readFile(options.file);
  const folder = await mkdtemp(join(tmpdir(), 'quorate-demo-'));
  const net = await Testnet.create({ folder, nodes, say });
  const stop = async (): Promise<void> => {
    await net.stop();
    await rm(folder, { recursive: true, force: true });
  };
  process.once('SIGINT', () => void stop().then(() => process.exit(130)));
  try {
    say(`starting ${nodes} node processes on loopback`);
    await net.start();
    say(`all connected: ${net.nodes.map(({ name }) => name).join(', ')}`);

    const keys: MadeKey[] = [];
    for (const scheme of ['ed25519', 'taproot', 'ecdsa'] as const)
      keys.push(await makeKey(net, `demo-${scheme}`, scheme));
    const signatures: Signed[] = [];
    for (const key of keys) signatures.push(await sign(net, key, message, 'alice'));

    const [moved, renewed] = keys;
    if (moved === undefined || renewed === undefined) throw new Error('three schemes make three keys');
    await refresh(net, renewed);

    const [victim] = net.nodes.slice(-1);
    if (victim === undefined) throw new Error('a testnet has nodes');
    say(`killing ${victim.name} (SIGKILL)`);
    await net.signal(victim, 'SIGKILL');
    await reshare(
      net,
      moved,
      net.nodes.filter((node) => node !== victim).map(({ name }) => name),
    );
    for (const key of keys) signatures.push(await sign(net, key, message, 'bob'));

    say('stopping the nodes');
    await stop();
    say(`done: ${keys.length} keys, ${signatures.length} signatures, all verified by libraries that did not make them`);
    if (options.json) process.stdout.write(`${JSON.stringify({ ok: true, nodes, threshold, keys, signatures })}\n`);
  } finally {
    await stop();
  }
}

async function makeKey(net: Testnet, name: string, scheme: Scheme): Promise<MadeKey> {
  const { client } = net.node('alice');
  say(`keygen ${name}: ${scheme}, ${threshold}-of-${nodes}`);
  let shown: string | undefined;
  const showRound = ({ state, round }: CeremonyView): void => {
    if (state === 'running' && round !== undefined && round !== shown) say(`  round ${round}`);
    shown = round;
  };
  const { result } = await watch(client, async () => await client.keygen({ name, scheme, threshold }), showRound);
  if (result?.type !== 'key') throw new Error('no key came of it');
  say(`  public key ${result.publicKey}`);
  return { name, scheme, publicKey: result.publicKey };
}

/** Deals the shares of a key anew: the key stays, and what was stolen of the old shares is worth nothing. */
async function refresh(net: Testnet, { name, publicKey }: MadeKey): Promise<void> {
  const { client } = net.node('carol');
  const { result } = await watch(
    client,
    async () => await client.refresh(name),
    () => {},
  );
  if (result?.type !== 'key' || result.publicKey !== publicKey) throw new Error(`${name} was not refreshed`);
  say(`${name} refreshed: new shares, epoch ${result.epoch}, the same public key`);
}

/** Gives a key to those who are left: the share of the one that is gone fits nothing any more. */
async function reshare(net: Testnet, { name, publicKey }: MadeKey, members: readonly string[]): Promise<void> {
  const { client } = net.node('bob');
  const { result } = await watch(
    client,
    async () => await client.reshare(name, { members, threshold }),
    () => {},
  );
  if (result?.type !== 'key' || result.publicKey !== publicKey) throw new Error(`${name} was not reshared`);
  say(`${name} is ${threshold}-of-${members.length} now, with ${members.join(', ')}: the same public key`);
}

async function sign(net: Testnet, key: MadeKey, message: Uint8Array, by: string): Promise<Signed> {
  const { client } = net.node(by);
  const { network } = await client.status();
  const order = signRequests.sign(
    {
      network: networkIdOf(network),
      key: key.name,
      purpose: 'general',
      intent:
        key.scheme === 'ecdsa'
          ? { type: 'hashed', value: { hash: 'sha256', message } }
          : { type: 'message', value: message },
      path: 'm',
      expires: Date.now() + 60_000,
      idempotencyKey: systemRandomness.bytes(16),
    },
    readClientKey(net.clientKey),
  );
  const started = performance.now();
  const ceremony = await finish(client, await client.sign(orderOf(order)));
  const milliseconds = Math.round((performance.now() - started) * 10) / 10;
  const { result } = ceremony;
  if (result?.type !== 'signature') throw new Error(`no signature: ${JSON.stringify(ceremony.failure ?? ceremony)}`);
  const signature = Buffer.from(result.signature, 'hex');
  const verified = verifyIndependently(key.scheme, Buffer.from(key.publicKey, 'hex'), message, signature);
  if (!verified || (key.scheme === 'ecdsa' && !recovers(key, message, result)))
    throw new Error(`an independent verifier refuses the signature ${result.signature} of ${key.name}`);
  say(`${key.name} signed by ${result.signers.join(', ')} in ${milliseconds} ms; ${verifiedBy[key.scheme]}`);
  say(`  ${result.signature}`);
  return {
    key: key.name,
    scheme: key.scheme,
    message: Buffer.from(message).toString('hex'),
    ...(result.digest === undefined ? {} : { digest: result.digest }),
    signature: result.signature,
    ...(result.recovery === undefined ? {} : { recovery: result.recovery }),
    milliseconds,
    signers: result.signers,
  };
}

/** Whether the message's own hash and the signature give back the key. */
function recovers(
  { publicKey }: MadeKey,
  message: Uint8Array,
  { signature, digest, recovery }: SignatureForms,
): boolean {
  const hashed = createHash('sha256').update(message).digest();
  if (recovery === undefined || digest !== hashed.toString('hex')) return false;
  const recovered = recoverIndependently(hashed, Buffer.from(signature, 'hex'), recovery);
  return Buffer.from(recovered).toString('hex') === publicKey;
}

async function finish(client: NodeClient, begun: CeremonyView): Promise<CeremonyView> {
  let ceremony = begun;
  while (ceremony.state !== 'done' && ceremony.state !== 'failed')
    ceremony = await client.ceremony(ceremony.id, 30_000);
  return ceremony;
}

await main();
