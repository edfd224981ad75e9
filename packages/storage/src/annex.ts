/**
 * The door to what is kept beside the database, so that it does not share its fate: a counter that shows when the whole store
 * was rolled back, and the second copies of shares. Everything in it is sealed. Methods reject with `StoreError`.
 */
export interface Annex {
  /** The counter file, undefined if there is none. */
  readCounter(): Promise<Uint8Array | undefined>;
  /**
   * Writes into the counter file in place, making it if there is none. Not synced: after a power cut it may be an older one,
   * which is harmless; it never shrinks.
   */
  writeCounter(offset: number, bytes: Uint8Array): void;
  /** The names of all copies, in order. */
  copies(): Promise<readonly string[]>;
  readCopy(name: string): Promise<Uint8Array | undefined>;
  /** The whole copy or none of it; synced. */
  writeCopy(name: string, bytes: Uint8Array): Promise<void>;
  /** Overwrites and removes the copy, synced. Harmless if there is none. */
  eraseCopy(name: string): Promise<void>;
  close(): Promise<void>;
}
