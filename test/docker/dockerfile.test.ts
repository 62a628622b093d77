import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import semver from 'semver';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { type Instruction, ROOT, read, readDockerfile } from './files.ts';

const { stages } = readDockerfile();
const last = stages.at(-1) as readonly Instruction[];
const texts = (name: string) =>
  last.filter((instruction) => instruction.name === name).map(({ text }) => text);
const only = (name: string): string => {
  const found = texts(name);
  expect(found, name).toHaveLength(1);
  return found[0] as string;
};
const ports = parseConfig(read('docker/gate.yaml')).listen.map(({ tcp, ws }) => ({
  scheme: tcp === undefined ? 'ws' : 'tcp',
  port: (tcp ?? ws)?.split(':')[1],
}));

/** What a COPY takes from the build context. */
const copied = stages
  .flat()
  .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
  .flatMap(({ text }) => text.split(' ').slice(0, -1));

describe('the Dockerfile', () => {
  test('every file that it copies exists and is let through by .dockerignore', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) {
      expect(existsSync(new URL(path, ROOT)), path).toBe(true);
      expect(
        allowed.some((entry) => path === entry || path.startsWith(`${entry}/`)),
        `${path} is not in .dockerignore`,
      ).toBe(true);
    }
    expect(
      allowed.filter((entry) => !copied.some((path) => path === entry || path.startsWith(`${entry}/`))),
    ).toEqual([]);
  });

  test('every stage has a Node that package.json accepts', () => {
    const { engines } = JSON.parse(read('package.json'));
    for (const [from] of stages) {
      const major = /^node:(\d+)-bookworm-slim\b/.exec(from?.text ?? '')?.[1];
      expect(semver.satisfies(`${major}.0.0`, engines.node), from?.text).toBe(true);
    }
  });

  test('the last stage has no compiler, no tests and no install scripts', () => {
    expect(stages.at(-2)?.some(({ text }) => text.startsWith('npm ci --omit=dev --ignore-scripts'))).toBe(
      true,
    );
    expect(texts('COPY').filter((text) => text.includes('node_modules'))).toEqual([
      '--from=dependencies /app/node_modules node_modules',
    ]);
    expect(copied.filter((path) => /test|\.ci/.test(path))).toEqual([]);
  });

  test('the last stage has of src what the package has: the command, and the page for operators', () => {
    const { files } = JSON.parse(read('package.json')) as { files: string[] };
    const published = files.filter((file) => file.startsWith('src/'));
    expect(published.length).toBeGreaterThan(1);
    const own = texts('COPY').map((text) => text.split(' ').at(-1) as string);
    for (const file of published)
      expect(
        own.filter((path) => file === path || file.startsWith(`${path}/`)),
        file,
      ).toHaveLength(1);
  });

  test('it does not run as root', () => {
    expect(only('USER')).toBe('node');
    const names = last.map(({ name }) => name);
    expect(names.indexOf('USER')).toBeGreaterThan(names.lastIndexOf('RUN'));
  });

  test('it exposes the ports of docker/gate.yaml', () => {
    const admin = parseConfig(read('docker/gate.yaml')).admin?.listen.split(':')[1];
    expect(only('EXPOSE').split(' ')).toEqual([...ports.map(({ port }) => port), admin]);
  });

  test('its health check asks a port that speaks the handshake, of docker/gate.yaml', () => {
    const command = JSON.parse(/CMD (\[.*\])$/.exec(only('HEALTHCHECK'))?.[1] ?? 'null');
    expect(command).toEqual(['node', '/app/docker/health.mjs']);
    expect(texts('COPY')).toContain('docker/health.mjs docker/health.mjs');
    const tcp = ports.find(({ scheme }) => scheme === 'tcp')?.port;
    expect(texts('ENV')).toContain(`SKEWGATE_HEALTH=tcp://127.0.0.1:${tcp}`);
  });

  test('its entry point and command are a command line that the CLI takes', async () => {
    expect(JSON.parse(only('ENTRYPOINT'))).toEqual(['skewgate']);
    expect(only('RUN')).toContain('ln -s /app/src/cli/skewgate.cjs /usr/local/bin/skewgate');
    const [command, file, ...rest] = JSON.parse(only('CMD'));
    expect([command, file, rest]).toEqual(['serve', '/etc/skewgate/gate.yaml', []]);
    expect(texts('COPY')).toContain(`docker/gate.yaml ${file}`);
    // The image has the ledger's folder, which a machine that builds it need not have.
    const config = path.join(tempFolder(), 'gate.yaml');
    writeFileSync(config, read('docker/gate.yaml').replace('/var/lib/skewgate/', ''));
    const { status, stdout } = await runCli(['check', config]);
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('valid') });
  });
});
