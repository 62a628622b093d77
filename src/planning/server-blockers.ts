/** What is in the way of a step on the side of the servers. */

import { levelOf } from '../version/catalogue.ts';
import { compareVersions, firstOf, printCore, printMinor, printVersion } from '../version/version.ts';
import type { Blocker } from './answers.ts';
import type { FleetFacts, FleetServer } from './facts.ts';
import { catalogueOf, type Goal, isBehind } from './goal.ts';
import { listed, verb } from './sentences.ts';

/** The goal as a move names it: the line, or the version where the patch matters. */
export function targetOf({ line, version, level }: Goal, facts: Pick<FleetFacts, 'policy'>): string {
  const first = levelOf(catalogueOf(facts.policy), firstOf(line));
  return level !== null && first < level ? printCore(version) : printMinor(line);
}

/**
 * The servers that are not there yet, those that do not answer, and those of which nobody knows what they run.
 * @param later whether another step comes first, so that their versions are not those of today
 */
export function serverBlockers(facts: FleetFacts, goal: Goal, later: boolean): Blocker[] {
  const { servers, policy } = facts;
  const to = targetOf(goal, facts);
  const blocker = (kind: Blocker['kind'], of: readonly FleetServer[], message: string): Blocker => {
    const who = of.map(({ id }) => id);
    return { kind, who, move: { side: 'server', to, who }, message };
  };
  const unknown = servers.filter(({ version }) => version === null);
  const down = servers.filter(({ state, version }) => state === 'down' && version !== null);
  const behind = servers.filter((server) => server.state !== 'down' && isBehind(server, goal, policy));
  return [
    ...byVersion(behind).map((group) => {
      const ids = group.map(({ id }) => id);
      const message = later
        ? `${listed(ids)} ${verb(ids, 'goes', 'go')} on to ${to}.`
        : `${listed(ids)} ${verb(ids, 'is', 'are')} still on ${versionOf(group[0])}.`;
      return blocker('server-behind', group, message);
    }),
    ...down.map((server) =>
      blocker(
        'server-down',
        [server],
        `${server.id} is down${why(server)}, and counts as ${versionOf(server)}.`,
      ),
    ),
    ...unknown.map((server) => unknownServer(server, to)),
    ...noneUp(facts, blocker),
  ];
}

/** A server of which nobody knows what it runs. @param to what it should run; null: nobody can say either */
export function unknownServer(server: FleetServer, to: string | null): Blocker {
  const who = [server.id];
  const move = to === null ? null : ({ side: 'server', to, who } as const);
  return {
    kind: 'server-unknown',
    who,
    move,
    message: `The version of ${server.id} is unknown${why(server)}.`,
  };
}

function noneUp(
  { servers }: FleetFacts,
  blocker: (kind: Blocker['kind'], of: readonly FleetServer[], message: string) => Blocker,
): Blocker[] {
  const draining = servers.filter(({ state }) => state === 'draining');
  if (draining.length === 0 || servers.some(({ state }) => state === 'up')) return [];
  const ids = draining.map(({ id }) => id);
  const message = `No server takes sessions: ${listed(ids)} ${verb(ids, 'is', 'are')} draining.`;
  return [blocker('server-draining', draining, message)];
}

/** Oldest version first. */
function byVersion(servers: readonly FleetServer[]): FleetServer[][] {
  return [...Map.groupBy(servers, versionOf).values()].toSorted(([a], [b]) =>
    a?.version && b?.version ? compareVersions(a.version, b.version) : 0,
  );
}

const versionOf = (server: FleetServer | undefined) =>
  server?.version ? printVersion(server.version) : 'an unknown version';

const why = ({ lastError }: FleetServer) => (lastError === null ? '' : ` (${lastError})`);
