/** Who has to move, and to what, so that doing it leads to being admitted. */
import { type Catalogue, notedReleases } from '../version/catalogue.ts';
import { compareMinors, firstOf, type Minor, printMinor, printVersion } from '../version/version.ts';
import type { Code } from './codes.ts';
import { candidateLines } from './lines.ts';
import { judgePair } from './pair.ts';
import type { KnownServer, ServerSet } from './server-set.ts';
import type { ClientFacts, Move, Note, SkewPolicy } from './types.ts';

/** Servers named in one sentence; of more, the number. */
const NAMED = 5;

/** Servers as a sentence names them: `rs1 (4.14.0), rs2 (4.14.1)`; of more than five, the first ones and how many more. */
export function whoToPoint({ servers }: ServerSet<KnownServer>): string {
  const named = servers.slice(0, NAMED).map(({ id, version }) => `${id} (${printVersion(version)})`);
  const more = servers.length > NAMED ? ` and ${servers.length - NAMED} more` : '';
  return `${named.join(', ')}${more}`;
}

/** Servers that a sentence names in full up to here: as many as the protocol has room for in a move. */
const LISTED = 64;

/** Names as a sentence lists all of them; of very many, the first ones and how many more. */
export function listNames(names: readonly string[]): string {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  return `${names.slice(0, LISTED).join(', ')}${more}`;
}

/** Servers whose minor is below `line`. */
export function olderThan(servers: ServerSet<KnownServer>, line: Minor): ServerSet<KnownServer> {
  return servers.filter(({ version }) => compareMinors(version, line) < 0);
}

/**
 * The lowest release line above the client's that every server accepts, of the servers' own major if there is
 * one. Where the servers are so far apart that no client fits them all, the older servers move first.
 */
export function clientTarget(client: ClientFacts, servers: ServerSet<KnownServer>, policy: SkewPolicy): Move {
  const versions = servers.examples.map(({ version }) => version);
  const lines = candidateLines(policy.catalogue, versions, policy.window ?? 0);
  const fitting = lines
    .filter((line) => compareMinors(line, client.version) > 0)
    .filter((line) => versions.every((version) => judgePair(firstOf(line), version, policy).fits));
  const majors = new Set(versions.map(({ major }) => major));
  const target = fitting.find(({ major }) => majors.has(major)) ?? fitting[0];
  if (target !== undefined)
    return { side: 'client', to: printMinor(target), who: [printVersion(client.version)] };
  const newest = versions.reduce((most, version) => (compareMinors(version, most) > 0 ? version : most));
  const to =
    lines.find((line) => judgePair(firstOf(line), newest, policy).fits && line.major === newest.major) ??
    newest;
  return { side: 'server', to: printMinor(to), who: olderThan(servers, to).ids };
}

/** What the catalogue has to say about the releases a refusal is about: the client's and the servers' lines. */
export function notesFor(
  catalogue: Catalogue,
  code: Code,
  client: ClientFacts,
  servers: ServerSet,
): readonly Note[] {
  if (code === 'PERMITTED') return [];
  const lines: Minor[] = [];
  for (const line of [client.version, ...servers.known().examples.map(({ version }) => version)])
    if (!lines.some((other) => compareMinors(other, line) === 0)) lines.push(line);
  return lines.flatMap((line) =>
    notedReleases(catalogue, line).map(({ version, notes = '', link = null }) => ({
      release: printVersion(version),
      text: notes,
      link,
    })),
  );
}
