#!/usr/bin/env node
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { run } from '#cli';

// Whatever this process makes is its user's alone: the files of LevelDB too.
process.umask(0o077);

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdout: outlet(process.stdout),
  stderr: outlet(process.stderr),
  confirm: process.stdin.isTTY && process.stderr.isTTY ? confirm : undefined,
  // Loaded only to run a node: the other commands need neither libp2p nor the protocols.
  runNode: async (options) => await (await import('#main')).runNode(options),
});

/**
 * Where text goes until nobody reads any more, as behind `| head -1`: what was begun is then finished in silence.
 * @param {import('node:tty').WriteStream} stream
 */
function outlet(stream) {
  let isClosed = false;
  stream.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
    isClosed = true;
    if (error.code === 'EPIPE') return;
    // A result that is lost, on a full disk say, is no success.
    if (stream !== process.stderr) process.stderr.write(`error: the output cannot be written: ${error.message}\n`);
    process.exit(1);
  });
  return {
    /** @param {string} text */
    write: (text) => stream.write(text),
    isTTY: stream.isTTY,
    get isClosed() {
      return isClosed;
    },
  };
}

/** @param {string} question */
async function confirm(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
