/**
 * That something is no longer wanted, told to whoever works on it: what AbortSignal is to the platform, for a fraction
 * of what it costs. Every client has several, and thousands may listen to one.
 */

/** Told once that what was begun is no longer wanted. An AbortSignal is one too. */
export interface CancelSignal {
  readonly aborted: boolean;
  /** Calls `act` when it aborts; not if it has aborted already. */
  addEventListener(type: 'abort', act: () => void): void;
  removeEventListener(type: 'abort', act: () => void): void;
}

/** A signal, and the way to abort it. */
export class Cancellation implements CancelSignal {
  aborted = false;
  /** In the order in which they came; null while nobody listens. */
  #acts: Set<() => void> | null = null;

  addEventListener(_type: 'abort', act: () => void): void {
    if (this.aborted) return;
    this.#acts ??= new Set();
    this.#acts.add(act);
  }

  removeEventListener(_type: 'abort', act: () => void): void {
    this.#acts?.delete(act);
  }

  /** Tells everybody who listens; once. */
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    const acts = this.#acts;
    this.#acts = null;
    if (acts !== null) for (const act of acts) act();
  }
}

/** The same, for what the platform does: programs and requests that are to be aborted. */
export function toAbortSignal(signal: CancelSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort);
  return controller.signal;
}
