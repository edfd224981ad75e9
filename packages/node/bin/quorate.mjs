#!/usr/bin/env node
import process from 'node:process';
import { run } from '#cli';

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  // Loaded only to run a node: the other commands need neither libp2p nor the protocols.
  runNode: async (options) => await (await import('#main')).runNode(options),
});
