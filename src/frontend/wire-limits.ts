/** Cuts what grows with the fleet to the limits of the protocol, so that a client can read every answer. */
import type { Decision } from '../policy/types.ts';
import type { MessageInput } from '../wire/messages.ts';
import { Encoded } from '../wire/msgpack.ts';

/** The longest text for people that the protocol takes; parts of a list get less, so that the whole fits a frame. */
const MAX_SENTENCE = 2048;

/** At most `limit` UTF-16 units of `text`, the last of them an ellipsis where it was cut. */
export function sentence(text: string, limit = MAX_SENTENCE): string {
  return text.length > limit ? `${text.slice(0, limit - 1).toWellFormed()}…` : text;
}

/** A decision as a `refuse` or `permit` message carries it; its notices go with the permit itself, and limits are the gate's own. */
export function forWire({ notices: _, limit: __, ...decision }: Decision): MessageInput<'refuse'> {
  return {
    ...decision,
    message: sentence(decision.message),
    move: decision.move && { ...decision.move, who: decision.move.who.slice(0, 64) },
    notes: decision.notes.slice(0, 8).map((note) => ({ ...note, text: sentence(note.text, 1024) })),
    trace: decision.trace.map((step) => ({ ...step, because: sentence(step.because, 512) })),
  };
}

const encoded = new WeakMap<Decision, Encoded>();

/** The same, encoded: clients that are judged alike share a decision, which is worth encoding once. */
export function encodedForWire(decision: Decision): Encoded {
  const known = encoded.get(decision);
  if (known !== undefined) return known;
  const fresh = new Encoded(forWire(decision));
  encoded.set(decision, fresh);
  return fresh;
}
