import { expect, it } from 'vitest';
import { ascii } from '../bytes.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { BLOCK_BYTES, ELL, LAMBDA_C, order, SCALAR_BYTES, suiteA, suiteOf } from './suite.ts';

it('has the parameters and sizes of suite A', () => {
  expect(suiteA).toEqual({
    id: 'quorate/v1 DKLs23 secp256k1 lambda_c=128 lambda_s=80 rho=2 k=2 sigma=128 SHA-256 SHA-512 AES-128-TMMO secp256k1_XMD:SHA-256_SSWU_RO_',
    lambdaS: 80,
    rho: 2,
    k: 2,
    xi: 416,
    groups: 64,
    leaves: 4,
    width: 4,
    rowBytes: 68,
    requestBytes: 4400,
    answerBytes: 53344,
  });
  expect([LAMBDA_C, ELL, SCALAR_BYTES, BLOCK_BYTES]).toEqual([128, 2, 32, 16]);
  expect(order).toBe(secp256k1.order);
  expect(ascii(suiteA.id)).toHaveLength(suiteA.id.length);
});

it('gives other parameters other sizes and another name', () => {
  const suites = [suiteA, ...[1, 4].map((k) => suiteOf({ ...suiteA, k })), suiteOf({ lambdaS: 128, rho: 1, k: 2 })];
  expect(suites.map((suite) => suite.requestBytes)).toEqual([4400, 8752, 2224, 5168]);
  expect(suites.map((suite) => suite.answerBytes)).toEqual([53344, 53344, 53344, 49216]);
  expect(new Set(suites.map((suite) => suite.id)).size).toBe(suites.length);
});
