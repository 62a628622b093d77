/** What dashboards expect of any process (`process_*`) and of Node.js (`nodejs_*`), by prom-client. */
import { readdir, stat } from 'node:fs/promises';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** They list every socket at each scrape, which a gate has two of for each session. */
const DEAR = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
];
const OPEN_FILES = 'process_open_fds';
const DESCRIPTORS = '/proc/self/fd';

/** Adds them, but for those that would stop a gate of many sessions for a while. */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of [...DEAR, OPEN_FILES]) registry.removeSingleMetric(name);
  if (process.platform !== 'linux') return;
  new Gauge({
    name: OPEN_FILES,
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      this.set(await openDescriptors());
    },
  });
}

/** Linux says it as the folder's size since 6.2; before, they have to be listed. */
async function openDescriptors(): Promise<number> {
  const { size } = await stat(DESCRIPTORS);
  return size > 0 ? size : (await readdir(DESCRIPTORS)).length;
}
