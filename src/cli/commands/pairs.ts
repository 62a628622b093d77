/** `skewgate pairs`: which releases of client and server a test fleet should let meet, and which have met. */
import type { Command } from 'commander';
import type { LogRecord } from '../../decision/record.ts';
import { Meetings, type Pair, pairsOf } from '../../fleet/pairs.ts';
import type { SkewPolicy } from '../../policy/types.ts';
import { addPolicyOptions, type PolicyOptions, policyFrom } from '../policy-options.ts';
import { paint, table } from '../print.ts';
import { printableJson } from '../printable.ts';
import { Tail } from '../tail.ts';
import { collect, UsageError, wholeNumber } from '../usage.ts';
import { parseLines } from './matrix.ts';

interface Options extends PolicyOptions {
  readonly releases: string;
  readonly window?: number;
  readonly log?: string[];
  readonly same?: true;
  readonly json?: true;
}

interface Row extends Pair {
  /** Sessions in the log; null without a log. */
  readonly met: number | null;
}

/** Adds `skewgate pairs` to the program. */
export function addPairs(program: Command): void {
  const command = program
    .command('pairs')
    .description(
      'List the pairs of client and server releases that the policy admits, nearest first: the pairs that a test fleet should cover. With a decision log, also which of them it covers.',
    )
    .requiredOption('--releases <range>', 'release lines, such as 4.9..4.16')
    .option('--window <n>', "minors a client may be older (default: the policy's)", wholeNumber)
    .option('--log <file>', 'decision log of test runs; repeat for each log', collect)
    .option('--same', 'also list pairs of the same release, last')
    .option('--json', 'print a JSON list, one object per pair');
  addPolicyOptions(command).action(pairs);
}

async function pairs(options: Options): Promise<void> {
  const policy = await skewPolicy(options);
  const all = pairsOf(parseLines(options.releases, policy), policy);
  const wanted = options.same ? all : all.filter(({ apart }) => apart > 0);
  const meetings = options.log === undefined ? null : await meetingsIn(options.log);
  const rows = wanted.map((pair): Row => ({ ...pair, met: meetings?.of(pair) ?? null }));
  if (options.json) console.log(printableJson(rows));
  else console.log(print(rows, all.length - wanted.length, meetings !== null));
}

async function skewPolicy({ window, ...options }: Options): Promise<SkewPolicy> {
  const policy = await policyFrom(options);
  if (policy.kind !== 'skew')
    throw new UsageError(`the preset ${policy.name} goes by protocol versions, not by releases`);
  return window === undefined ? policy : { ...policy, window };
}

async function meetingsIn(files: readonly string[]): Promise<Meetings> {
  const meetings = new Meetings();
  const hear = (line: string) => {
    const record = parse(line);
    if (record !== null) meetings.add(record);
  };
  for (const file of files) {
    const tail = await Tail.open(file).catch((error) => {
      throw new UsageError(`--log ${file}: ${error.message}`);
    });
    await tail.read(hear);
    hear(tail.rest);
    await tail.close();
  }
  return meetings;
}

function parse(line: string): LogRecord | null {
  try {
    const record = JSON.parse(line);
    return typeof record?.event === 'string' ? record : null;
  } catch {
    return null;
  }
}

function print(rows: readonly Row[], left: number, logged: boolean): string {
  const head = ['client', 'server', 'distance', ...(logged ? ['exercised'] : [])];
  const body = rows.map(({ client, server, apart, met }) => [
    client,
    server,
    nearness(apart),
    ...(logged ? [sessions(met ?? 0)] : []),
  ]);
  const met = rows.filter((row) => row.met !== 0).length;
  const lines = [
    table([head, ...body], paintCell),
    '',
    logged ? `${met} of ${rows.length} exercised` : `${rows.length} pairs`,
  ];
  if (left > 0)
    lines.push(
      `left out: ${left} pairs of one release, which any test without an upgrade covers (--same adds them)`,
    );
  return lines.join('\n');
}

const MISSING = 'missing';

function sessions(count: number): string {
  if (count === 0) return MISSING;
  return `${count} ${count === 1 ? 'session' : 'sessions'}`;
}

function paintCell(text: string, row: number): string {
  if (row === 0) return paint('bold', text);
  return text === MISSING ? paint('yellow', text) : text;
}

function nearness(apart: number): string {
  if (apart === 0) return 'same';
  return apart === 1 ? 'adjacent' : `${apart} apart`;
}
