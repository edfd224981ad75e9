import { type Approval, type Certificate, MAX_PARTIES, type PublicPackage } from '@quorate/protocol';
import { array, assert, integer, nat, property, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { certificateOf, Question } from './question.ts';

const network = new Uint8Array(32);
const packageOf = (epoch: number, threshold = 2): PublicPackage =>
  ({ epoch, threshold, transcript: new Uint8Array(32).fill(epoch) }) as Partial<PublicPackage> as PublicPackage;
const approval = (party: number, signature: number): Approval => ({
  keyId: new Uint8Array(32),
  epoch: 2,
  party,
  digest: new Uint8Array(32),
  signature: new Uint8Array(64).fill(signature),
});
const certificate = (epoch: number, approvals: readonly Approval[] = []): Certificate => ({
  network,
  publicPackage: new Uint8Array([epoch]),
  signatures: [],
  approvals,
});

/** What the peers a, b, c, … answered, in this order: epochs. */
function answered(...epochs: readonly number[]): Question {
  const names = epochs.map((_, i) => String.fromCharCode(97 + i));
  const question = new Question(names, () => undefined);
  for (const [i, epoch] of epochs.entries())
    question.answer(names[i] as string, { certificate: certificate(epoch), publicPackage: packageOf(epoch) });
  return question;
}

describe('the best answer', () => {
  test.for<[string, readonly number[], number | undefined]>([
    ['the newest, if enough use it', [1, 2, 1, 2], 2],
    ['an older one that enough use, if one alone shows a newer', [1, 3, 1, 2], 1],
    ['the newest, if enough use none', [1, 2], 2],
    ['none without answers', [], undefined],
  ])('is %s', ([, epochs, best]) => {
    const question = answered(...epochs);
    expect(question.best?.publicPackage.epoch).toBe(best);
    expect(question.newest?.publicPackage.epoch).toBe(epochs.length === 0 ? undefined : Math.max(...epochs));
  });
});

test('who is behind is told so once for each epoch that is newer', () => {
  const question = answered(1, 2, 1);
  expect([question.takeBehind(), question.takeBehind()]).toEqual([['a', 'c'], []]);
  question.answer('b', { certificate: certificate(3), publicPackage: packageOf(3) });
  expect(question.takeBehind()).toEqual(['a', 'c']);
});

test('who says that it uses the newest epoch answers with it, and takes nothing back that it sent', () => {
  const question = answered(2, 1, 1);
  const good = approval(1, 1);
  question.answer('b', { certificate: certificate(2, [good]), publicPackage: packageOf(2) });
  const says = (peer: string, transcript: Uint8Array): void =>
    question.hear(peer, { keyId: new Uint8Array(32), epoch: 2, party: 1, transcript });
  says('c', new Uint8Array(32));
  expect(question.newest?.users).toEqual(new Set(['a', 'b']));
  for (const peer of ['b', 'c', 'stranger']) says(peer, packageOf(2).transcript);
  expect(question.newest?.users).toEqual(new Set(['a', 'b', 'c']));
  expect(question.newest && certificateOf(question.newest).approvals).toEqual([good]);
});

test('approvals of the honest are kept, whatever and however many the others send, before them or after', () => {
  const one = tuple(nat(300), nat(255));
  const garbage = array(one, { maxLength: MAX_PARTIES, size: 'max' });
  assert(
    property(array(garbage, { maxLength: 9 }), nat(9), integer({ min: 1, max: 10 }), (lies, at, count) => {
      const good = Array.from({ length: count }, (_, i) => approval(i + 1, 7));
      const lists = lies.map((lie) => lie.map(([party, signature]) => approval(party, signature)));
      const all = [...lists.slice(0, at), good, ...lists.slice(at)];
      const question = new Question([], () => undefined);
      for (const [i, approvals] of all.entries())
        question.answer(`${i}`, { certificate: certificate(2, approvals), publicPackage: packageOf(2) });
      if (question.newest === undefined) throw new Error('somebody answered');
      const { approvals } = certificateOf(question.newest);
      expect(approvals).toEqual(expect.arrayContaining(good));
      expect(approvals.length).toBeLessThanOrEqual(MAX_PARTIES);
    }),
    { numRuns: 50, seed: 3, endOnFailure: true },
  );
});
