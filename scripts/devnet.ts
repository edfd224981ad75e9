import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Testnet } from './testnet/testnet.ts';

/*
 * npm run devnet [-- --nodes 5 --threshold 3 --folder .devnet]
 *
 * Keeps a network of node processes running on loopback until Ctrl-C, for a person to use. The folder is made anew.
 */
const { values: options } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5' },
    threshold: { type: 'string' },
    folder: { type: 'string', default: '.devnet' },
  },
});

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new Error(`--${name}: give a whole number from ${min} to ${max}`);
}

async function main(): Promise<void> {
  const count = wholeNumber('nodes', options.nodes, 2, 20);
  const threshold = wholeNumber(
    'threshold',
    options.threshold ?? String(Math.max(2, Math.ceil((count + 1) / 2))),
    2,
    count,
  );
  const folder = resolve(options.folder);
  if (existsSync(join(folder, 'alice', 'admin.sock'))) {
    console.error(`a devnet seems to run in ${folder}; stop it first, or give another --folder`);
  }
  await rm(folder, { recursive: true, force: true });
  const net = await Testnet.create({
    folder,
    nodes: count,
    config: `threshold: ${threshold}\nparticipants: ${count}\n`,
    say: (text) => console.log(text),
  });
  const stopped = new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
  });
  try {
    console.log('starting');
    await net.start();
    console.log(instructions(net, threshold));
    await stopped;
    console.log('stopping');
  } finally {
    await net.stop();
  }
}

function instructions(net: Testnet, threshold: number): string {
  const [first] = net.nodes;
  if (first === undefined) throw new Error('a testnet has nodes');
  return `
${net.nodes.length} nodes are running on loopback, threshold ${threshold}, in ${net.folder}:
${net.nodes.map(({ name, port }) => `  ${name.padEnd(8)} port ${port}`).join('\n')}

Talk to one of them (alias quorate='npx quorate'):
  quorate status  --data ${first.data}
  quorate keygen  --data ${first.data} treasury --scheme ed25519
  quorate sign    --data ${first.data} treasury --client ${net.clientKey} --message 'hello'
  quorate keygen  --data ${first.data} vault --scheme ecdsa
  quorate sign    --data ${first.data} vault --client ${net.clientKey} --hash keccak256 --message 'hello'
  quorate keys addresses --data ${first.data} vault --path m/44/60/0/0/7
  quorate ceremonies --data ${first.data} --follow

Their logs are in ${join(net.folder, '<name>.log')}. Ctrl-C stops them.
For development only: one machine holds every share.
`;
}

await main();
