/** Ctrl-C once ends in order, twice at once. */
export interface Stop {
  /** Resolves at the first SIGINT or SIGTERM. */
  readonly asked: Promise<void>;
  /** Aborts at the second. */
  readonly force: AbortSignal;
}

/** Runs `act`, which ends in its own way once it is asked to; signals that come early are not lost. */
export async function untilStopped(act: (stop: Stop) => Promise<void>): Promise<void> {
  const force = new AbortController();
  const asked = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = () => {
    if (++signals === 1) asked.resolve();
    else force.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // Signals alone do not keep a process alive.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    await act({ asked: asked.promise, force: force.signal });
  } finally {
    clearInterval(alive);
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** Ends the process; a client that does not read does not keep it. @param flush ms that clients get to take what was sent */
export function leave(flush: number): void {
  setTimeout(() => process.exit(), flush).unref();
}
