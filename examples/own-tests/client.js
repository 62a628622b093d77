/** A client such as yours might be: it tries again where that helps, and otherwise says who has to be upgraded. */
import { setTimeout } from 'node:timers/promises';
import { connect, RefusedError } from 'skewgate';

export async function open(url, tries = 3) {
  for (let tried = 1; ; tried++) {
    try {
      return await connect(url);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.transient && tried < tries) {
        await setTimeout(error.retryAfterMs ?? 100);
        continue;
      }
      throw new Error(
        error.move === null
          ? `not admitted after ${tried} tries: ${error.code}`
          : `not admitted: upgrade the ${error.move.side} to ${error.move.to} (${error.move.who.join(', ')})`,
        { cause: error },
      );
    }
  }
}
