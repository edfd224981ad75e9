/** Runs tasks that concern the same thing one after the other, and tasks that do not side by side. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `task` once every earlier task for `subject` has settled. */
  async take<T>(subject: string, task: () => Promise<T>): Promise<T> {
    const running = (this.#last.get(subject) ?? Promise.resolve()).then(task);
    const settled = running.then(ignore, ignore);
    this.#last.set(subject, settled);
    try {
      return await running;
    } finally {
      if (this.#last.get(subject) === settled) this.#last.delete(subject);
    }
  }
}

function ignore(): void {}
