import { Secret, toHex } from '@quorate/protocol';
import { anything, assert, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NodeError } from '../errors.ts';
import { createLog, plain } from './log.ts';

const bytes = Uint8Array.from({ length: 32 }, (_, i) => 0xa0 + i);
const hex = toHex(bytes);

function logged(run: (log: ReturnType<typeof createLog>) => void): { text: string; lines: Record<string, unknown>[] } {
  const written: string[] = [];
  run(createLog('trace', (line) => written.push(line)));
  return { text: written.join(''), lines: written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('the log', () => {
  test('writes one JSON object per line, with fields and inherited fields', () => {
    const { lines } = logged((log) => log.with({ peer: 'p' }).warn('the link is slow', { roundTrip: 12 }));
    expect(lines).toEqual([expect.objectContaining({ level: 40, peer: 'p', roundTrip: 12, msg: 'the link is slow' })]);
  });

  test('is silent below its level', () => {
    const written: string[] = [];
    createLog('warn', (line) => written.push(line)).info('nothing');
    expect(written).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['a secret', new Secret(bytes.slice())],
    ['a secret deep in objects and arrays', { a: [{ b: { c: [new Secret(bytes.slice())] } }] }],
    [
      'a secret in a map, in a set',
      { m: new Map([['k', new Secret(bytes.slice())]]), s: new Set([new Secret(bytes.slice())]) },
    ],
    ['the bytes themselves', bytes],
    ['a Buffer', Buffer.from(bytes)],
    ['bytes in an array', [[bytes]]],
    ['other views', { a: new Uint16Array(bytes.buffer), b: bytes.buffer, c: new DataView(bytes.buffer) }],
    ['a scalar', { s: BigInt(`0x${hex}`) }],
    [
      'an error that carries them',
      Object.assign(new NodeError('config-invalid', 'no'), { bytes, secret: new Secret(bytes.slice()) }),
    ],
    ['an error within an error', new Error('outer', { cause: Object.assign(new Error('inner'), { bytes }) })],
    ['an object with toJSON', { toJSON: () => ({ bytes: hex }) }],
  ])('cannot print %s', (_name, value) => {
    const { text } = logged((log) => {
      log.info('message', { value });
      log.with({ value }).info('message');
    });
    const decimal = BigInt(`0x${hex}`).toString();
    for (const form of [
      hex,
      hex.toUpperCase(),
      Buffer.from(bytes).toString('base64'),
      decimal,
      String(Array.from(bytes)),
      '"0":160',
      '161,162',
    ]) {
      expect(text).not.toContain(form);
    }
  });

  test('errors keep their code and message, not their stack', () => {
    const { lines } = logged((log) => log.error('failed', { error: new NodeError('listen-failed', 'port taken') }));
    expect(lines[0]?.['error']).toEqual({ name: 'NodeError', code: 'listen-failed', message: 'port taken' });
  });

  test('copes with anything, cycles included', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(JSON.stringify(plain(cycle))).toContain('[deep]');
    assert(
      property(
        anything({ withBigInt: true, withMap: true, withSet: true, withTypedArray: true }),
        (value) => void JSON.stringify(plain(value)),
      ),
    );
  });
});
