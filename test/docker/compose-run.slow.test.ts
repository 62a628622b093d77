/** The fleet of the compose file, on this machine: its very commands, with hosts, ports and paths replaced. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliResult, runCli } from '../support/cli.ts';
import { type Program, startCli } from '../support/program.ts';
import { option, read, readCompose, service } from './files.ts';

let folder: string;
const fleet: Record<string, Program> = {};
let listening: string[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'skewgate-compose-'));
  let config = read('docker/gate.yaml')
    .replaceAll(/0\.0\.0\.0:\d+/g, '127.0.0.1:0')
    .replaceAll('/var/lib/skewgate', folder)
    // A restart here is faster than what the gate knows gets old.
    .concat('timeouts: { fresh: 0ms }\n');
  for (const name of ['rs1', 'rs2']) {
    const address = await startServer(name, '127.0.0.1:0');
    config = config.replace(option(service(readCompose(), name), 'listen').replace('0.0.0.0', name), address);
  }
  const file = path.join(folder, 'gate.yaml');
  await writeFile(file, config);
  process.env.SKEWGATE_ADMIN_TOKEN = 'only-for-this-run-0123456789';
  listening = (await start('gate', ['serve', file], /listening on (\S+), (\S+)\n/)).slice(1);
}, 30_000);

afterAll(async () => {
  await Promise.all(Object.values(fleet).map((running) => running.stop()));
  await rm(folder, { recursive: true });
});

async function start(name: string, args: readonly string[], ready: RegExp): Promise<RegExpExecArray> {
  const program = startCli(args, { keep: true });
  fleet[name] = program;
  return program.waitFor(ready);
}

/** `listen` replaces host and port. Returns its address. */
async function startServer(name: string, listen: string, env = {}): Promise<string> {
  const command = service(readCompose(env), name).command.map((word) =>
    word.replace('/tables/', `${folder}/`).replace('0.0.0.0:9001', listen),
  );
  const [, address] = await start(name, [...command, '--upgrade-time', '100ms'], /server \S+ \S+ on (\S+),/);
  return address as string;
}

async function runClient(name: string): Promise<CliResult & { readonly report: Record<string, unknown> }> {
  const [tcp = '', ws = ''] = listening.map((address) => address.split('://')[1]);
  const command = service(readCompose(), name).command.map((word) =>
    word.replace('gate:8700', tcp).replace('gate:8701', ws),
  );
  const result = await runCli(command);
  return { ...result, report: JSON.parse(result.stdout) };
}

test('[M2] [M3] [M1] the three clients: admitted, bringing the upgrade, refused', async () => {
  const old = await runClient('client-4.13');
  expect(old).toMatchObject({
    status: 0,
    report: { verdict: 'permit', rule: 'M2', observed: { level: 27 } },
  });

  const tooNew = await runClient('client-4.15');
  expect(tooNew).toMatchObject({
    status: 1,
    report: {
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      move: { side: 'server', to: '4.15', who: ['rs1'] },
    },
  });
  expect(tooNew.report).not.toHaveProperty('session');

  const bringing = await runClient('client-4.14');
  expect(bringing).toMatchObject({ status: 0, report: { verdict: 'permit', observed: { level: 28 } } });
  expect(bringing.report.waitedMs).toBeGreaterThan(0);
});

test('[M1] [N1] rs1 comes back with the version that the comment names: the refused client is admitted', async () => {
  const [, version = ''] = /RS1_VERSION=(\S+) docker compose/.exec(read('docker/compose.yaml')) ?? [];
  const rs1 = fleet.rs1 as Program;
  const [, address = ''] = await rs1.waitFor(/ on ws:\/\/(\S+),/);
  expect(await rs1.stop()).toBe(0);
  await startServer('rs1', address, { RS1_VERSION: version });
  const client = await runClient('client-4.15');
  expect(client).toMatchObject({
    status: 0,
    report: { verdict: 'permit', observed: { oldest: '4.15.0', level: 29 } },
  });
});

test('the gate ends in order when Docker stops it', async () => {
  const gate = fleet.gate as Program;
  expect(await gate.stop('SIGTERM')).toBe(0);
  const whats = gate.stdout.match(/"what":"\w+"/g);
  expect(whats?.slice(-2)).toEqual(['"what":"draining"', '"what":"stopped"']);
});
