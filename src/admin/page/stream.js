/** Decisions as the gate makes them, by server-sent events; the browser goes on after a break where it left off. */

/** @import { Decision } from './shapes.ts' */

/** ms after which a stream is opened anew that the browser has given up. */
const AGAIN_MS = 3_000;

/**
 * @param {(decision: Decision) => void} hear
 * @param {(state: 'live' | 'lost') => void} tell whether decisions are heard
 */
export function hearDecisions(hear, tell) {
  const source = new EventSource('/v1/decisions/live');
  source.addEventListener('open', () => tell('live'));
  source.addEventListener('decision', ({ data }) => hear(JSON.parse(data)));
  source.addEventListener('error', () => {
    tell('lost');
    if (source.readyState === EventSource.CLOSED) setTimeout(() => hearDecisions(hear, tell), AGAIN_MS);
  });
}
