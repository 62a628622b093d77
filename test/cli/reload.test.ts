/** A gate that is told to read its config again, as people run it: SIGHUP and SIGUSR2. */
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { connect, echo, LOG, rewrite, WAIT } from './reload-support.ts';
import { echoServer, FAST, outcomeOf, type ServedGate, serveGate, serversOf } from './support.ts';

const reloads = ({ records }: ServedGate) =>
  records().filter(({ event, what }) => event === 'operator' && what === 'reload');

async function reload(gate: ServedGate, expected: 'done' | 'refused'): Promise<string> {
  const before = reloads(gate).length;
  gate.program.signal('SIGHUP');
  await vi.waitUntil(() => reloads(gate).length > before, WAIT);
  const last = reloads(gate).at(-1);
  expect(last).toMatchObject({ stage: expected, by: 'SIGHUP', target: { kind: 'gate' } });
  return last?.effect as string;
}

test('SIGHUP applies a server more, one less, a listener, a policy and limits, says so, and leaves sessions alone', async () => {
  const [old, fresh] = [await echoServer('4.14.0'), await echoServer('4.15.0')];
  const gate = await serveGate(`${serversOf(old.address)}\n${FAST}`);
  const session = await connect(gate.url('4.13.2'));
  expect(await outcomeOf(gate.url('4.15.0'))).toBe('SERVER_OUTDATED');
  const added = `tcp://127.0.0.1:${await freePort()}`;
  const config = [
    `servers: [{ id: s2, address: '${fresh.address}' }]`,
    FAST,
    LOG,
    'limits: { sessions: 3 }',
    'policy: { window: 1 }',
  ].join('\n');
  rewrite(gate, config, [...gate.addresses, added]);
  const effect = await reload(gate, 'done');
  for (const part of [
    's1: removed; its sessions go on',
    's2: added',
    `listen.${added}: added`,
    'limits.sessions: 100000 to 3',
    'policy.window: none to 1',
  ])
    expect(effect).toContain(part);
  await gate.program.waitFor(/reload done by SIGHUP: /);
  await gate.program.waitFor(/server s2: up, version 4\.15\.0/);
  expect(await echo(session, 'still here')).toBe('still here');
  expect(await outcomeOf(gate.url('4.15.0'))).toBe('admitted by 4.15.0');
  expect(await outcomeOf(`${added.replace('tcp', 'skewgate')}/?version=4.14.1`)).toBe('admitted by 4.15.0');
  expect(await outcomeOf(gate.url('4.13.2'))).toBe('CLIENT_OUTDATED');
  const ends = (id: string) =>
    gate.records().filter(({ event, server }) => event === 'session-end' && server === id);
  await vi.waitUntil(() => ends('s2').length === 2, WAIT);
  const second = await connect(gate.url('4.15.0'));
  const third = await connect(gate.url('4.15.0'));
  expect(await outcomeOf(gate.url('4.15.0'))).toBe('TOO_MANY_CONNECTIONS');
  for (const open of [session, second, third]) open.on('error', () => {}).destroy();
  await vi.waitUntil(() => ends('s1').length === 1, WAIT);
  expect(ends('s1')[0]?.reason).toMatch(/^(both-ended|client-gone)$/);
  gate.program.signal('SIGTERM');
  expect(await gate.program.exited).toBe(0);
});

test('a port that stays keeps its socket, also where it stands for another version from now on; one that goes is closed', async () => {
  const server = await echoServer('4.14.0');
  const config = [`servers: [{ id: s1, address: '${server.address}', version: 4.14.0 }]`, FAST, LOG].join(
    '\n',
  );
  const [kept, gone] = [await freePort(), await freePort()];
  const gate = await serveGate(config, {
    log: '',
    listen: `[{ tcp: '127.0.0.1:${kept}', assume: 4.14.0 }, { tcp: '127.0.0.1:${gone}' }]`,
  });
  const connected = net.connect(kept, '127.0.0.1');
  await once(connected, 'connect');
  await vi.waitUntil(() => gate.records().some(({ event }) => event === 'handshake'), WAIT);
  writeFileSync(
    path.join(gate.folder, 'gate.yaml'),
    `listen: [{ tcp: '127.0.0.1:${kept}', assume: 4.16.0 }]\n${config}`,
  );
  await reload(gate, 'done');
  const refused = net.connect(kept, '127.0.0.1').on('error', () => {});
  await once(refused, 'close');
  const handshakes = () => gate.records().filter(({ event }) => event === 'handshake');
  await vi.waitUntil(() => handshakes().length === 2, WAIT);
  expect(handshakes()).toMatchObject([
    { client: '4.14.0', verdict: 'permit' },
    { client: '4.16.0', verdict: 'refuse' },
  ]);
  const [error] = await once(net.connect(gone, '127.0.0.1'), 'error');
  expect(error.code).toBe('ECONNREFUSED');
  expect(connected.readyState).toBe('open');
  connected.destroy();
});

test.each([
  ['that is no config', 'limits: { sessions: many }', /limits\.sessions: .*\(line \d+\)/],
  [
    'with another ledger and id',
    "id: other\nmigration: { ledger: 'memory:' }",
    /(?=.*\bid: takes a restart: .)(?=.*migration\.ledger: takes a restart: .)/,
  ],
  [
    'of a folder that is not there',
    'log: { file: gone/decisions.ndjson }',
    /log\.file: the folder .* does not exist/,
  ],
])('a file %s changes nothing, and is said with the key', async (_what, wrong, why) => {
  const server = await echoServer('4.14.0');
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST}`);
  const log = wrong.startsWith('log') ? '' : `${LOG}\n`;
  rewrite(gate, `${log}servers: [{ id: s9, address: '${server.address}' }]\n${wrong}`);
  const effect = await reload(gate, 'refused');
  expect(effect).toMatch(/^nothing was changed: /);
  expect(effect).toMatch(why);
  await gate.program.waitFor(/reload by SIGHUP refused: nothing was changed/);
  expect(await outcomeOf(gate.url('4.13.2'))).toBe('admitted by 4.14.0');
  expect(gate.records().filter(({ server: id }) => id === 's9')).toEqual([]);
});

test('an address that is taken refuses the whole reload: nothing of it is left, and the ports that were bound are free', async () => {
  const server = await echoServer('4.14.0');
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as net.AddressInfo;
  const free = await freePort();
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST}`);
  rewrite(gate, `${LOG}\nlimits: { sessions: 1 }\nservers: [{ id: s9, address: '${server.address}' }]`, [
    ...gate.addresses,
    `tcp://127.0.0.1:${free}`,
    `tcp://127.0.0.1:${port}`,
  ]);
  expect(await reload(gate, 'refused')).toContain('EADDRINUSE');
  const [error] = await once(net.connect(free, '127.0.0.1'), 'error');
  expect(error.code).toBe('ECONNREFUSED');
  const session = await connect(gate.url('4.13.2'));
  expect(await outcomeOf(gate.url('4.13.2'))).toBe('admitted by 4.14.0');
  expect(gate.records().filter(({ server: id }) => id === 's9')).toEqual([]);
  session.on('error', () => {}).destroy();
});

test('SIGUSR2 goes on in a new file, as logrotate wants it; SIGHUP can name another one; no record is lost', async () => {
  const server = await echoServer('4.14.0');
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST}`);
  const file = (name: string) => path.join(gate.folder, name);
  const clientsIn = (name: string) =>
    readFileSync(file(name), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === 'handshake')
      .map(({ client }) => client);
  expect(await outcomeOf(gate.url('4.13.0'))).toBe('admitted by 4.14.0');
  await vi.waitUntil(() => clientsIn('decisions.ndjson').length === 1, WAIT);
  renameSync(file('decisions.ndjson'), file('moved.ndjson'));
  expect(await outcomeOf(gate.url('4.13.1'))).toBe('admitted by 4.14.0');
  // Until then it waits in memory, and would go to the new file.
  await vi.waitUntil(() => clientsIn('moved.ndjson').length === 2, WAIT);
  gate.program.signal('SIGUSR2');
  await gate.program.waitFor(/the decision log was opened again/);
  expect(await outcomeOf(gate.url('4.13.2'))).toBe('admitted by 4.14.0');
  await vi.waitUntil(() => clientsIn('decisions.ndjson').includes('4.13.2'), WAIT);
  rewrite(gate, `${serversOf(server.address)}\n${FAST}\nlog: { file: other.ndjson, keep: 9 }`);
  gate.program.signal('SIGHUP');
  await gate.program.waitFor(/reload done by SIGHUP: .*log\.file: decisions\.ndjson to other\.ndjson/);
  expect(await outcomeOf(gate.url('4.14.0'))).toBe('admitted by 4.14.0');
  gate.program.signal('SIGTERM');
  expect(await gate.program.exited).toBe(0);
  expect([clientsIn('moved.ndjson'), clientsIn('decisions.ndjson'), clientsIn('other.ndjson')]).toEqual([
    ['4.13.0', '4.13.1'],
    ['4.13.2'],
    ['4.14.0'],
  ]);
});

test('check --against says what a reload would change, and status 2 where it would be refused', async () => {
  const folder = tempFolder();
  const write = (name: string, text: string) => {
    const file = path.join(folder, name);
    const entry = 'servers: [{ id: s1, address: tcp://127.0.0.1:9001 }]';
    writeFileSync(file, `listen: [{ tcp: 127.0.0.1:8700 }]\n${entry}\n${text}`);
    return file;
  };
  const running = write('running.yaml', '');
  const lower = write('lower.yaml', 'limits: { sessions: 10 }');
  const changed = await runCli(['check', lower, '--against', running]);
  expect(changed.stdout).toContain('limits.sessions: 100000 to 10');
  expect(changed.status).toBe(0);
  const same = await runCli(['check', running, '--against', running]);
  expect(same.stdout).toContain('changes nothing');
  const refused = await runCli(['check', write('other.yaml', 'cluster: other'), '--against', running]);
  expect(refused.stderr).toMatch(/^cluster: takes a restart: /m);
  expect(refused.status).toBe(2);
});

test('POST /v1/reload does the same: a dry run says what it would change and changes nothing, and who asked is on record', async () => {
  const server = await echoServer('4.14.0');
  const admin = "admin: { listen: '127.0.0.1:0' }";
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST}\n${admin}`);
  const [, page] = await gate.program.waitFor(/admin on (http:\S+)/);
  const token = readFileSync(path.join(gate.folder, 'admin.token'), 'utf8').trim();
  const post = async (asked: object) => {
    const answer = await fetch(new URL('/v1/reload', page), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(asked),
    });
    expect(answer.status).toBe(200);
    return answer.json();
  };
  rewrite(gate, `${serversOf(server.address)}\n${FAST}\n${LOG}\n${admin}\nlimits: { sessions: 7 }`);
  const changes = expect.arrayContaining([
    { key: 'limits.sessions', sentence: 'limits.sessions: 100000 to 7' },
  ]);
  expect(await post({ dryRun: true })).toMatchObject({ dryRun: true, done: true, changes, refused: [] });
  expect(reloads(gate)).toEqual([]);
  expect(await post({ by: 'ann', reason: 'too many' })).toMatchObject({ dryRun: false, done: true, changes });
  await vi.waitUntil(() => reloads(gate).length === 1, WAIT);
  expect(reloads(gate)[0]).toMatchObject({ by: 'ann', reason: 'too many', stage: 'done' });
  expect(await post({ dryRun: true })).toMatchObject({ done: true, changes: [] });
  rewrite(gate, 'limits: { sessions: many }');
  expect(await post({ by: 'ann' })).toMatchObject({
    done: false,
    changes: [],
    refused: expect.arrayContaining([{ key: 'limits.sessions', why: expect.stringContaining('line 2') }]),
  });
});
