/** How answers are said: parts of sentences that several of them share. */
import type { NamedClient, Refused } from './answers.ts';

/** Names in one sentence; of more, how many. */
const NAMED = 5;
/** Clients in one sentence; more are an ellipsis. */
const CLIENTS = 2;

/** `1 session`, `3 sessions`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** `rs1`, `rs1 and rs2`, `rs1, rs2, rs3, rs4, rs5 and 3 more`. */
export function listed(names: readonly string[]): string {
  const shown = names.length > NAMED ? [...names.slice(0, NAMED), `${names.length - NAMED} more`] : names;
  return shown.length < 2 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** One name takes the one verb, several the other. */
export const verb = (names: readonly string[], one: string, several: string): string =>
  names.length === 1 ? one : several;

/** With its first letter as at the beginning of a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Clauses as one sentence, the first after `lead`. */
export function sentenceOf(clauses: readonly string[], lead = ''): string {
  const text = clauses.join('; ');
  return text === '' ? '' : `${lead === '' ? capital(text) : `${lead}${text}`}.`;
}

/** `client shop-batch from 10.0.3.7, …` */
export function whoClause(clients: readonly NamedClient[]): string {
  const named = clients
    .slice(0, CLIENTS)
    .map(({ name, driver, host, gate, sessions }) =>
      gate === null ? `client ${name ?? driver} from ${host}` : `${sessions} at ${gate}`,
    );
  return [...named, ...(clients.length > CLIENTS ? ['…'] : [])].join(', ');
}

/** `14 sessions of 4.12 fall out of the window (client shop-batch from 10.0.3.7, …)` */
export function refusedClause(refused: Refused): string {
  const { line, sessions, seen, clients } = refused;
  const whom = [
    ...(sessions > 0 ? [`${count(sessions, 'session')} of ${line}`] : []),
    ...(seen > 0 ? [`${count(seen, 'client')} of ${line} seen in the last hour`] : []),
  ].join(' and ');
  return `${whom} ${fate(refused, sessions + seen === 1)} (${whoClause(clients)})`;
}

/** What becomes of them, by the code they would be told; of those who are out already and gone, what stays so. */
function fate({ code, rule, already, sessions }: Refused, isOne: boolean): string {
  const [one, many, fall] = already && sessions === 0 ? ['remains', 'remain', 'stay'] : ['is', 'are', 'fall'];
  const are = isOne ? one : many;
  switch (code) {
    case 'CLIENT_OUTDATED':
      return rule === 'ranges'
        ? `${isOne ? 'shares' : 'share'} no protocol version with the servers`
        : `${isOne ? `${fall}s` : fall} out of the window`;
    case 'MAJOR_MISMATCH':
      return `${are} of an older major, which the servers do not accept`;
    case 'LOCKSTEP':
      return `${are} older than the system tables, where all clients are upgraded together`;
    case 'SERVER_OUTDATED':
      return `${are} newer than a server`;
    case 'DOWNTIME_REQUIRED':
      return `${are} refused while the upgrade runs, which needs downtime`;
    default:
      return `${are} refused with ${code}`;
  }
}

/** ` for another 12 min`; nothing where no end is set. */
export function lasting(until: number | null, now: number): string {
  return until === null ? '' : ` for another ${span(until - now)}`;
}

/** A time in ms as a person would say it, rounded up: `40 s`, `12 min`, `3 h`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3_600)} h`;
}
