#!/usr/bin/env node
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { run } from '#cli';

// Whatever this process makes is its user's alone: the files of LevelDB too.
process.umask(0o077);

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  confirm: process.stdin.isTTY && process.stderr.isTTY ? confirm : undefined,
  // Loaded only to run a node: the other commands need neither libp2p nor the protocols.
  runNode: async (options) => await (await import('#main')).runNode(options),
});

/** @param {string} question */
async function confirm(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
