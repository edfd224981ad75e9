#!/usr/bin/env node
import process from 'node:process';
import { run } from '#cli';

// Whatever this process makes is its user's alone: the files of LevelDB too.
process.umask(0o077);

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  // Loaded only to run a node: the other commands need neither libp2p nor the protocols.
  runNode: async (options) => await (await import('#main')).runNode(options),
});
