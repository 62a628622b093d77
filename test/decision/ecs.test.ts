/** Records in Elastic's common schema: its fields, types and words, and nothing of a record lost. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { toEcs } from '../../src/decision/ecs.ts';
import { lineOf } from '../../src/decision/formats.ts';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { startCli } from '../support/program.ts';
import { EVERY_RECORD, TIME } from './records.ts';

/** Of ECS 8.11 and 9: https://www.elastic.co/docs/reference/ecs/ecs-field-reference */
const FIELDS: Readonly<Record<string, 'date' | 'keyword' | 'text' | 'long' | 'ip' | 'keywords'>> = {
  '@timestamp': 'date',
  'log.level': 'keyword',
  message: 'text',
  'ecs.version': 'keyword',
  'service.name': 'keyword',
  'service.node.name': 'keyword',
  'orchestrator.cluster.name': 'keyword',
  'event.kind': 'keyword',
  'event.dataset': 'keyword',
  'event.action': 'keyword',
  'event.category': 'keywords',
  'event.type': 'keywords',
  'event.outcome': 'keyword',
  'event.code': 'keyword',
  'event.reason': 'keyword',
  'event.duration': 'long',
  'event.id': 'keyword',
  'source.address': 'keyword',
  'source.ip': 'ip',
  'source.port': 'long',
  'source.bytes': 'long',
  'network.transport': 'keyword',
  'user.name': 'keyword',
  'error.message': 'text',
  'rule.id': 'keyword',
};

/** The types that ECS expects of events of a category: "ECS categorization field values". */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  configuration: ['access', 'change', 'creation', 'deletion', 'info'],
  database: ['access', 'change', 'info', 'error'],
  file: ['access', 'change', 'creation', 'deletion', 'info'],
  host: ['access', 'change', 'end', 'info', 'start'],
  network: ['access', 'allowed', 'connection', 'denied', 'end', 'info', 'protocol', 'start'],
  process: ['access', 'change', 'end', 'info', 'start'],
  session: ['start', 'end', 'info'],
};

const IS: Readonly<Record<string, (value: unknown) => boolean>> = {
  date: (value) => typeof value === 'string' && new Date(value).toISOString() === value,
  keyword: (value) => typeof value === 'string',
  text: (value) => typeof value === 'string',
  long: Number.isSafeInteger,
  ip: (value) => typeof value === 'string' && /^[0-9a-f:.]+$/.test(value),
  keywords: (value) => Array.isArray(value) && value.every((word) => typeof word === 'string'),
};

function leaves(value: object, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? leaves(inner, `${prefix}${key}.`)
      : [[`${prefix}${key}`, inner] as [string, unknown]],
  );
}

describe.each(EVERY_RECORD.map((record) => [record.event, record] as const))(
  'a record of %s',
  (_, record) => {
    const ecs = JSON.parse(lineOf(TIME, record, 'ecs'));
    const fields = new Map(leaves({ ...ecs, skewgate: 0 }));

    test('begins with the fields that ecs-logging asks for, in its order', () => {
      expect(Object.keys(ecs).slice(0, 4)).toEqual(['@timestamp', 'log.level', 'message', 'ecs.version']);
      expect([ecs['@timestamp'], ecs.message.length > 0]).toEqual([TIME, true]);
      expect(ecs['log.level']).toMatch(/^(?:info|warn|error)$/);
    });

    test('has no field beside those of ECS, each of its type, and the record under a name of our own', () => {
      fields.delete('skewgate');
      for (const [field, value] of fields) {
        expect(Object.keys(FIELDS)).toContain(field);
        expect(IS[FIELDS[field] as string]?.(value), `${field}: ${JSON.stringify(value)}`).toBe(true);
      }
      expect(ecs.skewgate).toEqual(JSON.parse(JSON.stringify(record)));
    });

    test('is of a category that ECS knows, with types that it expects of that', () => {
      const { category, type, outcome = 'success' } = ecs.event;
      expect(category.length).toBeGreaterThan(0);
      const expected = category.flatMap((name: string) => TYPES[name] ?? []);
      for (const name of category) expect(Object.keys(TYPES)).toContain(name);
      for (const name of type) expect(expected).toContain(name);
      expect(outcome).toMatch(/^(?:success|failure)$/);
    });
  },
);

test('a refusal says who came, what it was refused with, and how long that took', () => {
  expect(toEcs(TIME, EVERY_RECORD[1] as (typeof EVERY_RECORD)[number])).toMatchObject({
    'log.level': 'warn',
    message: 'Client 4.15.0 is newer than rs1 (4.14.0).',
    event: { action: 'handshake', code: 'SERVER_OUTDATED', outcome: 'failure', duration: 1_000_000 },
    source: { address: '2001:db8::7', ip: '2001:db8::7', port: 50_124 },
    user: { name: 'ada' },
    rule: { id: 'M1' },
    service: { name: 'skewgate', node: { name: 'gate1' } },
  });
});

test('characters that some readers take for the end of a line are escaped, as in the other form', () => {
  const line = lineOf(
    TIME,
    { ...EVERY_RECORD[4], error: 'a\u2028b\u0085c' } as (typeof EVERY_RECORD)[number],
    'ecs',
  );
  expect(line).toContain('a\\u2028b\\u0085c');
  expect(line.match(/[\n\u2028\u0085]/g)).toEqual(['\n']);
});

test('`log.format: ecs` makes a gate write it, and `skewgate log` reads it like the other form', async () => {
  const folder = tempFolder();
  const file = path.join(folder, 'gate.yaml');
  writeFileSync(
    file,
    [
      'id: gate1',
      'listen: [{ tcp: 127.0.0.1:0 }]',
      'servers: [{ id: rs1, address: tcp://127.0.0.1:1, version: 4.14.0 }]',
      'log: { file: decisions.ndjson, format: ecs }',
    ].join('\n'),
  );
  const gate = startCli(['serve', file]);
  await gate.waitFor(/listening on /, 'stderr');
  await gate.stop();
  const log = path.join(folder, 'decisions.ndjson');
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).event.action)).toEqual([
    'server',
    'migration-ledger-available',
    'gate-started',
    'gate-draining',
    'gate-stopped',
  ]);
  const plain = path.join(folder, 'plain.ndjson');
  writeFileSync(plain, EVERY_RECORD.map((record) => lineOf(TIME, record)).join(''));
  const elastic = path.join(folder, 'ecs.ndjson');
  writeFileSync(elastic, EVERY_RECORD.map((record) => lineOf(TIME, record, 'ecs')).join(''));
  const [one, other] = await Promise.all([runCli(['log', plain]), runCli(['log', elastic])]);
  expect(other).toEqual(one);
  expect(one.stdout.split('\n').length).toBeGreaterThan(EVERY_RECORD.length);
});
