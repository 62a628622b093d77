/** `/metrics` of a gate, asked as Prometheus asks it. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startWithAdmin } from '../admin/support.ts';
import { tempFolder } from '../support/folder.ts';
import { startCli } from '../support/program.ts';
import { helloBytes } from '../support/raw-client.ts';
import { Scrape } from './support.ts';

test('is answered without a token, in the format that Prometheus asks for', async () => {
  await using gate = await startWithAdmin();
  await gate.fleet.refuse('4.15.0');
  const { status, headers, body } = await gate.get('/metrics');
  expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const scrape = new Scrape(body);
  expect(scrape.sum('skewgate_decisions_total')).toBe(1);
  expect(scrape.of('skewgate_connections_ended_total')).toEqual({ 'cause="refused"': 1 });
});

test('adds up in every scrape of a flood of probes, garbage, resets, failed upgrades, refusals and sessions', async () => {
  await using gate = await startWithAdmin({
    listen: [{ tcp: '127.0.0.1:0' }, { ws: '127.0.0.1:0' }, { tcp: '127.0.0.1:0', assume: '4.13.0' }],
    limits: { handshakes: 30, sessions: 10 },
    timeouts: { hold: '0s', drain: '0s' },
  });
  const totals = async () => {
    const scrape = new Scrape((await gate.get('/metrics')).body);
    const [accepted, active, ended] = ['accepted_total', 'active', 'ended_total'].map((name) =>
      scrape.sum(`skewgate_connections_${name}`),
    ) as [number, number, number];
    expect(accepted).toBe(active + ended);
    return { accepted, active, ended };
  };
  const session = await gate.fleet.admit('4.14.0');
  const says = [
    '',
    'nonsense',
    'GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\r\n',
    helloBytes('4.15.0'),
  ];
  const flood = Array.from({ length: 120 }, (_, at) => {
    const { hostname, port } = new URL(gate.fleet.address(at % 3).replace(/^\w+/, 'http'));
    const socket = net.connect(Number(port), hostname).resume();
    socket.on('error', () => {});
    const words = says[at % says.length] as string | Uint8Array;
    if (words.length > 0) socket.write(words);
    return socket;
  });
  await Promise.all(flood.map((socket) => once(socket, 'connect')));
  await totals();
  for (const [at, socket] of flood.entries()) at % 2 === 0 ? socket.end() : socket.resetAndDestroy();
  const limit = AbortSignal.timeout(8_000);
  for (let seen = await totals(); seen.ended < 120; seen = await totals()) expect(limit.aborted).toBe(false);
  expect(await totals()).toEqual({ accepted: 121, active: 1, ended: 120 });
  session.destroy();
});

test('of `skewgate serve` says which skewgate it is, and ends with the gate', async () => {
  const file = path.join(tempFolder(), 'gate.yaml');
  writeFileSync(
    file,
    [
      'listen: [{ tcp: 127.0.0.1:0 }]',
      'servers: [{ id: rs1, address: tcp://127.0.0.1:1, version: 4.14.0 }]',
      'log: { file: decisions.ndjson }',
      'admin: { listen: 127.0.0.1:0 }',
      'timeouts: { lameDuck: 0s }',
    ].join('\n'),
  );
  const gate = startCli(['serve', file]);
  onTestFinished(() => void gate.stop());
  const [, address] = await gate.waitFor(/(http:\/\/127\.0\.0\.1:\d+)\/\S*token/, 'stderr');
  const scrape = new Scrape(await (await fetch(`${address}/metrics`)).text());
  expect(Object.keys(scrape.of('skewgate_build_info'))).toEqual([
    expect.stringMatching(/^version="\d+\.\d+\.\d+",policy="[0-9a-f]{12}"$/),
  ]);
  expect(scrape.of('skewgate_server_up')).toEqual({ 'server="rs1"': 0 });
  await gate.stop();
});
