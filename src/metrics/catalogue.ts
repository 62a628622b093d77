/**
 * Every metric of a gate's own: what it is called, its labels, and what it says. The metrics are made from here, and so
 * is the table in docs/metrics.md. Names follow the conventions of Prometheus: base units in the name, `_total` on
 * counters, `_info` on what is always 1.
 */

export interface MetricFacts {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  /** A sentence, for HELP and for the table. */
  readonly help: string;
  /** Of a histogram: upper bounds, seconds. */
  readonly buckets?: readonly number[];
}

const counter = (help: string, ...labels: string[]): MetricFacts => ({ type: 'counter', labels, help });
const gauge = (help: string, ...labels: string[]): MetricFacts => ({ type: 'gauge', labels, help });
const histogram = (help: string, buckets: readonly number[], ...labels: string[]): MetricFacts => ({
  type: 'histogram',
  labels,
  help,
  buckets,
});

/** Of a handshake: a dial takes a millisecond, and a hold minutes. */
const HANDSHAKE = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const HOLD = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const LEDGER = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const DELAY = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export const METRICS = {
  skewgate_connections_accepted_total: counter(
    'Connections that listeners accepted, also those that asked for nothing.',
    'listener',
  ),
  skewgate_connections_active: gauge(
    'Connections that are accepted and not over: accepted = active + ended, at every moment.',
  ),
  skewgate_connections_ended_total: counter(
    'Connections that are over, by cause: refused, client-left, probe, fault, or the reason for which a session ended.',
    'cause',
  ),
  skewgate_decisions_total: counter(
    'Handshakes that are over, by what was decided; client_line is a release line of the catalogue, or other, or none where no version was read.',
    'listener',
    'verdict',
    'code',
    'client_line',
  ),
  skewgate_limit_refusals_total: counter(
    'Clients that were turned away for a limit of the config, by its key; also those that were cut off without a record each.',
    'limit',
  ),
  skewgate_handshake_seconds: histogram(
    'How long handshakes took, by phase: hello, until it was read; dial, the last search of a server; total.',
    HANDSHAKE,
    'phase',
  ),
  skewgate_held_clients: gauge(
    'Clients that are held now, by what they wait for: upgrade, server, or operator (the end of a pause).',
    'for',
  ),
  skewgate_held_bytes: gauge(
    'Memory for what clients sent before they were admitted; see limits.heldMemory.',
  ),
  skewgate_hold_seconds: histogram('How long clients were held that had to wait.', HOLD),
  skewgate_server_info: gauge(
    'Always 1; version is the last that is known of the server, or unknown.',
    'server',
    'version',
  ),
  skewgate_server_up: gauge(
    '1 if the server answered when it was last asked, also while it drains; otherwise 0.',
    'server',
  ),
  skewgate_server_sessions: gauge('Sessions that are open at this gate, by server.', 'server'),
  skewgate_identity_handshakes_total: counter(
    'Handshakes of clients that are known, by what the config calls the client and what was decided; those of others are in skewgate_decisions_total alone.',
    'identity',
    'by',
    'verdict',
  ),
  skewgate_identity_sessions: gauge(
    'Sessions that are open at this gate, by what the config calls the client.',
    'identity',
  ),
  skewgate_upgrade_state: gauge(
    '1 for the state that the upgrade of the system tables is in, 0 for the others.',
    'state',
  ),
  skewgate_upgrade_progress: gauge(
    'How far the upgrade that runs is, 0 to 1; 0 while none runs, or nothing is known.',
  ),
  skewgate_ledger_up: gauge(
    '1 if the ledger of upgrades could be read when it was last asked, otherwise 0; absent where the policy has no system tables.',
  ),
  skewgate_ledger_request_seconds: histogram(
    "How long requests to the ledger's store took, also those that failed.",
    LEDGER,
    'op',
  ),
  skewgate_log_lost_total: counter('Records that the decision log, or its export, lost.'),
  skewgate_reloads_total: counter('Reloads of the config, by outcome: applied or refused.', 'outcome'),
  skewgate_admin_refused_total: counter(
    'Requests to the admin side that its guard refused, by the word of the answer: NO_TOKEN, WRONG_TOKEN, TOO_MANY_FAILURES, ROLE_TOO_LOW, WRONG_HOST or WRONG_ORIGIN.',
    'error',
  ),
  skewgate_event_loop_delay_seconds: histogram(
    'How late a timer came that is due ten times a second: how long everything else has to wait.',
    DELAY,
  ),
  skewgate_build_info: gauge(
    'Always 1; version is that of skewgate, policy the hash of what this gate decides by.',
    'version',
    'policy',
  ),
} as const satisfies Record<string, MetricFacts>;

export type MetricName = keyof typeof METRICS;

/** Markdown: the table of metrics. */
export function metricsTable(): string {
  const rows = Object.entries<MetricFacts>(METRICS).map(([name, { type, labels, help }]) => {
    const named = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${named} | ${help} |`;
  });
  return ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
