import { CommanderError } from 'commander';
import type { Outcome } from './context.ts';
import { CeremonyFailed, codeOf, type ExitCode, exitOf, exits } from './exit.ts';
import type { Host } from './host.ts';
import { buildProgram } from './program.ts';
import { refuseSecrets } from './secrets.ts';
import { printable } from './text.ts';

/**
 * Runs one command.
 * @param args the command line without program and script
 * @returns the exit code: never throws
 */
export async function run(args: readonly string[], host: Host): Promise<ExitCode> {
  const outcome: Outcome = { exit: exits.ok };
  try {
    refuseSecrets(args);
    await buildProgram(host, outcome).parseAsync([...args], { from: 'user' });
    return outcome.exit;
  } catch (error) {
    return report(error, args.includes('--json'), host);
  }
}

/** Says on stderr what happened and what to do next, and on stdout the same as JSON if that was asked for. */
function report(error: unknown, json: boolean, { stdout, stderr }: Host): ExitCode {
  if (error instanceof CommanderError && error.exitCode === 0) return exits.ok;
  const known = error instanceof CommanderError ? 'usage' : codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const message = error instanceof CommanderError ? text.replace(/^error: /, '') : text;
  if (json) {
    const ceremony = error instanceof CeremonyFailed ? { ceremony: error.ceremony } : {};
    stdout.write(`${JSON.stringify({ ok: false, code: known, message, ...ceremony })}\n`);
  }
  // Commander has said on stderr already what it found.
  if (error instanceof CommanderError) return exits.usage;
  const stack = known === 'internal' && error instanceof Error ? (error.stack ?? '') : '';
  for (const line of (stack || `error: ${message}`).split('\n')) stderr.write(`${printable(line)}\n`);
  return exitOf[known];
}
