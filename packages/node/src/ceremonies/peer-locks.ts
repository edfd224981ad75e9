/**
 * One holder per peer at a time: a check that depends on our secrets is answered, and a ban for failing it durable, before
 * the next one with the same peer begins. Peers are taken in one order, so that no two holders wait for each other.
 */
export class PeerLocks {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `work` while holding all of `peers`. */
  async hold<T>(peers: readonly string[], work: () => Promise<T>): Promise<T> {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    for (const peer of [...new Set(peers)].sort((a, b) => (a < b ? -1 : 1))) {
      const before = this.#tails.get(peer) ?? Promise.resolve();
      const tail = before.then(async () => released);
      this.#tails.set(peer, tail);
      void tail.then(() => {
        if (this.#tails.get(peer) === tail) this.#tails.delete(peer);
      });
      await before;
    }
    try {
      return await work();
    } finally {
      release();
    }
  }
}
