import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret, SecretWiped, wipe } from './secret.ts';

const bytes = () => Uint8Array.of(17, 34, 51);

describe('a secret', () => {
  it('shows itself to nobody', () => {
    const secret = new Secret(bytes());
    const seen = [
      String(secret),
      `secret: ${String(secret)}`,
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ deep: [secret] }, { depth: 9, showHidden: true }),
      Object.keys(secret).join(),
      // What a template or a sum would write.
      secret[Symbol.toPrimitive](),
    ];
    for (const text of seen) expect(text).not.toMatch(/17|34|51|112233/);
    expect(inspect(secret)).toBe('[secret]');
    expect(JSON.stringify(secret)).toBe('"[secret]"');
  });

  it('lends its bytes until it is wiped, and overwrites them then', () => {
    const owned = bytes();
    const secret = new Secret(owned);
    expect(secret.length).toBe(3);
    expect(secret.use((lent) => lent.length)).toBe(3);
    expect(secret.wiped).toBe(false);
    secret.wipe();
    secret.wipe();
    expect(owned).toEqual(new Uint8Array(3));
    expect(secret.wiped).toBe(true);
    expect(secret.length).toBe(0);
    expect(() => secret.use(() => 0)).toThrow(SecretWiped);
    expect(() => secret.clone()).toThrow(expect.objectContaining({ code: 'secret-wiped' }));
  });

  it('is wiped at the end of its scope, also by an exception', () => {
    const owned = bytes();
    expect(() => {
      using secret = new Secret(owned);
      secret.use(() => {
        throw new Error('in the middle');
      });
    }).toThrow('in the middle');
    expect(owned).toEqual(new Uint8Array(3));
  });

  it('has clones of its own', () => {
    const secret = new Secret(bytes());
    const clone = secret.clone();
    secret.wipe();
    expect(clone.use((lent) => [...lent])).toEqual([17, 34, 51]);
  });
});

it('wipes any number of buffers', () => {
  const [a, b] = [bytes(), bytes()];
  wipe(a, b);
  expect([...a, ...b]).toEqual([0, 0, 0, 0, 0, 0]);
});
