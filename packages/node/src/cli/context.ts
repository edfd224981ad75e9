import { resolve } from 'node:path';
import { styleText } from 'node:util';
import type { Command } from 'commander';
import { type Config, loadConfig, type Overrides } from '../config/config.ts';
import { connectNode, type NodeClient } from '../http/client.ts';
import { CliError, type ExitCode } from './exit.ts';
import type { Host } from './host.ts';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly data?: string;
  readonly config?: string;
  readonly socket?: string;
  readonly json?: true;
}

type Style = Parameters<typeof styleText>[0];

/** One run of a command: where its files are, how to reach the node, and how it speaks. */
export class Context {
  readonly host: Host;
  readonly json: boolean;
  readonly #options: GlobalOptions;

  constructor(host: Host, options: GlobalOptions) {
    this.host = host;
    this.json = options.json ?? false;
    this.#options = options;
  }

  /** The data folder: `--data`, else `QUORATE_DATA`, else `./quorate-data`. */
  get dataFolder(): string {
    return resolve(this.#options.data ?? (this.host.env['QUORATE_DATA'] || 'quorate-data'));
  }

  get configPath(): string {
    return resolve(this.#options.config ?? `${this.dataFolder}/node.yaml`);
  }

  /** What the global options override in the configuration. */
  get overrides(): Overrides {
    return { data: this.#options.data, admin: this.#options.socket };
  }

  /** @throws {ConfigError} */
  config(): Config {
    return loadConfig(this.configPath, this.host.env, this.overrides);
  }

  /** The node at `--socket`, else at the configuration's socket. @throws {ConfigError} */
  node(): NodeClient {
    return connectNode(this.#options.socket === undefined ? this.config().admin : resolve(this.#options.socket));
  }

  /** The command's result, on stdout: one JSON document with `--json`, else text. */
  print(document: object, text: () => string): void {
    this.host.stdout.write(this.json ? `${JSON.stringify(document)}\n` : `${text()}\n`);
  }

  /** What a person may want to know on the way, on stderr. */
  say(text: string): void {
    this.host.stderr.write(`${text}\n`);
  }

  /**
   * Begins nothing unless a person says yes, who is shown first what it means.
   * @param yes the person said so on the command line
   * @throws {CliError} `usage` if nobody is there to ask, `declined`
   */
  async confirm(meaning: string, question: string, yes: boolean | undefined): Promise<void> {
    if (yes === true) return;
    this.say(meaning);
    const ask = this.host.confirm;
    if (ask === undefined) throw new CliError('usage', 'nobody is there to ask: look at it, and add --yes');
    if (!(await ask(question))) throw new CliError('declined', 'nothing was begun');
  }

  /** `text` in a style if a person looks at stdout. */
  style(style: Style, text: string): string {
    const { env, stdout } = this.host;
    const colour = stdout.isTTY === true && !env['NO_COLOR'];
    return colour ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** The exit code of the run; the last action sets it. */
export interface Outcome {
  exit: ExitCode;
}

/** Adds the commands of one file to `program`. */
export type AddCommand = (program: Command, act: Act) => void;

/** Makes a commander action of a function that takes the context, then the command's arguments and options. */
export type Act = (
  run: (context: Context, ...args: never[]) => Promise<ExitCode>,
) => (...args: unknown[]) => Promise<void>;
