import { dkls23, secp256k1, wire } from '@quorate/protocol';
import { limits } from '../limits.ts';

/** What two nodes say to make base transfers ahead. In each direction, Bob begins: see `dkls23/base-ot.ts`. */
export type StockMessage =
  /** Alice to Bob: I could do with more, and these are all that I have of this direction. */
  | { readonly type: 'wanted'; readonly value: { readonly sets: readonly Uint8Array[] } }
  /** Bob to Alice: my key for one more, and the ids of all that I have of this direction. */
  | {
      readonly type: 'offer';
      readonly value: {
        readonly session: Uint8Array;
        readonly key: Uint8Array;
        readonly sets: readonly Uint8Array[];
      };
    }
  /** Alice to Bob: her points. */
  | { readonly type: 'points'; readonly value: { readonly session: Uint8Array; readonly points: Uint8Array } };

const sets = wire.list(wire.fixed(32), limits.stockDepth);
/** S₀ ‖ S₁ of every transfer. Whether they are points costs a square root each, and is for the worker to see. */
const points = wire.fixed(2 * dkls23.baseOts(dkls23.suiteA) * secp256k1.pointBytes);

export const stockMessageCodec: wire.Codec<StockMessage> = wire.choice({
  wanted: wire.struct({ sets }),
  offer: wire.struct({ session: wire.fixed(32), key: wire.fixed(secp256k1.pointBytes), sets }),
  points: wire.struct({ session: wire.fixed(32), points }),
});
