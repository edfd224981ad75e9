/**
 * Bytes that must not be seen: they print as `[secret]`, serialise as `"[secret]"`, and are overwritten when disposed of.
 * JavaScript cannot promise more (copies made by the engine and bigints stay); see docs/threat-model.md.
 */
export class Secret {
  #bytes: Uint8Array | undefined;

  /** Takes ownership of `bytes`: the caller must not keep them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The number of bytes; zero once wiped. */
  get length(): number {
    return this.#bytes?.length ?? 0;
  }

  get wiped(): boolean {
    return this.#bytes === undefined;
  }

  /**
   * Lends the bytes to `read`, which must neither keep nor return them.
   * @throws {SecretWiped} after the secret was disposed of.
   */
  use<T>(read: (bytes: Uint8Array) => T): T {
    if (this.#bytes === undefined) throw new SecretWiped();
    return read(this.#bytes);
  }

  /** An independent copy, to be wiped on its own. */
  clone(): Secret {
    return this.use((bytes) => new Secret(bytes.slice()));
  }

  /** Overwrites the bytes. Harmless when repeated. */
  wipe(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  [Symbol.dispose](): void {
    this.wipe();
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [Symbol.toPrimitive](): string {
    return '[secret]';
  }
}

// What Node's `util.inspect` and `console.log` call; a computed name in the class would have no isolated declaration.
Object.defineProperty(Secret.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: () => '[secret]' });

/** A secret was used after it had been wiped: a bug, never an input error. */
export class SecretWiped extends Error {
  override readonly name = 'SecretWiped';
  readonly code = 'secret-wiped';

  constructor() {
    super('a secret was used after it had been wiped');
  }
}

/** Overwrites byte arrays that are not worth a {@link Secret}: buffers of a function that is about to return. */
export function wipe(...buffers: readonly Uint8Array[]): void {
  for (const buffer of buffers) buffer.fill(0);
}
