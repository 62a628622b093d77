/** What a real gate exports, taken by a receiver that reads it with OpenTelemetry's own protobuf messages. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { OtlpExport } from '../../../src/decision/otlp/export.ts';
import { createPost } from '../../../src/decision/otlp/post.ts';
import { realEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { startCli, startProgram } from '../../support/program.ts';
import { lacking, PYTHON } from '../../support/python.ts';
import { EVERY_RECORD } from '../records.ts';
import { IDENTITY } from '../support.ts';

const NO_RECEIVER = lacking(
  'google.protobuf.json_format',
  'opentelemetry.proto.collector.logs.v1.logs_service_pb2',
);

type Value = Readonly<Record<string, unknown>>;

interface Taken {
  readonly eventName: string;
  readonly severityNumber: string;
  readonly body: Value;
  readonly attributes: readonly { readonly key: string; readonly value: Value }[];
}

async function startReceiver() {
  const receiver = startProgram(PYTHON, [new URL('receiver.py', import.meta.url).pathname]);
  const [port] = await receiver.waitFor(/^\d+/, 'stdout');
  return { receiver, url: `http://127.0.0.1:${port}/v1/logs` };
}

const attributesOf = ({ attributes }: Taken) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

describe.skipIf(NO_RECEIVER !== null && process.env.CI === undefined)('a receiver of OTLP', () => {
  test('takes a record of every kind, with the stable names of what OpenTelemetry has names for', async () => {
    const { receiver, url } = await startReceiver();
    const troubles: (string | null)[] = [];
    const sent = new OtlpExport({
      post: createPost(url, { 'x-tenant': 'shop' }),
      buffer: 1_000_000,
      clock: realEnvironment.clock,
      identity: IDENTITY,
      onTrouble: (why) => troubles.push(why),
    });
    for (const one of EVERY_RECORD) sent.write(one);
    await sent.close();
    const [line] = await receiver.waitFor(/^\{.*$/m, 'stdout');
    const { taken, headers } = JSON.parse(line);
    expect([troubles, sent.lostInAll, headers['x-tenant']]).toEqual([[], 0, 'shop']);
    const [{ resource, scopeLogs }] = taken.resourceLogs;
    expect(attributesOf(resource)).toEqual({
      'service.name': 'skewgate',
      'service.namespace': 'main',
      'service.instance.id': 'gate1',
    });
    const records: Taken[] = scopeLogs[0].logRecords;
    expect(records.map(({ eventName }) => eventName)).toEqual(
      EVERY_RECORD.map(({ event }) => `skewgate.${event.replace('-', '_')}`),
    );
    expect(attributesOf(records[1] as Taken)).toMatchObject({
      'client.address': '2001:db8::7',
      'client.port': '50124',
      'network.transport': 'tcp',
      'error.type': 'SERVER_OUTDATED',
      'skewgate.phases.total_ms': '1',
      'skewgate.observed.level': '28',
      'skewgate.properties.applicationName': 'shop',
      'skewgate.move.who': { values: [{ stringValue: 'rs1' }, { stringValue: 'rs2' }] },
    });
    expect(records[1]).toMatchObject({
      severityNumber: 'SEVERITY_NUMBER_WARN',
      body: { stringValue: 'Client 4.15.0 is newer than rs1 (4.14.0).' },
    });
    for (const one of records)
      expect(Object.keys(attributesOf(one)).filter((key) => !/^[a-z][a-zA-Z0-9_.]*$/.test(key))).toEqual([]);
  });

  test('gets the records of a gate by `log.export`, and its last ones before the process ends', async () => {
    const { receiver, url } = await startReceiver();
    const file = path.join(tempFolder(), 'gate.yaml');
    writeFileSync(
      file,
      [
        'id: gate7',
        'listen: [{ tcp: 127.0.0.1:0 }]',
        'servers: [{ id: rs1, address: tcp://127.0.0.1:1, version: 4.14.0 }]',
        `log: { file: decisions.ndjson, export: { otlp: '${url}' } }`,
      ].join('\n'),
    );
    const gate = startCli(['serve', file], { env: { OTEL_EXPORTER_OTLP_HEADERS: 'api-key=secret' } });
    await gate.waitFor(/listening on /, 'stderr');
    expect(await gate.stop()).toBe(0);
    await receiver.waitFor(/"stopped"/, 'stdout');
    const lines = receiver.stdout.split('\n').filter((line) => line.startsWith('{'));
    const taken = lines.map((line) => JSON.parse(line));
    expect(taken.filter(({ refused }) => refused !== undefined)).toEqual([]);
    expect(taken[0].headers['api-key']).toBe('secret');
    const records: Taken[] = taken.flatMap(({ taken: one }) => one.resourceLogs[0].scopeLogs[0].logRecords);
    expect(records.map((one) => attributesOf(one)['skewgate.what'] ?? one.eventName)).toEqual([
      'skewgate.server',
      'ledger-available',
      'started',
      'draining',
      'stopped',
    ]);
  });
});

test('a receiver that is not there costs the gate nothing but a line, and its records are in the log', async () => {
  const file = path.join(tempFolder(), 'gate.yaml');
  writeFileSync(
    file,
    [
      'listen: [{ tcp: 127.0.0.1:0 }]',
      'servers: [{ id: rs1, address: tcp://127.0.0.1:1, version: 4.14.0 }]',
      "log: { export: { otlp: 'http://127.0.0.1:1/v1/logs' } }",
    ].join('\n'),
  );
  const gate = startCli(['serve', file]);
  await gate.waitFor(/export of records: http:\/\/127\.0\.0\.1:1\/v1\/logs: .*/, 'stderr');
  expect(await gate.stop()).toBe(0);
  const events = gate.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).what);
  expect(events.slice(-3)).toEqual(['started', 'draining', 'stopped']);
});
