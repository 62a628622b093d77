/** Gates of a test that stand in front of the same servers, each of which counts who asks it. */
import { onTestFinished } from 'vitest';
import { createPlainBackEnd } from '../../src/backend/plain.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import type { ServerState } from '../../src/cluster/server-state.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Connection } from '../../src/ports/transport.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { parseVersion, printVersion } from '../../src/version/version.ts';
import { join, type Member } from './members.ts';
import type { Place } from './places.ts';

export const PROBE = 5_000;
export const DIAL = 3_000;

export interface Question {
  readonly gate: string;
  readonly server: string;
  /** Monotonic. */
  readonly at: number;
}

export interface ProbingGate extends Member {
  readonly id: string;
  readonly cluster: Cluster;
  /** The version that it knows of a server. */
  knows(server: string): string | null;
  /** When what it knows of a server was asked for, monotonic. */
  knownAt(server: string): number;
  /** As a process that is killed: nothing of it goes on. */
  die(): void;
}

export interface Servers {
  /** What each answers, once it does. */
  readonly versions: Map<string, string>;
  /** Answers of these are held back until the promise is settled, each after it was made. */
  readonly held: Map<string, Promise<unknown>>;
  readonly questions: Question[];
  /** What each gate's own log tells of servers, `GATE: STATE VERSION`. */
  readonly told: string[];
  gate(
    id: string,
    options?: {
      readonly clock?: Clock;
      readonly fingerprint?: string;
      readonly isProber?: boolean;
      readonly readOnly?: boolean;
    },
  ): Promise<ProbingGate>;
  /** Who asked since, each once. */
  askedSince(at: number): string[];
}

export async function serversAt(place: Place, ids: readonly string[] = ['s1']): Promise<Servers> {
  const network = createMemoryNetwork(place.clock, 1);
  const versions = new Map(ids.map((id) => [id, '4.14.0']));
  const held = new Map<string, Promise<unknown>>();
  const questions: Question[] = [];
  const told: string[] = [];
  for (const id of ids)
    await network.listen(`${id}:1`, {
      accept: (connection: Connection) => connection.handle({ data() {}, end() {}, drain() {}, close() {} }),
    });

  const clusterOf = (gate: string, clock: Clock, found: { member: Member | null }) =>
    new Cluster({
      servers: ids.map((server) => ({
        id: server,
        address: `tcp://${server}:1`,
        backEnd: createPlainBackEnd(async () => {
          questions.push({ gate, server, at: place.clock.monotonic() });
          const said = parseVersion(versions.get(server) as string);
          await held.get(server);
          return said;
        }),
      })),
      transports: { tcp: network },
      clock,
      settings: { times: { dial: DIAL, probe: PROBE } },
      events: {
        emit(event) {
          if (event.event === 'server') told.push(`${gate}: ${event.state} ${event.version}`);
        },
      },
      shared: { onFinding: (finding) => found.member?.coordination.note(finding) },
    });

  return {
    versions,
    held,
    questions,
    told,
    askedSince: (at) => [...new Set(questions.filter((one) => one.at >= at).map(({ gate }) => gate))],
    async gate(id, { clock = place.clock, fingerprint = 'same', isProber = true, readOnly = false } = {}) {
      const found: { member: Member | null } = { member: null };
      const cluster = clusterOf(id, clock, found);
      const member = await join(place, id, {
        clock,
        probed: cluster,
        isProber,
        readOnly,
        fingerprints: () => new Map(ids.map((server) => [server, fingerprint])),
        beforeProbing: () => cluster.start(),
      });
      found.member = member;
      const state = (server: string) => cluster.servers.find((one) => one.id === server) as ServerState;
      const gate: ProbingGate = Object.assign(member, {
        id,
        cluster,
        knows: (server: string) => {
          const { version } = state(server);
          return version && printVersion(version);
        },
        knownAt: (server: string) => state(server).knownAt,
        die() {
          member.way.cut = true;
          cluster.stop();
          void member.coordination.stop();
        },
      });
      onTestFinished(() => cluster.stop());
      return gate;
    },
  };
}
