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

/**
 * Has the next start count from `counter` on, which is above every one before: synced. The upper bits of the counter say how
 * often that happened, the lower 32 how often the node started since.
 */
export async function raiseBoot(records: SealedStore, counter: number): Promise<void> {
  await records.put(place, 'boot', wire.encode(codec, { version: formatVersion, counter }));
}
