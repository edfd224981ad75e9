import type { RunOptions } from '../src/cli/host.ts';
import { run } from '../src/cli/main.ts';

/** What one run of the CLI said and did. */
export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly started: readonly RunOptions[];
}

/** Runs a command in this process, with an environment of its own. */
export async function quorate(
  args: readonly string[],
  env: Record<string, string> = {},
  runNode: (options: RunOptions) => Promise<void> = async () => {},
  confirm?: (question: string) => Promise<boolean>,
): Promise<Ran> {
  let [stdout, stderr] = ['', ''];
  const started: RunOptions[] = [];
  const exit = await run(args, {
    env,
    stdout: { write: (text) => void (stdout += text) },
    stderr: { write: (text) => void (stderr += text) },
    confirm,
    runNode: async (options) => {
      started.push(options);
      await runNode(options);
    },
  });
  return { exit, stdout, stderr, started };
}
