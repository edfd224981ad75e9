import { describe, expect, it } from 'vitest';
import { chiSquareOf, leaks, likely } from '../../../../test/support/choice-bits.ts';

describe('what Bob sees', () => {
  it('is independent of what Alice chose, as far as any cheap feature tells, over 10,112 transfers', () => {
    const found = leaks(79);
    expect(found).toHaveLength(21);
    // Also no feature that is the same throughout, which would be no number.
    expect(found.filter(({ chiSquare }) => !(chiSquare <= likely))).toEqual([]);
  });

  it('would be told apart if one bit in six followed the choice', () => {
    const choices = Array.from({ length: 1024 }, (_, i) => (i * 7 + (i >> 3)) & 1);
    const leaking = choices.map((c, i) => (i % 6 === 0 ? c : (i >> 1) & 1));
    expect(chiSquareOf(choices, leaking)).toBeGreaterThan(likely);
  });
});
