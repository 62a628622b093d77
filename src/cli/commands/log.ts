/** `skewgate log`: reads decision logs, of one gate or of several. */
import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { parseDuration } from '../../config/units.ts';
import { logJsonSchema } from '../../decision/reference.ts';
import { pause } from '../../ports/clock.ts';
import { realClock } from '../../runtime/clock.ts';
import { Buckets } from '../log/buckets.ts';
import type { Entry } from '../log/entry.ts';
import { createFilter, type FilterOptions } from '../log/filter.ts';
import { openLogs, sayOthers } from '../log/open.ts';
import { LogPage } from '../log/page.ts';
import { mergeByTime, type Source } from '../log/sources.ts';
import { Summary } from '../log/summary.ts';
import { dayOf, entryLine, type TimeZone } from '../log-lines.ts';
import { paint } from '../print.ts';
import { printable, printableJson } from '../printable.ts';
import { UsageError } from '../usage.ts';

interface Options extends FilterOptions {
  readonly follow?: true;
  readonly local?: true;
  readonly summary?: true;
  readonly every?: string;
  readonly html?: string;
  readonly json?: true;
  readonly schema?: true;
}

/** ms between two looks at files that are followed. */
const POLL_MS = 200;

/** Takes the entries that are wanted, and says in the end what they came to. */
interface View {
  add(entry: Entry): void;
  end?(): Promise<void> | void;
}

/** Adds the command to the program. */
export function addLog(program: Command): void {
  program
    .command('log')
    .description(
      'Read decision logs, and print a line per record, counts over time or a summary, or write an HTML page with a chart.',
    )
    .argument(
      '[files...]',
      'decision logs of gates; rotated files beside them and those of workers are read too, and all are merged by time; - is standard input',
    )
    .option('--refused', 'only refused handshakes')
    .option('--client <range>', "only handshakes of these client versions, such as '<4.14' or '4.13.x'")
    .option('--code <code>', 'only handshakes with this code')
    .option('--server <id>', 'only records of this server')
    .option('--peer <address>', 'only records of the client at this address, HOST or HOST:PORT')
    .option('--session <id>', 'only records of this session')
    .option('--since <time>', 'only records since this time: 15m (ago) or 2026-01-31T12:00:00Z')
    .option('--until <time>', 'only records until this time, in the same form')
    .addOption(
      new Option('--follow', 'keep printing what the gates write, until Ctrl-C').conflicts([
        'summary',
        'every',
        'html',
      ]),
    )
    .option('--local', 'show times in the time zone of this machine, not in UTC')
    .addOption(
      new Option('--summary', 'print who was refused, why, and who must move').conflicts(['every', 'html']),
    )
    .addOption(
      new Option(
        '--every <duration>',
        'print how many were admitted and refused in each interval, such as 1m',
      ).conflicts('html'),
    )
    .option('--html <file>', 'write an HTML page with a chart of who was refused when')
    .option('--json', 'print records (or the summary, or the counts) as JSON')
    .option('--schema', 'print the JSON Schema of the records, and read nothing')
    .action(read);
}

async function read(files: readonly string[], options: Options): Promise<void> {
  if (options.schema) {
    console.log(JSON.stringify(logJsonSchema(), null, 2));
    return;
  }
  if (files.length === 0) throw new UsageError("missing required argument 'files'");
  const keep = createFilter(options);
  const view = viewFor(options, files);
  const sources = await openLogs(files, options.follow === true);
  const stop = new AbortController();
  if (options.follow) process.once('SIGINT', () => stop.abort());
  for await (const entry of mergeByTime(sources.map((source) => source.entries())))
    if (keep(entry)) view.add(entry);
  await view.end?.();
  sayOthers(sources);
  if (options.follow) await follow(sources, (entry) => keep(entry) && view.add(entry), stop.signal);
  for (const { tail } of sources) await tail?.close();
}

async function follow(
  sources: readonly Source[],
  add: (entry: Entry) => void,
  signal: AbortSignal,
): Promise<void> {
  const growing = sources.filter(({ tail }) => tail !== null);
  while (!signal.aborted && growing.length > 0) {
    await pause(realClock, POLL_MS, signal);
    for (const source of growing)
      await source.tail?.read((line) => {
        const entry = source.read(line);
        if (entry !== null) add(entry);
      });
  }
}

function viewFor(options: Options, files: readonly string[]): View {
  const zone: TimeZone = { local: options.local === true };
  if (options.summary) return summaryView(options.json === true);
  if (options.every !== undefined) return bucketsView(options.every, zone, options.json === true);
  if (options.html !== undefined) return pageView(options.html, files, zone);
  if (options.json) return { add: ({ line }) => console.log(printable(line)) };
  return linesView(zone);
}

/** A line for each record, and one for each day that begins. */
function linesView(zone: TimeZone): View {
  let day: string | null = null;
  return {
    add(entry) {
      const line = entryLine(entry, zone);
      if (line === null) return;
      const today = dayOf(entry.at, zone);
      if (today !== day) console.log(paint('dim', today));
      day = today;
      console.log(line);
    },
  };
}

function summaryView(json: boolean): View {
  const summary = new Summary();
  return {
    add: (entry) => summary.add(entry),
    end: () => console.log(json ? printableJson(summary.rows()) : summary.print()),
  };
}

function bucketsView(every: string, zone: TimeZone, json: boolean): View {
  const width = parseDuration(every);
  if (width === null || width <= 0) throw new UsageError(`--every ${every}: a duration such as 1m or 15s`);
  const buckets = new Buckets(width);
  return {
    add: (entry) => buckets.add(entry),
    end: () => console.log(json ? printableJson(buckets.json()) : buckets.print(zone)),
  };
}

function pageView(file: string, files: readonly string[], zone: TimeZone): View {
  const page = new LogPage(files, zone);
  return {
    add: (entry) => page.add(entry),
    async end() {
      await writeFile(file, page.html());
      console.log(`${page.summary.head()}: ${file}`);
    },
  };
}
