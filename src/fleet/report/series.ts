/** The data behind the picture of a report: counts over time, and colours of versions. */
import { printMinor, tryParseVersion } from '../../version/version.ts';
import { handshakes } from '../expectations.ts';
import type { Report } from '../run.ts';
import { byVersion, NO_VERSION } from './summary.ts';

/** A count at the end of each of `columns` equal parts of the scenario's time. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Mark {
  /** ms since the start, of the first. */
  readonly at: number;
  readonly count: number;
}

interface Change {
  readonly at: number;
  readonly by: number;
}

function sample(changes: readonly Change[], start: number, end: number, columns: number): number[] {
  const sorted = changes.toSorted((one, other) => one.at - other.at);
  let next = 0;
  let value = 0;
  return Array.from({ length: columns }, (_, column) => {
    const until = start + ((column + 1) / columns) * (end - start);
    for (; next < sorted.length && (sorted[next] as Change).at <= until; next++)
      value += (sorted[next] as Change).by;
    return value;
  });
}

/** Open sessions, one series for each client version, oldest first. */
export function sessionsOver({ sessions, start, end }: Report, columns: number): Series[] {
  const byClient = Map.groupBy(sessions, ({ client }) => client);
  return [...byClient]
    .sort(([one], [other]) => byVersion(one, other))
    .map(([name, changes]) => ({ name, values: sample(changes, start, end, columns) }));
}

/** Clients that a gate held, admitted or refused in the end. */
export function waitingOver({ facts, start, end }: Report, columns: number): Series {
  const changes = handshakes(facts)
    .filter(({ phases }) => phases.heldMs > 0)
    .flatMap(({ time, phases }) => {
      const over = Date.parse(time);
      return [
        { at: over - phases.heldMs, by: 1 },
        { at: over, by: -1 },
      ];
    });
  return { name: 'waiting', values: sample(changes, start, end, columns) };
}

/** Refusals by code; those closer together than `gap` ms are one mark. */
export function refusalMarks({ facts, start }: Report, gap: number): Map<string, Mark[]> {
  const refused = handshakes(facts).filter(({ verdict }) => verdict === 'refuse');
  const byCode = Map.groupBy(refused, ({ code }) => code as string);
  const marks = [...byCode].map(([code, those]) => {
    const times = those.map(({ time }) => ({ at: Date.parse(time) - start, count: 1 }));
    return [code, clustered(times, gap)] as const;
  });
  return new Map(marks);
}

/** Marks in the order of time; those closer than `gap` ms to the first of a cluster are one. */
export function clustered(marks: readonly Mark[], gap: number): Mark[] {
  const clusters: Mark[] = [];
  for (const { at, count } of marks.toSorted((one, other) => one.at - other.at)) {
    const last = clusters.at(-1);
    if (last !== undefined && at - last.at < gap)
      clusters[clusters.length - 1] = { at: last.at, count: last.count + count };
    else clusters.push({ at, count });
  }
  return clusters;
}

/** Number of colours that the style has for release lines. */
export const COLOURS = 8;

/** Assigns each release line a colour, the same for servers and clients. */
export function coloursOf({ nodes, sessions, scenario }: Report): (version: string) => number {
  const versions = [
    ...nodes.flatMap(({ version }) => version ?? []),
    ...sessions.map(({ client }) => client),
    ...scenario.clients.map(({ version }) => version),
  ];
  const lines = [...new Set([...new Set(versions)].sort(byVersion).map(lineOf))];
  return (version) => Math.max(0, lines.indexOf(lineOf(version))) % COLOURS;
}

/** The release line of a version, such as 4.14; `none` for a client that never said one. */
export function lineOf(version: string): string {
  const parsed = tryParseVersion(version);
  return parsed === null ? NO_VERSION : printMinor(parsed);
}

/** The colours of the release lines that occur, oldest first. */
export function legendOf(report: Report): Array<{ readonly line: string; readonly colour: number }> {
  const colour = coloursOf(report);
  const versions = [
    ...report.nodes.flatMap(({ version }) => version ?? []),
    ...report.sessions.map(({ client }) => client),
  ];
  const lines = new Map(versions.map((version) => [lineOf(version), colour(version)]));
  return [...lines].map(([line, shade]) => ({ line, colour: shade })).sort((a, b) => a.colour - b.colour);
}
