import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { exitOf, exits } from './exit.ts';
import { buildProgram } from './program.ts';

const reference = readFileSync(join(import.meta.dirname, '../../../../docs/cli.md'), 'utf8');
const host = { env: {}, stdout: { write: () => {} }, stderr: { write: () => {} }, runNode: async () => {} };
const program = buildProgram(host, { exit: exits.ok });

/** Every command that does something, with its full name. */
function leaves(command: Command, path: readonly string[]): [name: string, command: Command][] {
  const groups = ['roster', 'config', 'client'];
  const own: [string, Command][] =
    path.length === 0 || groups.includes(path.join(' ')) ? [] : [[path.join(' '), command]];
  return [...own, ...command.commands.flatMap((child) => leaves(child, [...path, child.name()]))];
}

const commands = leaves(program, []);

/** What the reference says of a command: from its heading to the next. */
function sectionOf(name: string): string {
  const [, section = ''] = reference.split(new RegExp(`^### \`quorate ${name}(?: [<[][^\`]*)?\`$`, 'm'));
  return section.split(/^##/m, 1)[0] ?? '';
}

describe('docs/cli.md', () => {
  test.each(commands)('describes `%s` with each of its arguments and options, and its JSON', (name, command) => {
    const section = sectionOf(name);
    expect(section.trim()).not.toBe('');
    for (const { flags } of command.options) expect(section).toContain(`\`${flags}`.replace(/ .*/, ''));
    const usage = command.registeredArguments.map((one) => (one.required ? ` <${one.name()}>` : ` [${one.name()}]`));
    expect(reference).toContain(`### \`quorate ${name}${usage.join('')}\``);
  });

  test('describes no command that does not exist', () => {
    const described = [...reference.matchAll(/^### `quorate ([a-z ]+?)(?: [<[].*)?`$/gm)].map(([, name]) => name);
    expect(new Set(described)).toEqual(new Set(commands.map(([name]) => name)));
  });

  test('describes the options of every command', () => {
    for (const { long, flags } of program.options)
      if (long !== '--version') expect(reference).toContain(`\`${flags}\``);
  });

  test('lists every exit code, and every error code under its own', () => {
    for (const exit of Object.values(exits)) expect(reference).toMatch(new RegExp(`^\\| ${exit} \\| [A-Z]`, 'm'));
    const rows = [...reference.matchAll(/^\| (\d) \| (`.*) \|$/gm)];
    const listed = rows.flatMap(([, exit, codes = '']) =>
      [...codes.matchAll(/`([a-z-]+)`/g)].map((code) => [code[1], Number(exit)]),
    );
    expect(Object.fromEntries(listed)).toEqual(exitOf);
    expect(listed).toHaveLength(Object.keys(exitOf).length);
  });
});
