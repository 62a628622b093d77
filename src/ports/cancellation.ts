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
  /** Most have one listener at a time, and are spared the set. */
  #first: (() => void) | null = null;
  /** Those that came while there was another, in their order. */
  #more: Set<() => void> | null = null;

  addEventListener(_type: 'abort', act: () => void): void {
    if (this.aborted || act === this.#first) return;
    if (this.#first === null && this.#more === null) this.#first = act;
    else {
      this.#more ??= new Set();
      this.#more.add(act);
    }
  }

  removeEventListener(_type: 'abort', act: () => void): void {
    if (act === this.#first) this.#first = null;
    else if (this.#more?.delete(act) && this.#more.size === 0) this.#more = null;
  }

  /** Tells everybody who listens; once. */
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    const [first, more] = [this.#first, this.#more];
    this.#first = null;
    this.#more = null;
    first?.();
    if (more !== null) for (const act of more) act();
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

/** Calls `act` when `signal` aborts; at once, if it has. */
export function onAbort(signal: CancelSignal | undefined, act: () => void): void {
  if (signal?.aborted) act();
  else signal?.addEventListener('abort', act);
}

/** Resolves when `signal` aborts. */
export function aborted(signal: CancelSignal): Promise<void> {
  return new Promise((resolve) => onAbort(signal, resolve));
}
