/** A gate as systemd starts, watches and restarts it. */
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { givenBySystemd } from '../../src/cli/systemd.ts';
import { echoServer, outcomeOf, serversOf } from '../cli/support.ts';
import { MAIN } from '../support/cli.ts';
import { keepComing } from '../support/crowd.ts';
import { tempFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { type Program, startProgram } from '../support/program.ts';

const TINY = fileURLToPath(new URL('./tiny-systemd.py', import.meta.url));
const UNITS = fileURLToPath(new URL('../../examples/systemd/', import.meta.url));

const has = (program: string) => spawnSync(program, ['--version']).status === 0;
const hasSystemd = ['systemd-notify', 'systemd-analyze', 'systemd-socket-activate'].every(has);
const hasTiny = has('systemd-notify') && has('python3');

interface Setup {
  readonly folder: string;
  readonly ports: readonly number[];
  url(version: string, at?: number): string;
}

async function writeConfig(more = ''): Promise<Setup> {
  const folder = tempFolder();
  const ports = [await freePort(), await freePort()];
  const server = await echoServer('4.14.0');
  writeFileSync(
    path.join(folder, 'gate.yaml'),
    [
      `listen: [{ tcp: '127.0.0.1:${ports[0]}' }, { ws: '127.0.0.1:${ports[1]}' }]`,
      serversOf(server.address),
      "migration: { ledger: 'memory:' }",
      'log: { file: decisions.ndjson }',
      more,
    ].join('\n'),
  );
  const url = (version: string, at = 0) =>
    `skewgate${at === 0 ? '' : '+ws'}://127.0.0.1:${ports[at]}/?version=${version}`;
  return { folder, ports, url };
}

function startTiny({ folder, ports }: Setup): Program {
  const gate = [process.execPath, MAIN, 'serve', path.join(folder, 'gate.yaml')];
  return startProgram('python3', [TINY, folder, ports.join(','), ...gate], { cwd: folder });
}

test.skipIf(!hasTiny)(
  'it says when it is ready, that it lives, when it reloads and when it stops, to whoever started it with NOTIFY_SOCKET',
  async () => {
    const setup = await writeConfig();
    const tiny = startTiny(setup);
    await tiny.waitFor(/told READY=1 STATUS=listening on tcp:\S+, ws:\S+/, 'stdout');
    expect(tiny.stdout).toMatch(/^told .*READY=1/);
    await tiny.waitFor(/(?:told WATCHDOG=1\s+){3}/, 'stdout');
    expect(await outcomeOf(setup.url('4.13.2'))).toBe('admitted by 4.14.0');
    expect(await outcomeOf(setup.url('4.13.2', 1))).toBe('admitted by 4.14.0');
    tiny.write('reload\n');
    await tiny.waitFor(/told RELOADING=1\n(?:told WATCHDOG=1\n)*told READY=1\n/, 'stdout');
    tiny.write('stop\n');
    await tiny.waitFor(/told STOPPING=1 STATUS=draining\n/, 'stdout');
    expect(await tiny.exited).toBe(0);
    expect(tiny.stdout).toContain('end 1 with status 0');
    expect(tiny.stdout).not.toContain('another process');
  },
  60_000,
);

test.skipIf(!hasTiny)(
  'restarted five times under load on sockets that outlive it, no client is refused or reset: those who come wait',
  async () => {
    const setup = await writeConfig('timeouts: { drain: 5s }');
    const tiny = startTiny(setup);
    await tiny.waitFor(/told READY=1/, 'stdout');
    const crowd = keepComing([setup.url('4.13.2'), setup.url('4.13.2', 1)], 16);
    for (let round = 1; round <= 5; round++) {
      tiny.write('restart\n');
      await tiny.waitFor(new RegExp(`end ${round} with status 0\\n[\\s\\S]*?told READY=1`), 'stdout');
    }
    const { admitted, failures } = await crowd.stop();
    expect(failures).toEqual([]);
    expect(admitted).toBeGreaterThan(50);
    tiny.write('stop\n');
    expect(await tiny.exited).toBe(0);
  },
  120_000,
);

test.skipIf(!hasSystemd)(
  'systemd-socket-activate starts it at the first connection, and that client is served',
  async () => {
    const { folder, ports, url } = await writeConfig();
    const listen = ports.flatMap((port) => ['-l', `127.0.0.1:${port}`]);
    const gate = [process.execPath, MAIN, 'serve', path.join(folder, 'gate.yaml')];
    const program = startProgram('systemd-socket-activate', [...listen, ...gate], { cwd: folder });
    await program.waitFor(new RegExp(`Listening on 127\\.0\\.0\\.1:${ports[1]}`), 'stderr');
    expect(program.stderr).not.toContain('skewgate:');
    expect(await outcomeOf(url('4.13.2'))).toBe('admitted by 4.14.0');
    expect(await outcomeOf(url('4.13.2', 1))).toBe('admitted by 4.14.0');
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
  },
);

test.skipIf(!hasTiny)('sockets that are not those of the config are refused, and say which', async () => {
  const setup = await writeConfig();
  const swapped = { ...setup, ports: [...setup.ports].reverse() };
  const tiny = startTiny(swapped);
  await tiny.waitFor(/the socket that was handed over for 127\.0\.0\.1:\d+ is on port \d+/);
  const fewer = startTiny({ ...(await writeConfig()), ports: [await freePort()] });
  await fewer.waitFor(/systemd hands over 1 socket, and the config has 2 listeners/);
  expect(fewer.stdout).not.toContain('READY=1');
});

test('what is in the environment for another process is not for this one', () => {
  const env = { LISTEN_PID: '1', LISTEN_FDS: '2', WATCHDOG_PID: '1', WATCHDOG_USEC: '1000' };
  expect(givenBySystemd(env, 2)).toEqual({ sockets: [], notifySocket: null, watchdogMs: null });
  expect(givenBySystemd(env, 1)).toEqual({ sockets: [3, 4], notifySocket: null, watchdogMs: 1 });
  expect(givenBySystemd({}, 1)).toEqual({ sockets: [], notifySocket: null, watchdogMs: null });
});

test.skipIf(!hasSystemd)('systemd-analyze finds nothing wrong with the units in examples/systemd', () => {
  const folder = tempFolder();
  cpSync(UNITS, folder, { recursive: true });
  const units = readdirSync(folder).filter((name) => /\.(?:service|socket)$/.test(name));
  expect(units.sort()).toEqual(['skewgate.service', 'skewgate.socket']);
  const service = path.join(folder, 'skewgate.service');
  // It looks for the program on this machine.
  const text = readFileSync(service, 'utf8').replace('/usr/bin/node', process.execPath);
  expect(text).toContain(process.execPath);
  writeFileSync(service, text);
  const files = units.map((name) => path.join(folder, name));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], {
    encoding: 'utf8',
  });
  expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('skewgate'))).toEqual([]);
  expect(status).toBe(0);
  const broken = path.join(folder, 'broken.service');
  writeFileSync(broken, text.replace('Type=notify', 'Type=notifies'));
  const found = spawnSync('systemd-analyze', ['verify', '--man=no', broken], { encoding: 'utf8' });
  expect(`${found.stdout}${found.stderr}`).toContain('notifies');
});
