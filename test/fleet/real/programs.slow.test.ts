/** Programs of somebody else in place of simulated servers and clients, and what becomes of all processes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { createRealFleet } from '../../../src/fleet/real/real-fleet.ts';
import { runScenario } from '../../../src/fleet/run.ts';
import { parseScenario } from '../../../src/fleet/scenario.ts';
import { tempFolder } from '../../support/folder.ts';
import { startCli } from '../../support/program.ts';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

const TCP_SERVER = `
import net from 'node:net';
const [port, version] = process.argv.slice(2);
net.createServer((socket) => {
  socket.on('error', () => {});
  socket.write(version + '\\n');
}).listen(Number(port), '127.0.0.1');
`;
/** Stays until it is told to go; with a word from a server, that is. */
const TCP_CLIENT = `
import net from 'node:net';
const [host, port] = process.argv.slice(2);
const socket = net.connect({ host, port });
socket.on('data', (bytes) => console.log(String(bytes)));
socket.on('error', () => {});
socket.on('close', () => process.exit(1));
`;

async function play(text: string) {
  const folder = tempFolder();
  writeFileSync(path.join(folder, 'server.mjs'), TCP_SERVER);
  writeFileSync(path.join(folder, 'client.mjs'), TCP_CLIENT);
  const scenario = parseScenario(text.replaceAll('NODE', process.execPath).replaceAll('MAIN', MAIN));
  const said: string[] = [];
  const fleet = createRealFleet(scenario, { folder, say: (line) => said.push(line) });
  const report = await runScenario(scenario, fleet, { folder });
  return { report, said };
}

test('[M1] plain TCP servers and clients: ports stand for versions, of servers the scenario says them', async () => {
  const { report, said } = await play(`
name: plain TCP
servers:
  count: 2
  version: 4.14.0
  command: [NODE, server.mjs, '{port}', '{version}']
  handshake: false
clients:
  - { name: app, version: 4.14.0, command: [NODE, client.mjs, '{host}', '{port}'], handshake: false }
  - { name: early, version: 4.15.0, command: [NODE, client.mjs, '{host}', '{port}'], handshake: false }
timeouts: { probe: 200ms, fresh: 0ms }
steps:
  - connect: app
  - connect: early
  - until: { admitted: { 4.14.0: 1 }, refused: { SERVER_OUTDATED: { 4.15.0: 1 } }, sessions: 1, dropped: 0, within: 30s }
  - disconnect: app
  - roll: { to: 4.15.0, grace: 1s, pause: 0s, health: 10s }
  - change: { group: app, to: 4.15.0 }
  - connect: early
  - until: { sessions: 2, admitted: { 4.15.0: 2 }, within: 30s }
expect: { admitted: { 4.14.0: 1, 4.15.0: 2 }, refused: 1, sessions: 2, dropped: 0, lost: 0 }
`);
  expect(report.failures).toEqual([]);
  expect(said).toEqual([]);
});

test('programs that speak the handshake: a client that is content when it ends was not dropped', async () => {
  const { report } = await play(`
name: with the handshake
gates: 2
servers:
  count: 2
  version: 4.14.0
  command: [NODE, MAIN, server, --version, '{version}', --listen, '{host}:{port}', --id, '{id}']
clients:
  - { name: app, count: 2, version: 4.13.0, command: [NODE, MAIN, connect, '{url}'] }
  - { name: stays, version: 4.14.0 }
timeouts: { probe: 200ms, fresh: 0ms }
steps:
  - connect: stays
  - connect: app
  - wait: 8s
  - run: { command: [sh, -c, 'NODE MAIN connect "$SKEWGATE_GATE2/?version=4.14.9" </dev/null'] }
  - run: { command: [sh, -c, 'NODE MAIN migration status --ledger $SKEWGATE_LEDGER --cluster $SKEWGATE_CLUSTER'] }
  - kill: rs1
  - kill: rs2
  - wait: 3s
expect: { decisions: { PERMITTED: 4 }, sessions: 0, dropped: 1, lost: 0 }
`);
  expect(report.failures).toEqual([]);
});

test('a server that never listens fails the scenario, with its words', async () => {
  const played = play(`
name: no server
servers: { count: 1, version: 4.14.0, command: [NODE, nowhere.mjs] }
steps: [{ wait: 1s }]
`);
  await expect(played).rejects.toThrow(/does not take connections/);
});

/** Ids of its children, and theirs. */
function offspring(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const children = text === '' ? [] : text.split(' ').map(Number);
  return [...children, ...children.flatMap(offspring)];
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'after %s in the middle no process and no file is left',
  async (signal) => {
    const folder = tempFolder();
    const file = path.join(folder, 'scenario.yaml');
    writeFileSync(
      file,
      'name: long\nservers: { count: 2, version: 4.14.0 }\nclients: [{ name: app, count: 3, version: 4.14.0 }]\nsteps: [{ connect: app }, { pause: rs2 }, { wait: 1h }]\n',
    );
    const program = startCli(['test', '--real', file], { env: { TMPDIR: folder } });
    await program.waitFor(/\d s +wait 1 h/, 'stdout');
    const children = offspring(program.child.pid as number);
    expect(children.length).toBeGreaterThanOrEqual(3);
    expect(children.every(alive)).toBe(true);
    program.signal(signal);
    await program.exited;
    expect(program.child.signalCode).toBe(signal);
    expect(children.filter(alive)).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('skewgate-fleet'))).toEqual([]);
  },
);

test('also if the one that plays it is killed, its gates and servers end', async () => {
  const folder = tempFolder();
  const file = path.join(folder, 'scenario.yaml');
  writeFileSync(file, 'name: long\nservers: { count: 2, version: 4.14.0 }\nsteps: [{ wait: 1h }]\n');
  const program = startCli(['test', '--real', file], { env: { TMPDIR: folder } });
  await program.waitFor(/\d s +wait 1 h/, 'stdout');
  const children = offspring(program.child.pid as number);
  expect(children).toHaveLength(3);
  program.signal('SIGKILL');
  await program.exited;
  await vi.waitUntil(() => !children.some(alive), { timeout: 10_000 });
});
