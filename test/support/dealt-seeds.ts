import type { ReceiverSeeds, SenderSeeds } from '../../packages/protocol/src/dkls23/extension.ts';
import type { Suite } from '../../packages/protocol/src/dkls23/suite.ts';
import type { Randomness } from '../../packages/protocol/src/random.ts';

/** What a pair set-up would leave with Bob and Alice, dealt by hand. */
export function dealtSeeds(
  { groups, leaves, k }: Suite,
  randomness: Randomness,
  delta: Uint8Array = randomness.bytes(16),
): { readonly bob: ReceiverSeeds; readonly alice: SenderSeeds } {
  const all = randomness.bytes(groups * leaves * 16);
  const punctured = all.slice();
  for (let g = 0; g < groups; g++) {
    let missing = 0;
    for (let b = 0; b < k; b++) {
      const i = k * g + b;
      missing |= (((delta[i >> 3] as number) >> (i & 7)) & 1) << b;
    }
    const at = (g * leaves + missing) * 16;
    punctured.fill(0, at, at + 16);
  }
  return { bob: { leaves: all }, alice: { leaves: punctured, delta } };
}
