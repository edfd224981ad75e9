import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { NodeError, type NodeErrorCode } from '../errors.ts';

/** What is wrong in a file, where, and what to do about it. Line and column count from 1; 0 when no line is to blame. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly problem: string;
  readonly remedy: string;
}

/** A configuration or roster that cannot be used; at least one problem. */
export class ConfigError extends NodeError {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(code: Extract<NodeErrorCode, 'config-invalid' | 'roster-invalid'>, problems: readonly Problem[]) {
    super(code, problems.map(describe).join('\n'));
    this.problems = problems;
  }
}

function describe({ file, line, column, problem, remedy }: Problem): string {
  return `${file}${line === 0 ? '' : `:${line}:${column}`}: ${problem}; ${remedy}`;
}

/** A place in a document: keys and indices from the root. */
export type Path = readonly (string | number)[];

/** A parsed YAML document that knows where each value stands. */
export interface Document {
  readonly value: unknown;
  /** A problem at the value, or at the key if there is no value there. */
  problemAt(path: Path, problem: string, remedy: string): Problem;
}

/** Reads YAML 1.2 without tags, and without keys that appear twice. @throws {ConfigError} with `code` */
export function readDocument(text: string, file: string, code: 'config-invalid' | 'roster-invalid'): Document {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'core', strict: true });
  const at = (offset: number, problem: string, remedy: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, problem, remedy };
  };
  const plain = (): unknown => {
    try {
      // A hundred uses of aliases are plenty; more is an attempt to blow the file up.
      return document.toJS({ maxAliasCount: 100 });
    } catch {
      throw new ConfigError(code, [at(0, 'aliases (*name) that lead nowhere or are too many', 'write the values out')]);
    }
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    throw new ConfigError(
      code,
      faults.map((fault) =>
        at(fault.pos[0], `not valid YAML: ${fault.message}`, 'correct the line; indent with spaces'),
      ),
    );
  }
  return {
    value: plain(),
    problemAt(path, problem, remedy) {
      let node: unknown = document.contents;
      let offset = 0;
      for (const step of path) {
        if (isMap(node)) {
          const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
          if (!isPair(pair)) break;
          if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
          node = pair.value;
        } else if (isSeq(node)) {
          node = node.items[Number(step)];
          if (isNode(node)) offset = node.range?.[0] ?? offset;
        } else break;
      }
      return at(offset, problem, remedy);
    },
  };
}

/**
 * The document's value as the schema's type. Messages in the schema read `problem; remedy`.
 * @throws {ConfigError} naming every problem with its line
 */
export function conform<T>(document: Document, schema: z.ZodType<T>, code: 'config-invalid' | 'roster-invalid'): T {
  const result = schema.safeParse(document.value ?? {}, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(
    code,
    result.error.issues.flatMap((issue) => problemsOf(document, issue)),
  );
}

function problemsOf(document: Document, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  const place = path.length === 0 ? 'the file' : path.join('.');
  const spelled = issue.message.split('; ');
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) =>
        document.problemAt(
          [...path, key],
          `${[...path, key].join('.')} is not a known key`,
          'remove it or correct its spelling',
        ),
      );
    case 'invalid_type':
      return issue.input === undefined
        ? [document.problemAt(path, `${place} is missing`, `add it: ${issue.expected} wanted`)]
        : [document.problemAt(path, `${place} is of the wrong type`, `give a value of type ${issue.expected}`)];
    case 'invalid_value':
      return [document.problemAt(path, `${place} is not one of the known words`, `use ${issue.values.join(', ')}`)];
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'invalid_format':
    case 'too_big':
    case 'too_small':
    case 'not_multiple_of':
    case 'custom':
      return [document.problemAt(path, `${place}: ${spelled[0] ?? ''}`, spelled.slice(1).join('; ') || 'correct it')];
  }
}
