/** `skewgate status`: a gate that runs, and its cluster, on one screen. */
import type { Command } from 'commander';
import { plural } from '../../config/units.ts';
import type { Next } from '../../planning/answers.ts';
import { type AdminClient, type AdminOptions, addAdminOptions, adminClient } from '../admin-client.ts';
import { bar, paint, table } from '../print.ts';
import { printable, printableJson } from '../printable.ts';

interface Cluster {
  readonly cluster: string;
  readonly gate: string;
  readonly program: string;
  readonly state: string;
  readonly listeners: readonly string[];
  readonly sessions: number;
  readonly handshakes: number;
}
interface Server {
  readonly id: string;
  readonly state: string;
  readonly version: string | null;
  readonly level: number | null;
  readonly sessions: number;
  readonly lastError: string | null;
}
interface Upgrade {
  readonly state: string;
  readonly sentence: string;
  readonly level: number | null;
  readonly holder: string | null;
  readonly step: number | null;
  readonly steps: number | null;
  readonly progress: number | null;
  readonly progressText: string | null;
}
interface Order {
  readonly what: string;
  readonly target: { readonly kind: string; readonly name: string | null };
  readonly by: string;
  readonly reason: string;
  readonly until: string | null;
  readonly scope: string;
  readonly sessions: number;
  readonly left: number;
}
interface Gate {
  readonly id: string;
  readonly isSelf: boolean;
  readonly admin: string | null;
  readonly program: string;
  readonly policyHash: string;
  readonly state: string;
  readonly sessions: Readonly<Record<string, number>>;
}

/** Defines `status`. */
export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .description(
      'Show a gate that runs, what its operators ordered, its servers, the upgrade and the other gates.',
    )
    .option('--json', 'print one JSON object');
  addAdminOptions(command).action(status);
}

async function status({ json, ...where }: AdminOptions & { readonly json?: true }): Promise<void> {
  const shown = await lookAt(await adminClient(where));
  console.log(json ? printableJson(shown) : describe(shown));
}

type Shown = Awaited<ReturnType<typeof lookAt>>;

async function lookAt(client: AdminClient) {
  const [cluster, { servers }, upgrade, { orders }, { gates }, next] = await Promise.all([
    client.get<Cluster>('/v1/cluster'),
    client.get<{ servers: Server[] }>('/v1/servers'),
    client.get<Upgrade>('/v1/upgrade'),
    client.get<{ orders: Order[] }>('/v1/orders'),
    client.get<{ gates: Gate[] }>('/v1/gates'),
    client.get<Next>('/v1/next'),
  ]);
  return { cluster, servers, upgrade, orders, gates, next };
}

function describe({ cluster, servers, upgrade, orders, gates, next }: Shown): string {
  const { gate, program, state, listeners, sessions, handshakes } = cluster;
  return [
    `${paint('bold', state)}: gate ${gate} of cluster ${cluster.cluster}, skewgate ${program}, on ${listeners.join(', ')}`,
    `${plural(sessions, 'session')} open, ${plural(handshakes, 'client')} on the way in`,
    '',
    ...next.sentence.split('\n').map(printable),
    ...orders.flatMap((order, at) => [...(at === 0 ? [''] : []), printable(orderLine(order))]),
    '',
    table([['server', 'state', 'version', 'level', 'sessions', ''], ...servers.map(serverRow)]).replace(
      / +$/gm,
      '',
    ),
    '',
    printable(upgradeLine(upgrade)),
    ...(gates.length > 1
      ? ['', table([['gate', 'state', 'sessions', 'skewgate', 'policy', 'admin'], ...gates.map(gateRow)])]
      : []),
  ].join('\n');
}

function orderLine({ what, target, by, reason, until, scope, sessions, left }: Order): string {
  return [
    `${what} of ${target.name === null ? 'the gate' : `${target.kind} ${target.name}`}`,
    ` by ${by}${reason === '' ? '' : ` (${reason})`}`,
    scope === 'cluster' ? ', for all gates' : '',
    until === null ? '' : `, until ${until}`,
    sessions === 0 ? '' : `, ${left} of ${plural(sessions, 'session')} left`,
  ].join('');
}

function serverRow({ id, state, version, level, sessions, lastError }: Server): string[] {
  const cells = [id, state, version ?? 'unknown', String(level ?? '-'), String(sessions), lastError ?? ''];
  return cells.map(printable);
}

function upgradeLine({ state, sentence, holder, step, steps, progress, progressText }: Upgrade): string {
  if (holder === null) return `Upgrade: ${state}. ${sentence}`;
  const shown = [progress === null ? null : bar(progress), progressText].filter(Boolean).join(' ');
  return `Upgrade: ${state}, step ${step} of ${steps}, held by ${holder}. ${shown}`.trim();
}

function gateRow({ id, isSelf, state, sessions, program, policyHash, admin }: Gate): string[] {
  const open = Object.values(sessions).reduce((sum, count) => sum + count, 0);
  return [isSelf ? `${id} (this one)` : id, state, String(open), program, policyHash, admin ?? 'none'].map(
    printable,
  );
}
