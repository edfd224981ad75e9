import type { Overrides } from '../config/config.ts';

/** Where text goes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Whoever read it is gone: what is written is lost. */
  readonly isClosed?: boolean | undefined;
}

export interface RunOptions {
  /** The path of `node.yaml`. */
  readonly config: string;
  readonly flags: Overrides;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the commands need of the process they run in. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Asks the person at the terminal; undefined if there is none. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined;
  /** Runs a node until it is told to stop. */
  readonly runNode: (options: RunOptions) => Promise<void>;
}
