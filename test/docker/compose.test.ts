import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseUrl } from '../../src/client/url.ts';
import { parseConfig } from '../../src/config/load.ts';
import { policyOf } from '../../src/config/policy.ts';
import { decide } from '../../src/policy/decide.ts';
import { levelOf } from '../../src/version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../src/version/phoenix.ts';
import { parseVersion, printMinor } from '../../src/version/version.ts';
import { option, ROOT, read, readCompose, readDockerfile, service } from './files.ts';

const compose = readCompose();
const config = parseConfig(read('docker/gate.yaml'));
const docker = new URL('docker/', ROOT).pathname;
/** Those of skewgate itself; monitoring.test.ts has the others. */
const names = Object.keys(compose.services).filter((name) => service(compose, name).image === 'skewgate');
const serverNames = names.filter((name) => service(compose, name).command[0] === 'server');
const clientNames = names.filter((name) => service(compose, name).command[0] === 'connect');
const urlOf = (name: string) => service(compose, name).command[1] as string;
const clientVersion = (name: string) => parseVersion(parseUrl(urlOf(name)).hello.version);

/** What policy says to a client of the compose file, with rs1 on its default version or on another. */
function judged(client: string, env: Readonly<Record<string, string>> = {}) {
  const servers = serverNames.map((id) => ({
    id,
    version: parseVersion(option(service(readCompose(env), id), 'version')),
    state: 'up' as const,
  }));
  const tables = parseVersion(option(service(compose, serverNames[0] as string), 'tables-release'));
  const level = levelOf(PHOENIX_CATALOGUE, tables);
  return decide(
    { version: clientVersion(client), upgrade: 'may' },
    { servers, level, upgrade: { state: 'idle' } },
    policyOf(config),
  );
}

describe('the compose file', () => {
  test('has one gate, servers of two versions and clients of three', () => {
    const lines = (versions: string[]) => new Set(versions.map((text) => printMinor(parseVersion(text))));
    expect(names.filter((name) => service(compose, name).command[0] === 'serve')).toEqual(['gate']);
    expect(lines(serverNames.map((name) => option(service(compose, name), 'version'))).size).toBe(2);
    expect(clientNames.map((name) => `client-${printMinor(clientVersion(name))}`)).toEqual(clientNames);
    expect(new Set(clientNames).size).toBe(3);
  });

  test.each(names)('%s: the paths it builds from and mounts are there', (name) => {
    const { build, volumes = [], image } = service(compose, name);
    expect(image).toBe('skewgate');
    expect(existsSync(path.resolve(docker, build.context, 'package.json'))).toBe(true);
    expect(existsSync(path.resolve(docker, build.context, build.dockerfile))).toBe(true);
    for (const volume of volumes) {
      const [source = '', target = ''] = volume.split(':');
      if (source.startsWith('.')) expect(existsSync(path.resolve(docker, source)), source).toBe(true);
      else {
        expect(Object.keys(compose.volumes)).toContain(source);
        const made = readDockerfile()
          .stages.at(-1)
          ?.find(({ name: verb }) => verb === 'RUN')?.text;
        expect(/chown node:node (.*)$/.exec(made ?? '')?.[1]?.split(' ')).toContain(target);
      }
    }
  });

  test.each(Object.keys(compose.services))(
    '%s: writes to its volumes alone, has no capability and can gain none',
    (name) => {
      const { read_only, cap_drop, cap_add, security_opt, privileged, volumes } = service(compose, name);
      expect({ read_only, cap_drop, security_opt }).toEqual({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      expect([cap_add, privileged]).toEqual([undefined, undefined]);
      // What comes from the host is read, never written.
      for (const volume of volumes?.filter((each) => each.startsWith('.')) ?? [])
        expect(volume).toMatch(/:ro$/);
    },
  );

  test('the gate runs the file that is mounted, and its ports are published', () => {
    const { command, volumes, ports } = service(compose, 'gate');
    expect(volumes).toContain(`./gate.yaml:${command[1]}:ro`);
    const listening = config.listen.map(({ tcp, ws }) => (tcp ?? ws) as string);
    expect(listening.every((address) => address.startsWith('0.0.0.0:'))).toBe(true);
    const published = [...listening, config.admin?.listen as string].map((address) => address.split(':')[1]);
    expect(ports).toEqual(published.map((port) => `127.0.0.1:${port}:${port}`));
  });

  test("the gate's servers are the server services, under their names and where they listen", () => {
    expect(config.servers.map(({ id, address }) => ({ id, address }))).toEqual(
      serverNames.map((name) => ({
        id: option(service(compose, name), 'id'),
        address: option(service(compose, name), 'listen').replace('0.0.0.0', name),
      })),
    );
  });

  test("the gate's ledger is in a volume, so that it outlives the container", () => {
    const file = /^sqlite:(.*)$/.exec(config.migration.ledger)?.[1] ?? '';
    expect(service(compose, 'gate').volumes).toContain(`ledger:${path.dirname(file)}`);
  });

  test('servers share one file of system tables, as the same release left them', () => {
    for (const key of ['tables', 'tables-release'])
      expect(new Set(serverNames.map((name) => option(service(compose, name), key))).size, key).toBe(1);
    const tables = option(service(compose, 'rs1'), 'tables');
    for (const name of serverNames)
      expect(service(compose, name).volumes?.[0]?.split(':')[1], name).toBe(path.dirname(tables));
  });

  test('the health check of a server asks the port that it listens on', () => {
    for (const name of serverNames) {
      const listen = option(service(compose, name), 'listen');
      expect(service(compose, name).environment?.SKEWGATE_HEALTH).toBe(
        `${listen.replace('ws://0.0.0.0', 'http://127.0.0.1')}/`,
      );
    }
  });

  test('who waits for whom: servers one by one, then the gate, then the clients', () => {
    const healthy = (...on: string[]) =>
      Object.fromEntries(on.map((name) => [name, { condition: 'service_healthy' }]));
    expect(service(compose, 'rs1').depends_on).toBeUndefined();
    expect(service(compose, 'rs2').depends_on).toEqual(healthy('rs1'));
    expect(service(compose, 'gate').depends_on).toEqual(healthy('rs1', 'rs2'));
    for (const name of clientNames) {
      expect(service(compose, name).depends_on).toEqual(healthy('gate'));
      expect(service(compose, name).healthcheck).toEqual({ disable: true });
    }
  });

  test('clients use a port of the gate, by the transport that it speaks there', () => {
    for (const name of clientNames) {
      const [scheme, rest] = parseUrl(urlOf(name)).address.split('://') as [string, string];
      const port = rest.split(':')[1];
      expect(rest.split(':')[0]).toBe('gate');
      expect(
        config.listen.map(({ tcp, ws }) => (tcp ? `tcp ${tcp}` : `ws ${ws}`)),
        name,
      ).toContain(`${scheme} 0.0.0.0:${port}`);
    }
  });

  test('[M2] client-4.13 is older than both servers, and admitted', () => {
    expect(judged('client-4.13')).toMatchObject({ verdict: 'permit', code: 'PERMITTED', rule: 'M2' });
  });

  test('[M3] client-4.14 brings the upgrade', () => {
    expect(judged('client-4.14')).toMatchObject({ verdict: 'migrate', code: 'UPGRADE_NEEDED', rule: 'M3' });
  });

  test('[M1] client-4.15 is refused: rs1 is not upgraded', () => {
    expect(judged('client-4.15')).toMatchObject({
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      rule: 'M1',
      move: { side: 'server', to: '4.15', who: ['rs1'] },
    });
  });

  test('[M1] [M3] once rs1 is upgraded as the comment says, client-4.15 brings the next upgrade', () => {
    const [, version = ''] = /RS1_VERSION=(\S+) docker compose/.exec(read('docker/compose.yaml')) ?? [];
    expect(judged('client-4.15', { RS1_VERSION: version })).toMatchObject({ verdict: 'migrate', rule: 'M3' });
    expect(judged('client-4.13', { RS1_VERSION: version })).toMatchObject({ verdict: 'permit' });
  });
});
