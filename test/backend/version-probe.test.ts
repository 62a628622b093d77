/** Versions of servers that do not speak the handshake: stated, printed by a program, told over HTTP. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createVersionProbe, type VersionSource } from '../../src/backend/version-probe.ts';
import { printVersion } from '../../src/version/version.ts';
import { realEnvironment } from '../support/environment.ts';
import { type Fleet, startFleet } from '../support/gate.ts';

async function serve(answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/version`;
}

async function plainServer(): Promise<string> {
  const server = net.createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'learn-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

const probeVersion = async (source: VersionSource, signal = new AbortController().signal, cwd = '.') =>
  printVersion(await createVersionProbe(source, cwd)(signal));
const printing = (text: string) => [process.execPath, '-e', `process.stdout.write(${JSON.stringify(text)})`];

async function untilGone(pid: number): Promise<void> {
  const isAlive = () => {
    try {
      process.kill(pid, 0);
    } catch {
      return false;
    }
    // A process whose parent has not looked yet is gone too.
    const status = `/proc/${pid}/status`;
    return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, 'utf8'));
  };
  const limit = AbortSignal.timeout(8_000);
  while (isAlive() && !limit.aborted) await new Promise((resolve) => setImmediate(resolve));
  expect(isAlive()).toBe(false);
}

describe('from a program', () => {
  test.each([
    ['psql (PostgreSQL) 4.14.2 on x86_64', '4.14.2'],
    ['Redis server v=4.14.0 sha=0 malloc=jemalloc-5.2.1', '4.14.0'],
    ['release 4.14.1-cdh5.14.2\n', '4.14.1-cdh5.14.2'],
    ['PostgreSQL 15.18 (Debian 15.18-1.pgdg120+1) on x86_64, compiled by gcc 12.2.0', '15.18.0'],
    ['mydb 7.2-rc1', '7.2.0-rc1'],
    ['4.14', '4.14.0'],
  ])('%j is %s', async (text, version) => {
    expect(await probeVersion({ command: printing(text) })).toBe(version);
  });

  test('a pattern says which number it is: its group, or the whole match', async () => {
    const command = printing('client 1.2.3, server 4.15.0');
    expect(await probeVersion({ command, pattern: 'server (\\S+)' })).toBe('4.15.0');
    expect(await probeVersion({ command, pattern: '4\\.\\d+\\.\\d+' })).toBe('4.15.0');
  });

  test('a pattern that does not match says so; one that finds two parts is enough', async () => {
    const command = printing('release 15.18');
    await expect(probeVersion({ command, pattern: 'server (\\S+)' })).rejects.toThrow(
      'the version command printed "release 15.18", which does not match pattern',
    );
    expect(await probeVersion({ command, pattern: 'release (\\S+)' })).toBe('15.18.0');
  });

  test('runs in the folder it is given', async () => {
    const cwd = await folder();
    await writeFile(path.join(cwd, 'VERSION'), '4.16.1');
    const command = [process.execPath, '-p', 'require("node:fs").readFileSync("VERSION", "utf8")'];
    expect(await probeVersion({ command }, undefined, cwd)).toBe('4.16.1');
  });

  test.each([
    [
      'no version in it',
      printing('hello'),
      /^the version command printed "hello", which has no major\.minor\.patch: set pattern$/,
    ],
    ['too short a version', printing('build 4'), /printed "build 4", which has no major\.minor\.patch/],
    ['a long text without one', printing('x'.repeat(200)), /printed "x{80}…", which/],
    [
      'a failure',
      [process.execPath, '-e', 'console.error("no such host"); process.exit(3)'],
      /node ended with status 3: no such host$/,
    ],
    ['no such program', ['/nonexistent/program'], /ENOENT/],
    [
      'endless output',
      [process.execPath, '-e', 'setInterval(() => process.stdout.write("x".repeat(65536)))'],
      /wrote more than 65536 bytes/,
    ],
  ] as const)('%s is an error', async (_, command, message) => {
    await expect(probeVersion({ command })).rejects.toThrow(message);
  });

  test.each([
    ['that hangs', 'sleep 1000 & echo $! > child; wait'],
    ['that ends', 'sleep 1000 & echo $! > child; echo 4.14.0'],
  ])('what a program %s has started is ended with it', async (what, script) => {
    const cwd = await folder();
    const file = path.join(cwd, 'child');
    const abort = new AbortController();
    const learning = probeVersion({ command: ['sh', '-c', script] }, abort.signal, cwd);
    learning.catch(() => {});
    if (what === 'that ends') expect(await learning).toBe('4.14.0');
    const limit = AbortSignal.timeout(8_000);
    let pid = '';
    while (!pid.endsWith('\n') && !limit.aborted) pid = await readFile(file, 'utf8').catch(() => '');
    expect(Number(pid)).toBeGreaterThan(1);
    abort.abort();
    await untilGone(Number(pid));
  });

  test('a daemon that left the group and holds the output open does not outlast the signal', async () => {
    const cwd = await folder();
    const stop = new AbortController();
    const command = [
      'sh',
      '-c',
      'setsid sh -c "echo \\$\\$ > pid; exec sleep 60" & while [ ! -s pid ]; do :; done; echo 4.14.0',
    ];
    const asked = probeVersion({ command }, stop.signal, cwd);
    asked.catch(() => {});
    const daemon = await vi.waitFor(
      async () => {
        const pid = Number(await readFile(path.join(cwd, 'pid'), 'utf8'));
        expect(pid).toBeGreaterThan(0);
        return pid;
      },
      { timeout: 8_000 },
    );
    onTestFinished(() => void process.kill(daemon, 'SIGKILL'));
    stop.abort();
    await expect(asked).rejects.toThrow('sh was aborted');
  });

  test('a program that hangs is ended with the signal', async () => {
    const cwd = await folder();
    const file = path.join(cwd, 'pid');
    const code = `require('node:fs').writeFileSync(${JSON.stringify(file)}, String(process.pid)); process.stdout.write('x'); setInterval(() => {}, 1e6)`;
    const abort = new AbortController();
    const learning = probeVersion({ command: [process.execPath, '-e', code] }, abort.signal);
    learning.catch(() => {});
    const limit = AbortSignal.timeout(8_000);
    let pid = '';
    while (pid === '' && !limit.aborted) {
      pid = await readFile(file, 'utf8').catch(() => '');
    }
    expect(pid).not.toBe('');
    abort.abort();
    await expect(learning).rejects.toThrow(/abort/i);
    await untilGone(Number(pid));
  });
});

describe('over HTTP', () => {
  test('the first version in the answer counts', async () => {
    const url = await serve((_request, response) => response.end('{"version":"4.14.3","build":7}'));
    expect(await probeVersion({ http: url })).toBe('4.14.3');
  });

  test('an error status is an error, whatever the page says', async () => {
    const url = await serve((_request, response) => response.writeHead(503).end('nginx/1.24.0'));
    await expect(probeVersion({ http: url })).rejects.toThrow(/503/);
  });

  test('a redirect is not followed', async () => {
    const elsewhere = await serve((_request, response) => response.end('9.9.9'));
    const url = await serve((_request, response) => response.writeHead(302, { location: elsewhere }).end());
    await expect(probeVersion({ http: url })).rejects.toThrow();
  });

  test('an endless answer is cut, not collected', async () => {
    let sent = 0;
    const url = await serve((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x'))) sent += 65_536;
        response.once('drain', more);
      };
      more();
    });
    await expect(probeVersion({ http: url })).rejects.toThrow(/says "x{80}…", which has no major/);
    expect(sent).toBeLessThan(64 * 1_048_576);
  });

  test('an answer that does not come ends with the signal', async () => {
    const asked = Promise.withResolvers<void>();
    const url = await serve(() => asked.resolve());
    const abort = new AbortController();
    const learning = probeVersion({ http: url }, abort.signal);
    learning.catch(() => {});
    await asked.promise;
    abort.abort();
    await expect(learning).rejects.toThrow(/abort/i);
  });
});

describe('through a gate', () => {
  const states = (fleet: Fleet) =>
    fleet.cluster.servers.map(({ state, version, lastError }) => [
      state,
      version && printVersion(version),
      lastError,
    ]);

  test('stated, printed and told versions count alike', async () => {
    const url = await serve((_request, response) => response.end('4.14.2'));
    await using fleet = await startFleet(realEnvironment, {
      others: [
        { id: 'stated', address: await plainServer(), version: '4.14.0' },
        { id: 'printed', address: await plainServer(), version: { command: printing('4.14.1') } },
        { id: 'told', address: await plainServer(), version: { http: url } },
      ],
      // A program takes its time to start on a busy machine.
      timeouts: { dial: '15s' },
    });
    expect(states(fleet)).toEqual([
      ['up', '4.14.0', null],
      ['up', '4.14.1', null],
      ['up', '4.14.2', null],
    ]);
    const sessions = await Promise.all(Array.from({ length: 6 }, () => fleet.admit('4.13.0')));
    for (const session of sessions) {
      session.write('echo');
      const [bytes] = (await once(session, 'data')) as [Buffer];
      expect(bytes.toString()).toBe('echo');
      session.destroy();
    }
    expect(new Set(sessions.map(({ server }) => server.id)).size).toBe(3);
    expect((await fleet.refuse('4.15.0')).move?.who).toEqual(['stated', 'printed', 'told']);
  });

  test('a new release is noticed by the next probe', async () => {
    let version = '4.14.0';
    const url = await serve((_request, response) => response.end(version));
    await using fleet = await startFleet(realEnvironment, {
      others: [{ id: 'db', address: await plainServer(), version: { http: url } }],
      timeouts: { probe: '20ms', fresh: '0ms' },
    });
    expect((await fleet.refuse('4.15.0')).code).toBe('SERVER_OUTDATED');
    version = '4.15.0';
    const session = await fleet.admit('4.15.0');
    expect(session.server.version).toBe('4.15.0');
    session.destroy();
  });

  test('[M1] wrong output leaves the version unknown: newer clients wait, the log says why', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }],
      others: [{ id: 'odd', address: await plainServer(), version: { command: printing('no idea') } }],
      timeouts: { hold: '50ms', dial: '15s' },
    });
    expect(fleet.cluster.servers[1]).toMatchObject({ state: 'down', version: null });
    expect(fleet.cluster.servers[1]?.lastError).toContain(
      'printed "no idea", which has no major.minor.patch',
    );
    const refused = await fleet.refuse('4.15.0');
    expect(refused.code).toMatch(/^(SERVER_OUTDATED|VERSION_UNKNOWN)$/);
    const session = await fleet.admit('4.14.0');
    expect(session.server.id).toBe('s1');
    session.destroy();
  });

  test('[N1] a server that is not there is down, though its version is stated', async () => {
    await using fleet = await startFleet(realEnvironment, {
      others: [{ id: 'db', address: 'tcp://127.0.0.1:1', version: '4.14.0' }],
      timeouts: { hold: '50ms' },
    });
    const refused = await fleet.refuse('4.14.0');
    expect(refused.code).toMatch(/^(NO_SERVER|SERVER_UNREACHABLE)$/);
    expect(refused.transient).toBe(true);
  });
});
