/** Tells waiters that something changed; what it is they look up themselves. */
export class Changes {
  #waiting = new Set<() => void>();
  #count = 0;

  /** Of calls to `notify`; noted before a look, it tells `next` what was looked at. */
  get count(): number {
    return this.#count;
  }

  notify(): void {
    this.#count++;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Resolves at the next `notify` after `since`, or when `signal` aborts. Never rejects. */
  next(signal: AbortSignal, since = this.#count): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || since !== this.#count) return resolve();
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
