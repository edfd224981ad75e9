import type { Overrides } from '../../config/config.ts';
import type { Act, AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';

type StartOptions = Pick<Overrides, 'roster' | 'listen' | 'logLevel' | 'sessionTimeout' | 'threshold' | 'participants'>;

export const addStart: AddCommand = (program, act: Act) => {
  program
    .command('start')
    .description('run the node in the foreground until it is told to stop (SIGINT, SIGTERM)')
    .option('--roster <file>', 'the roster file')
    .option('--listen <multiaddrs>', 'the addresses to listen on, separated by commas')
    .option('--log-level <level>', 'trace, debug, info, warn, error or fatal')
    .option('--session-timeout <seconds>', 'how long a session may take (or MPC_SESSION_TIMEOUT)')
    .option('--threshold <parties>', 'how many must sign with a new key, unless keygen says (or MPC_THRESHOLD)')
    .option('--participants <parties>', 'how many hold a new key, unless keygen says (or MPC_TOTAL_PARTICIPANTS)')
    .action(act(start));
};

async function start({ host, configPath, overrides }: Context, options: StartOptions): Promise<ExitCode> {
  await host.runNode({ config: configPath, flags: { ...overrides, ...options }, env: host.env });
  return exits.ok;
}
