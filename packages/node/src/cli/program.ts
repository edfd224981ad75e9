import { Command } from 'commander';
import { version } from '../version.ts';
import { addAudit } from './commands/audit.ts';
import { addCeremonies } from './commands/ceremonies.ts';
import { addClient } from './commands/client.ts';
import { addConfig } from './commands/config.ts';
import { addDoctor } from './commands/doctor.ts';
import { addHealth } from './commands/health.ts';
import { addIdentity } from './commands/identity.ts';
import { addInit } from './commands/init.ts';
import { addKeygen } from './commands/keygen.ts';
import { addKeys } from './commands/keys.ts';
import { addPassphrase } from './commands/passphrase.ts';
import { addPeers } from './commands/peers.ts';
import { addRoster } from './commands/roster.ts';
import { addSign } from './commands/sign.ts';
import { addStart } from './commands/start.ts';
import { addStatus } from './commands/status.ts';
import { addVerify } from './commands/verify.ts';
import { type Act, Context, type GlobalOptions, type Outcome } from './context.ts';
import type { Host } from './host.ts';

const commands = [
  addInit,
  addRoster,
  addConfig,
  addStart,
  addDoctor,
  addPassphrase,
  addStatus,
  addHealth,
  addPeers,
  addIdentity,
  addAudit,
  addKeygen,
  addKeys,
  addSign,
  addVerify,
  addCeremonies,
  addClient,
];

/** The tree of commands. Parsing throws commander's errors instead of leaving the process. */
export function buildProgram(host: Host, outcome: Outcome): Command {
  const program = new Command('quorate')
    .description('A peer-to-peer node for threshold signing and key custody.')
    .version(version)
    .option('--data <folder>', 'the data folder (or QUORATE_DATA; default: ./quorate-data)')
    .option('--config <file>', 'the configuration (default: node.yaml in the data folder)')
    .option('--socket <path>', "the running node's admin socket (default: the configuration's)")
    .option('--json', 'print one JSON document on stdout')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text),
      getOutHasColors: () => host.stdout.isTTY === true,
      getErrHasColors: () => host.stderr.isTTY === true,
    })
    .showHelpAfterError('`quorate help` lists the commands, `quorate help <command>` its options')
    .exitOverride();
  const act: Act =
    (run) =>
    async (...all) => {
      // Commander appends the command itself to its arguments and options.
      const command = all.pop() as Command;
      const context = new Context(host, command.optsWithGlobals<GlobalOptions>());
      outcome.exit = await run(context, ...(all as never[]));
    };
  for (const add of commands) add(program, act);
  return program;
}
