/** `skewgate log`: reads a decision log. */
import { stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import semver from 'semver';
import { parseDuration } from '../../config/units.ts';
import { logJsonSchema } from '../../decision/reference.ts';
import { CODE_NAMES } from '../../policy/codes.ts';
import { pause } from '../../ports/clock.ts';
import { realClock } from '../../runtime/clock.ts';
import { printCore, tryParseVersion } from '../../version/version.ts';
import { lineOf, type Stamped } from '../log-lines.ts';
import { table } from '../print.ts';
import { Tail } from '../tail.ts';
import { UsageError } from '../usage.ts';

interface Options {
  readonly refused?: true;
  readonly client?: string;
  readonly code?: string;
  readonly since?: string;
  readonly follow?: true;
  readonly summary?: true;
  readonly json?: true;
  readonly schema?: true;
}

/** ms between two looks at a file that is followed. */
const POLL_MS = 200;

type Keep = (record: Stamped) => boolean;

export function addLog(program: Command): void {
  program
    .command('log')
    .description('Read a decision log: a line a record, or a summary.')
    .argument('[file]', 'an NDJSON file that a gate wrote')
    .option('--refused', 'only refused handshakes')
    .option('--client <range>', "only handshakes of these client versions, such as '<4.14' or '4.13.x'")
    .option('--code <code>', 'only handshakes with this code')
    .option('--since <time>', 'only records since then: 15m (ago), or 2026-01-31T12:00:00Z')
    .addOption(new Option('--follow', 'go on with what the gate writes, until Ctrl-C').conflicts('summary'))
    .option('--summary', 'who was refused, why, and who must move')
    .option('--schema', 'print the JSON Schema of the records, and read nothing')
    .option('--json', 'print records (or the summary) as JSON')
    .action(read);
}

async function read(file: string | undefined, options: Options): Promise<void> {
  if (options.schema) {
    console.log(JSON.stringify(logJsonSchema(), null, 2));
    return;
  }
  if (file === undefined) throw new UsageError("missing required argument 'file'");
  const keep = filter(options);
  const summary = new Summary();
  const count = { records: 0, others: 0 };
  const show = (line: string) => {
    const record = parse(line);
    if (record === null) count.others++;
    else count.records++;
    if (record === null || !keep(record)) return;
    if (options.summary) summary.add(record);
    else if (options.json) console.log(line);
    else print(record);
  };
  const tail = await open(file);
  const stop = new AbortController();
  if (options.follow) process.once('SIGINT', () => stop.abort());
  await tail.read(show);
  // A last line without its break: whole, or torn by a crash, or still being written.
  if (!options.follow && parse(tail.rest) !== null) show(tail.rest);
  if (options.summary) console.log(options.json ? JSON.stringify(summary.rows()) : summary.print());
  if (count.others > 0)
    console.error(`skewgate: ${count.others} lines of ${file} are no records and were passed over`);
  if (count.others > 0 && count.records === 0) process.exitCode = 1;
  if (options.follow) await follow(tail, show, stop.signal);
  await tail.close();
}

async function open(file: string): Promise<Tail> {
  try {
    if ((await stat(file)).isDirectory()) throw new UsageError(`${file}: this is a folder, not a file`);
    return await Tail.open(file);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? new UsageError(`${file}: there is no such file`)
      : error;
  }
}

async function follow(tail: Tail, show: (line: string) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(realClock, POLL_MS, signal);
    await tail.read(show);
  }
}

function print(record: Stamped): void {
  const line = lineOf(record);
  if (line !== null) console.log(line);
}

function parse(line: string): Stamped | null {
  try {
    const record = JSON.parse(line);
    return typeof record?.event === 'string' && typeof record.time === 'string' ? record : null;
  } catch {
    return null;
  }
}

function filter({ refused, client, code, since }: Options): Keep {
  const keeps: Keep[] = [];
  if (refused) keeps.push((record) => record.event === 'handshake' && record.verdict === 'refuse');
  if (client !== undefined) {
    const range = semver.validRange(client);
    if (range === null) throw new UsageError(`--client ${client}: not a range such as '<4.14' or '4.13.x'`);
    const wanted = new semver.Range(range);
    keeps.push((record) => {
      const version =
        record.event === 'handshake' && record.client !== null ? tryParseVersion(record.client) : null;
      return version !== null && wanted.test(printCore(version));
    });
  }
  if (code !== undefined) {
    const wanted = code.toUpperCase();
    if (!(CODE_NAMES as readonly string[]).includes(wanted))
      throw new UsageError(`--code ${code}: one of ${CODE_NAMES.join(', ')}`);
    keeps.push((record) => record.event === 'handshake' && record.code === wanted);
  }
  if (since !== undefined) {
    const ago = parseDuration(since);
    const from = ago === null ? Date.parse(since) : Date.now() - ago;
    if (Number.isNaN(from))
      throw new UsageError(
        `--since ${since}: a duration such as 15m, or a time such as 2026-01-31T12:00:00Z`,
      );
    keeps.push((record) => Date.parse(record.time) >= from);
  }
  return (record) => keeps.every((keep) => keep(record));
}

interface SummaryRow {
  readonly verdict: string;
  readonly code: string;
  readonly client: string;
  readonly move: string;
  count: number;
}

class Summary {
  readonly #rows = new Map<string, SummaryRow>();
  #lost = 0;

  add(record: Stamped): void {
    if (record.event === 'log-lost') this.#lost += record.lost;
    if (record.event !== 'handshake') return;
    const { verdict, code, client, move } = record;
    const must = move === null ? '' : `${move.side} to ${move.to}`;
    const key = [verdict, code, client, must].join('\n');
    const row = this.#rows.get(key) ?? { verdict, code, client: client ?? '?', move: must, count: 0 };
    row.count++;
    this.#rows.set(key, row);
  }

  rows(): SummaryRow[] {
    return [...this.#rows.values()].sort((a, b) => b.count - a.count);
  }

  print(): string {
    const rows = this.rows();
    const total = (verdict: string) =>
      rows.filter((row) => row.verdict === verdict).reduce((sum, { count }) => sum + count, 0);
    const lost = this.#lost > 0 ? `; ${this.#lost} records of this log were lost` : '';
    const head = `${total('permit')} admitted, ${total('refuse')} refused${lost}`;
    if (rows.length === 0) return head;
    const body = rows.map((row) => [String(row.count), row.verdict, row.code, row.client, row.move]);
    return `${head}\n\n${table([['count', 'verdict', 'code', 'client', 'who must move'], ...body])}`;
  }
}
