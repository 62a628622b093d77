/** Ctrl-C once ends in order, twice at once. */

/** Resolves when a first SIGINT or SIGTERM came and `finish` is done; a second one aborts `hurry`. */
export async function untilStopped(finish: (hurry: AbortSignal) => Promise<void>): Promise<void> {
  const hurry = new AbortController();
  const first = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = () => {
    if (++signals === 1) first.resolve();
    else hurry.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // Signals alone do not keep a process alive.
  const alive = setInterval(() => {}, 2 ** 30);
  await first.promise;
  await finish(hurry.signal);
  clearInterval(alive);
  process.off('SIGINT', onSignal);
  process.off('SIGTERM', onSignal);
}
