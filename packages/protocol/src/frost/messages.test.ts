import { describe, expect, it } from 'vitest';
import { dealKey } from '../../../../test/support/dealt-key.ts';
import { run, signing } from '../../../../test/support/signing.ts';
import { toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { ed25519Suite, taprootSuite } from './ciphersuite.ts';

describe('messages', () => {
  it.each([ed25519Suite(ed25519), taprootSuite(secp256k1)])(
    'of $scheme are those of the golden file',
    async (suite) => {
      const options = { group: suite.group, scheme: suite.scheme, threshold: 2, parties: [1, 2, 3] };
      const key = dealKey({ ...options, seed: Uint8Array.of(1) });
      const { history } = run(signing({ seed: 1, suite, key, signers: [1, 3], message: new Uint8Array(32) }));
      const messages = history
        .map(({ frame }) => decodeEnvelope(frame))
        .sort((a, b) => a.round - b.round || a.from - b.from);
      const lines = messages.map(
        ({ from, round, payload }) => `${suite.contextString} round ${round} party ${from} ${toHex(payload)}\n`,
      );
      expect(lines).toHaveLength(4);
      await expect(lines.join('')).toMatchFileSnapshot(`golden/${suite.scheme}.txt`);
    },
  );
});
