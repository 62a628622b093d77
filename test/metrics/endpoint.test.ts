/** `/metrics` of a gate, asked as Prometheus asks it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startWithAdmin } from '../admin/support.ts';
import { tempFolder } from '../support/folder.ts';
import { startCli } from '../support/program.ts';
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
