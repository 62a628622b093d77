/** The default hook: asks an upgraded server to bring the tables one step on, and follows its progress. */
import type { Cluster } from '../../cluster/cluster.ts';
import { levelOf } from '../../version/catalogue.ts';
import type { MigrationSettings } from '../migration.ts';
import { type Hook, HookError } from './hook.ts';

/** Makes the hook that asks a server which is up and new enough for the step; the catalogue says which ones are. */
export function createServerHook(cluster: Cluster, settings: MigrationSettings): Hook {
  return {
    name: 'server',
    async run({ cluster: _name, client: _client, steps: _steps, ...request }, { signal, progress }) {
      const able = cluster.servers.find(
        ({ state, version, level }) =>
          state === 'up' &&
          level !== null &&
          version !== null &&
          levelOf(settings.policy.catalogue, version) >= request.toLevel,
      );
      if (able === undefined)
        throw new HookError(
          `no server that is up, keeps system tables and is on ${request.to} or later can run the upgrade`,
        );
      if (signal.aborted) throw new HookError('stopped before it began');
      try {
        const { link } = await cluster.reach(able.id, 'upgrade', signal);
        try {
          if (link.upgrade === undefined) throw new HookError(`${able.id} does not speak the handshake`);
          const askedAt = cluster.now();
          const { level, error } = await link.upgrade(request, signal, progress);
          if (error !== null) throw new HookError(`${able.id}: ${error}`, { said: true });
          if (level !== null) cluster.reportLevel(level, askedAt);
          return { level };
        } finally {
          link.close();
        }
      } catch (error) {
        if (error instanceof HookError) throw error;
        const why = signal.aborted ? 'stopped waiting for it' : (error as Error).message;
        throw new HookError(`${able.id}: ${why}`, { cause: error });
      }
    },
  };
}
