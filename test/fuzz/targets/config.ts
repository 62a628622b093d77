/** Config files and scenarios, as text: what comes is a config or a ConfigError with lines. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError, parseConfig } from '../../../src/config/load.ts';
import { parseScenario } from '../../../src/fleet/scenario.ts';
import { ROOT } from '../../support/documents.ts';
import { allowing, type OpenTarget, texts } from '../target.ts';

const example = (name: string) => readFileSync(path.join(ROOT, 'examples', name), 'utf8');

/** What YAML itself gives a meaning. */
const YAML = [
  '- ',
  ': ',
  '&a ',
  '*a',
  '<<: ',
  '!!binary ',
  '|\n',
  '>-\n',
  '%YAML 1.2\n---\n',
  '---\n',
  '~',
  '.inf',
  '0x1F',
  '? ',
];

/** Every key of a schema, as YAML spells it. */
const keysOf = (schema: string) =>
  [...new Set(example(schema).match(/"\w+"(?=: \{)/g))].map((key) => `${key.slice(1, -1)}: `);

/** The gate's config. */
export const openConfig: OpenTarget = async () => ({
  corpus: texts(
    ...['first.yaml', 'any-tcp.yaml', 'custom-policy.yaml', 'phoenix-mutex.yaml', 'kubernetes.yaml'].map(
      example,
    ),
    `listen: ${'{ '.repeat(60)}`,
    'listen: [{ tcp: "127.0.0.1:0" }]\nservers: [{ id: a, address: "tcp://127.0.0.1:1" }]\n',
  ),
  words: [...YAML, ...keysOf('gate.schema.json')],
  longest: 8_192,
  run: (input) => void allowing([ConfigError], () => parseConfig(Buffer.from(input).toString())),
});

/** Scenarios of `skewgate test`. */
export const openScenario: OpenTarget = async () => ({
  corpus: texts(
    ...['rollback.yaml', 'gate-killed.yaml', 'major-script.yaml', 'restart-storm.yaml'].map((name) =>
      example(`scenarios/${name}`),
    ),
  ),
  words: [...YAML, ...keysOf('scenario.schema.json')],
  longest: 8_192,
  run: (input) => void allowing([ConfigError], () => parseScenario(Buffer.from(input).toString())),
});
