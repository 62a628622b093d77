/**
 * Which pairs of client and server releases a test fleet should cover: those that the policy admits, nearest first, since
 * most upgrade failures are between adjacent releases. Also counts which of them a decision log has seen.
 */
import type { LogRecord } from '../decision/record.ts';
import { judgePair } from '../policy/pair.ts';
import type { SkewPolicy } from '../policy/types.ts';
import { firstOf, type Minor, printMinor, tryParseVersion } from '../version/version.ts';

export interface Pair {
  /** Release lines. */
  readonly client: string;
  readonly server: string;
  /** How many of the releases asked for lie between them, plus one; 0: the same. */
  readonly apart: number;
}

/** Nearest first, those of one release last; the newest first among equals. @param lines ascending. */
export function pairsOf(lines: readonly Minor[], policy: SkewPolicy): Pair[] {
  const pairs = lines.flatMap((client, from) =>
    lines
      .slice(from)
      .flatMap((server, apart) =>
        judgePair(firstOf(client), firstOf(server), policy).fits
          ? [{ client: printMinor(client), server: printMinor(server), apart }]
          : [],
      ),
  );
  const rank = ({ apart }: Pair) => (apart === 0 ? Number.POSITIVE_INFINITY : apart);
  return pairs.reverse().sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
}

/** How often each pair met, counted by the sessions in a log. */
export class Meetings {
  readonly #counts = new Map<string, number>();

  add(record: LogRecord): void {
    if (record.event !== 'handshake') return;
    const [client, server] = [record.client, record.serverVersion].map((version) =>
      version === null ? null : tryParseVersion(version),
    );
    if (!client || !server) return;
    const key = keyOf(printMinor(client), printMinor(server));
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  of({ client, server }: Pick<Pair, 'client' | 'server'>): number {
    return this.#counts.get(keyOf(client, server)) ?? 0;
  }
}

const keyOf = (client: string, server: string) => `${client} ${server}`;
