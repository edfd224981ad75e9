import { fromBytesBE, u16 } from '../bytes.ts';
import { tags } from '../tags.ts';
import { hashBy } from '../transcript.ts';
import type { Engine } from './extension.ts';
import { pack } from './scalars.ts';
import { order } from './suite.ts';

/** g_0 … g_{ξ-1} of a pair's direction (§3.5), in the two forms that products and branch-free sums want. Public. */
export interface Gadget {
  readonly scalars: readonly bigint[];
  readonly packed: Uint8Array;
}

/** @param pairSid H("sid/pair"; …) of the pair set-up: one gadget per pair, direction and epoch */
export function gadgetOf({ suite, symmetric }: Engine, pairSid: Uint8Array): Gadget {
  const scalars = Array.from(
    { length: suite.xi },
    (_, j) => fromBytesBE(hashBy(symmetric.sha512, tags.rvoleGadget, pairSid, u16(j))) % order,
  );
  return { scalars, packed: pack(scalars) };
}
