/** Which release lines exist between and around given ones: for the move a refusal asks for, and for tables. */
import { type Catalogue, linesOf } from '../version/catalogue.ts';
import { compareMinors, type Minor } from '../version/version.ts';

/** Lines from `first` to `last`, both included, at most `limit`; the catalogue says where a major ends. */
export function linesBetween(
  catalogue: Catalogue,
  first: Minor,
  last: Minor,
  limit = Number.POSITIVE_INFINITY,
): Minor[] {
  const known = linesOf(catalogue);
  const lines: Minor[] = [];
  for (let major = first.major; major <= last.major && lines.length < limit; major++) {
    const from = major === first.major ? first.minor : 0;
    const highest = known.filter((line) => line.major === major).at(-1)?.minor ?? from;
    const to = major === last.major ? last.minor : Math.max(from, highest);
    for (let minor = from; minor <= to && lines.length < limit; minor++) lines.push({ major, minor });
  }
  return lines;
}

/** Lines worth naming to a client that has to move: known ones and those of the servers, ascending. */
export function candidateLines(catalogue: Catalogue, servers: readonly Minor[], window: number): Minor[] {
  const around = servers.flatMap((server) =>
    Array.from({ length: Math.min(window, server.minor) + 1 }, (_, back) => ({
      major: server.major,
      minor: server.minor - back,
    })),
  );
  const all = [...linesOf(catalogue), ...around].sort(compareMinors);
  return all.filter((line, at) => at === 0 || compareMinors(all[at - 1] as Minor, line) !== 0);
}
