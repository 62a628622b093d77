/** Asks policy about one client and the cluster as it is at this moment. Every verdict of a gate is asked for here. */
import type { Cluster } from '../cluster/cluster.ts';
import type { ServerStatus } from '../cluster/server-state.ts';
import type { Migration } from '../migration/migration.ts';
import { decide, fitFor } from '../policy/decide.ts';
import type { ClusterFacts, Decision } from '../policy/types.ts';
import type { Clock } from '../ports/clock.ts';
import type { Applicant } from './applicant.ts';
import type { Settings } from './settings.ts';

/** What verdicts are made of. */
export interface JudgeContext {
  readonly cluster: Cluster;
  readonly migration: Migration;
  readonly settings: Settings;
  readonly clock: Clock;
}

/** Policy, asked about the present. */
export class Judge {
  readonly #context: JudgeContext;

  constructor(context: JudgeContext) {
    this.#context = context;
  }

  /** The cluster as it is now, for this client. */
  facts({ initiator }: Applicant): ClusterFacts {
    const { cluster, migration } = this.#context;
    const { level, reached } = migration;
    return { servers: cluster.facts, level, reached, upgrade: migration.stateFor(initiator) };
  }

  /** The verdict as things are now, or were when `facts` were taken. */
  decide(applicant: Applicant, facts: ClusterFacts = this.facts(applicant)): Decision {
    const { settings, clock } = this.#context;
    return decide(applicant.facts, facts, settings.policy, clock.now());
  }

  /** Tells of a server whether it can take this client. */
  fitFor({ facts: client }: Applicant, facts: ClusterFacts): (server: ServerStatus) => boolean {
    const fits = fitFor(client, facts, this.#context.settings.policy);
    return (server) => server.state === 'up' && fits(server);
  }
}
