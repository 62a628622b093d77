/** Who has to move, and to what, so that doing it leads to being admitted. */
import { type Catalogue, entriesOf } from '../version/catalogue.ts';
import {
  compareMinors,
  firstOf,
  type Minor,
  parseMinor,
  printMinor,
  printVersion,
  type Version,
} from '../version/version.ts';
import type { Code } from './codes.ts';
import { candidateLines } from './lines.ts';
import { judgePair } from './pair.ts';
import type { ClientFacts, ClusterFacts, Move, Note, ServerFacts, SkewPolicy } from './types.ts';

type Known = ServerFacts & { readonly version: Version };

/** Servers named in one sentence; of more, the number. */
const NAMED = 5;

/** Servers as a sentence names them: `rs1 (4.14.0), rs2 (4.14.1)`; of more than five, the first ones and how many more. */
export function whoToPoint(servers: readonly Known[]): string {
  const named = servers.slice(0, NAMED).map(({ id, version }) => `${id} (${printVersion(version)})`);
  const more = servers.length > NAMED ? ` and ${servers.length - NAMED} more` : '';
  return `${named.join(', ')}${more}`;
}

/** Servers whose minor is below `line`. */
export function olderThan(servers: readonly Known[], line: Minor): Known[] {
  return servers.filter(({ version }) => compareMinors(version, line) < 0);
}

/**
 * The lowest release line above the client's that every server accepts, of the servers' own major if there is
 * one. Where the servers are so far apart that no client fits them all, the older servers move first.
 */
export function clientTarget(client: ClientFacts, servers: readonly Known[], policy: SkewPolicy): Move {
  const lines = candidateLines(
    policy.catalogue,
    servers.map(({ version }) => version),
    policy.window ?? 0,
  );
  const fitting = lines
    .filter((line) => compareMinors(line, client.version) > 0)
    .filter((line) => servers.every(({ version }) => judgePair(firstOf(line), version, policy).fits));
  const majors = new Set(servers.map(({ version }) => version.major));
  const target = fitting.find(({ major }) => majors.has(major)) ?? fitting[0];
  if (target !== undefined)
    return { side: 'client', to: printMinor(target), who: [printVersion(client.version)] };
  const newest = servers
    .map(({ version }) => version)
    .sort(compareMinors)
    .at(-1) as Version;
  const to =
    lines.find((line) => judgePair(firstOf(line), newest, policy).fits && line.major === newest.major) ??
    newest;
  return { side: 'server', to: printMinor(to), who: olderThan(servers, to).map(({ id }) => id) };
}

/** What the catalogue has to say about the releases a refusal is about: the client's and the servers' lines. */
export function notesFor(
  catalogue: Catalogue,
  code: Code,
  client: ClientFacts,
  cluster: ClusterFacts,
): readonly Note[] {
  if (code === 'PERMITTED') return [];
  const lines = new Set(
    [client.version, ...cluster.servers.map(({ version }) => version)]
      .filter((version) => version !== null)
      .map(printMinor),
  );
  return [...lines].flatMap((line) =>
    entriesOf(catalogue, parseMinor(line))
      .filter((entry) => entry.notes !== undefined || entry.link !== undefined)
      .map((entry) => ({
        release: printVersion(entry.version),
        text: entry.notes ?? '',
        link: entry.link ?? null,
      })),
  );
}
