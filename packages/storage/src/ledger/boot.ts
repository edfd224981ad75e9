import { wire } from '@quorate/protocol';
import { decodeRecord } from '../sealing/errors.ts';
import type { SealedStore } from '../sealing/sealed-store.ts';

interface BootRecord extends Record<string, unknown> {
  readonly version: number;
  readonly counter: number;
}

const place = 'boot';
const formatVersion = 1;
const codec: wire.Codec<BootRecord> = wire.struct<BootRecord>({
  version: wire.version(formatVersion),
  counter: wire.u48,
});

/** Counts this start of the node, synced before it returns: 1, 2, … What a boot epoch opens with. */
export async function countBoot(records: SealedStore): Promise<number> {
  const bytes = await records.get(place, 'boot');
  const counter = bytes === undefined ? 1 : decodeRecord(place, codec, bytes).counter + 1;
  await records.put(place, 'boot', wire.encode(codec, { version: formatVersion, counter }));
  return counter;
}
