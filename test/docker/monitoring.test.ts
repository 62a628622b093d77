/** What docker/monitoring gives Prometheus and Grafana: the scrape config, the dashboard and the alert rules. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/load.ts';
import { METRICS } from '../../src/metrics/catalogue.ts';
import { CODE_NAMES } from '../../src/policy/codes.ts';
import { createMemoryTables } from '../../src/server/tables.ts';
import { startWithAdmin } from '../admin/support.ts';
import { ROOT, read, readCompose, service } from './files.ts';
import { NO_PROMETHEUS, Prometheus } from './prometheus.ts';

const FOLDER = new URL('docker/monitoring/', ROOT).pathname;

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly action: string };
}

const dashboard: { panels: Panel[] } = JSON.parse(read('docker/monitoring/grafana/skewgate.json'));
const rules: Rule[] = parse(read('docker/monitoring/alerts.yml')).groups[0].rules;
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
);
const own = (text: string) => text.match(/\bskewgate_\w+/g) ?? [];
const baseOf = (name: string) => name.replace(/_bucket$/, '');

describe('the files', () => {
  test('name no metric that a gate does not have; every metric is on the dashboard', () => {
    const shown = queries.flatMap(({ expr }) => own(expr)).map(baseOf);
    const judged = rules.flatMap(({ expr }) => own(expr)).map(baseOf);
    expect([...new Set([...shown, ...judged])].filter((name) => !(name in METRICS))).toEqual([]);
    expect(Object.keys(METRICS).filter((name) => !shown.includes(name))).toEqual([]);
  });

  test('name no code that a gate does not have', () => {
    const lists = rules.flatMap(({ expr }) => [...expr.matchAll(/\bcode=~?"([^"]*)"/g)]);
    const codes = lists.flatMap(([, list = '']) => list.split('|'));
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !(CODE_NAMES as readonly string[]).includes(code))).toEqual([]);
  });

  test('say of each alert what to do, and have a case that fires it and one that does not', () => {
    const cases = parse(read('docker/monitoring/alerts.test.yml')).tests.flatMap(
      ({ alert_rule_test: all }: { alert_rule_test: unknown[] }) => all,
    ) as { alertname: string; exp_alerts: unknown[] }[];
    for (const { alert, annotations, labels } of rules) {
      expect(annotations.action.length, alert).toBeGreaterThan(40);
      expect(annotations.summary, alert).toBeTruthy();
      expect(labels.severity, alert).toMatch(/^(?:critical|warning|info)$/);
      const fired = cases
        .filter(({ alertname }) => alertname === alert)
        .map(({ exp_alerts: all }) => all.length);
      expect(fired, alert).toEqual([0, 1]);
    }
  });

  test('fit the compose file: what it mounts is there, and the gate is asked where it listens, by a name that it knows', () => {
    const compose = readCompose();
    for (const name of ['prometheus', 'grafana']) {
      const { profiles, volumes = [] } = service(compose, name);
      expect(profiles).toEqual(['monitoring']);
      const mounted = volumes
        .map((volume) => volume.split(':')[0] as string)
        .filter((one) => one.startsWith('.'));
      expect(mounted.length).toBeGreaterThan(0);
      for (const one of mounted) expect(existsSync(path.resolve(FOLDER, '..', one)), one).toBe(true);
    }
    const { admin } = parseConfig(read('docker/gate.yaml'));
    const [target = ''] = parse(read('docker/monitoring/prometheus.yml')).scrape_configs[0].static_configs[0]
      .targets;
    const [host, port] = target.split(':');
    expect(Object.keys(compose.services)).toContain(host);
    expect([admin?.hosts, admin?.listen]).toEqual([[host], `0.0.0.0:${port}`]);
    const source = parse(read('docker/monitoring/grafana/provisioning/datasources/prometheus.yml'));
    expect(source.datasources[0].url).toBe('http://prometheus:9090');
  });
});

describe.skipIf(NO_PROMETHEUS !== null && process.env.CI === undefined)('Prometheus', () => {
  const promtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });
    return { status, said: `${stdout}${stderr}` };
  };

  test('takes the scrape config and the alert rules, each of which fires when it should', () => {
    for (const args of [
      ['check', 'config', 'prometheus.yml'],
      ['check', 'rules', 'alerts.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ])
      expect(promtool(...args), args.join(' ')).toMatchObject({ status: 0 });
  });

  test('scrapes a gate, and every query of the dashboard gives numbers', async () => {
    const token = randomBytes(24).toString('base64url');
    const hash = `sha256:${createHash('sha256').update(token).digest('hex')}`;
    await using gate = await startWithAdmin({
      servers: [{ version: '4.14.0', tables: createMemoryTables(27), upgradeMs: 1_500 }],
      clients: { required: false, tokens: [{ name: 'shop', hash }] },
    });
    await using prometheus = await Prometheus.start([gate.admin.address.replace('http://', '')]);
    await prometheus.eventually('the gate is scraped', async () => {
      const [up] = await prometheus.query('up{job="skewgate"}');
      return up?.value === 1;
    });
    // One that is held while the tables are upgraded, one that is refused, and one that ends.
    (await gate.fleet.admit('4.14.0')).destroy();
    await gate.fleet.refuse('4.15.0');
    const session = await gate.fleet.admit('4.13.0', { token });
    for (const { title, expr } of queries) {
      const asked = expr.replaceAll('$gate', '.*').replaceAll('$__rate_interval', '30s');
      expect(asked).not.toContain('$');
      await prometheus.eventually(`${title}: ${asked}`, async () => {
        const found = await prometheus.query(asked);
        return found.length > 0 && found.every(({ value }) => Number.isFinite(value));
      });
    }
    session.destroy();
    const sum = 'sum(skewgate_connections_accepted_total) - sum(skewgate_connections_ended_total)';
    expect(await prometheus.query(`${sum} != sum(skewgate_connections_active)`)).toEqual([]);
    const loaded = await prometheus.rules();
    expect(loaded.map(({ name }) => name)).toEqual(rules.map(({ alert }) => alert));
    expect(loaded.filter(({ health }) => health !== 'ok')).toEqual([]);
  }, 60_000);
});
