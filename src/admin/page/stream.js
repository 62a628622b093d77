/**
 * Decisions as the gate makes them, by server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html),
 * after a break from where they left off. Read with fetch, since an EventSource can't send the token.
 */
import { openStream } from './api.js';

/** @import { Decision } from './shapes.ts' */

/** ms after which a stream is opened anew that broke off, or could not be opened. */
const AGAIN_MS = 3_000;
/** Characters of one event; a decision is some thousand at most. */
const MOST_TEXT = 1_000_000;

/**
 * @param {(decision: Decision) => void} hear
 * @param {(state: 'live' | 'lost') => void} tell whether decisions are heard
 * @param {() => boolean} mayHear whether the gate would answer at all
 */
export async function hearDecisions(hear, tell, mayHear) {
  let last = '';
  for (;;) {
    try {
      const chunks = mayHear() ? await openStream('/v1/decisions/live', last) : null;
      if (chunks !== null) tell('live');
      for await (const event of eventsIn(chunks ?? [])) {
        last = event.get('id') ?? last;
        if (event.get('event') === 'decision') hear(JSON.parse(event.get('data') ?? ''));
      }
    } catch {
      // Whatever it was, it is tried again.
    }
    tell('lost');
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** @param {AsyncIterable<string> | Iterable<string>} chunks @returns {AsyncGenerator<Map<string, string>>} fields of each event */
async function* eventsIn(chunks) {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    if (text.length > MOST_TEXT) throw new Error('an event is too long');
    for (const event of events) yield new Map(event.split('\n').map(fieldOf));
  }
}

/** @param {string} line @returns {[string, string]} */
function fieldOf(line) {
  const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
  return [name, value];
}
