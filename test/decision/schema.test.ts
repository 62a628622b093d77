/** The schema of the decision log: it says what gates write, no more and no less, and leaves room for later gates. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { LogRecord } from '../../src/decision/record.ts';
import { logJsonSchema, recordTables } from '../../src/decision/reference.ts';
import { RECORDS, recordSchema } from '../../src/decision/schema.ts';
import { runCli } from '../support/cli.ts';

type Written = LogRecord & { readonly time: string };
type Described = z.infer<typeof recordSchema>;
/** Checked by the compiler: either side would break if the other had another field, word or type. */
const described: (record: Written) => Described = (record) => record as Written & Described;
const written: (record: Described) => Written = (record) => record;

interface Node {
  readonly description?: string;
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
}

const schema = logJsonSchema() as Node;

function nodesIn(node: Node): Node[] {
  const inner = [
    ...Object.values(node.properties ?? {}),
    ...(node.items ? [node.items] : []),
    ...(node.anyOf ?? []),
  ];
  return [node, ...inner.flatMap(nodesIn)];
}

const lost = {
  time: '2026-01-31T12:00:00.000Z',
  event: 'log-lost',
  gate: 'gate1',
  cluster: 'main',
  lost: 1,
  since: '2026-01-31T11:59:00.000Z',
} as const;

test('a record is taken as it is, and one with another field or without one of its own is not', () => {
  expect(written(recordSchema.parse(described(lost)))).toEqual(lost);
  expect(recordSchema.safeParse({ ...lost, more: 1 }).success).toBe(false);
  expect(recordSchema.safeParse({ ...lost, gate: undefined }).success).toBe(false);
});

test('the published schema closes no object, and no list of words that grows', () => {
  const nodes = nodesIn(schema);
  expect(nodes.filter((node) => node.additionalProperties === false)).toEqual([]);
  const closed = nodes.flatMap((node) => (node.enum ? [node.enum.join(' ')] : []));
  expect([...new Set(closed)].sort()).toEqual([
    'client server operator',
    'never later after-change',
    'pass fail skip',
    'permit migrate hold refuse',
  ]);
  expect(nodes.filter(({ examples }) => examples?.includes('SERVER_OUTDATED'))).not.toEqual([]);
});

test('every field says what it means, and every event has its table', () => {
  const fields = nodesIn(schema).flatMap(({ properties = {} }) => Object.entries(properties));
  const known = fields.filter(([key, node]) => node.description === undefined && key !== 'event');
  expect(known.map(([key]) => key)).toEqual(['time', 'gate', 'cluster']);
  for (const event of Object.keys(RECORDS)) expect(recordTables()).toContain(`### \`${event}\``);
});

test('skewgate log --schema prints it, as it is shipped', async () => {
  const { status, stdout } = await runCli(['log', '--schema']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync('examples/log.schema.json', 'utf8')));
});
