import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync } from 'node:fs';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Mutant, mutate } from './mutant.ts';

/** How long one run of tests may take. A mutant that never comes to an end is noticed too. */
const longestRun = 180_000;
const packages = ['node', 'protocol', 'storage'];

/** A copy of the tracked files, to be damaged. Installed packages are shared with the original, our own are the copy's. */
export class Workspace {
  readonly #folder: string;
  #running: number | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async copyOf(root: string): Promise<Workspace> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'quorate-mutants-')));
    const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0');
    for (const file of tracked) {
      if (file !== '' && existsSync(join(root, file))) await cp(join(root, file), join(folder, file));
    }
    const installed = join(root, 'node_modules');
    for (const name of readdirSync(installed)) {
      if (name.startsWith('.') || name === '@quorate') continue;
      await mkdir(join(folder, 'node_modules'), { recursive: true });
      await symlink(join(installed, name), join(folder, 'node_modules', name));
    }
    for (const name of packages) {
      const link = join(folder, 'node_modules', '@quorate', name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join('..', '..', 'packages', name), link);
    }
    return new Workspace(folder);
  }

  /** Runs tests as they are, or with one check taken away. */
  async passes(tests: readonly string[], mutant?: Mutant): Promise<boolean> {
    if (mutant === undefined) return await this.#test(tests);
    const path = join(this.#folder, mutant.file);
    const text = await readFile(path, 'utf8');
    await writeFile(path, mutate(text, mutant));
    try {
      return await this.#test(tests);
    } finally {
      await writeFile(path, text);
    }
  }

  /** Runs a program of the copy with something changed, and gives what it printed. */
  async prints(command: readonly string[], mutant: Pick<Mutant, 'file' | 'find' | 'replace'>): Promise<string> {
    const path = join(this.#folder, mutant.file);
    const text = await readFile(path, 'utf8');
    await writeFile(path, mutate(text, mutant));
    try {
      const child = spawn(process.execPath, command, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'inherit'] });
      let printed = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        printed += chunk;
      });
      await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
      return printed;
    } finally {
      await writeFile(path, text);
    }
  }

  async dispose(): Promise<void> {
    this.#kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** In a group of its own: a mutant may leave a worker behind that runs for ever. */
  async #test(tests: readonly string[]): Promise<boolean> {
    const command = ['node_modules/vitest/vitest.mjs', 'run', '--bail', '1', '--reporter', 'dot', ...tests];
    const child = spawn(process.execPath, command, { cwd: this.#folder, detached: true, stdio: 'ignore' });
    this.#running = child.pid;
    const timer = setTimeout(() => this.#kill(), longestRun);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', resolve);
    });
    clearTimeout(timer);
    this.#kill();
    return code === 0;
  }

  #kill(): void {
    if (this.#running === undefined) return;
    try {
      process.kill(-this.#running, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    this.#running = undefined;
  }
}
