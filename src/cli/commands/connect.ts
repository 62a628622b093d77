/** `skewgate connect`: a test client. */
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { connectTo } from '../../client/connect.ts';
import { RefusedError, type Session } from '../../client/session.ts';
import { TOKEN_VARIABLE, tokenOf } from '../../client/token.ts';
import { parseUrl, type Target, UrlError, withoutSecrets } from '../../client/url.ts';
import { pause } from '../../ports/clock.ts';
import { realClock } from '../../runtime/clock.ts';
import { realRuntime } from '../../runtime/real.ts';
import { MESSAGES, type Message } from '../../wire/messages.ts';
import { LiveLine } from '../live.ts';
import { bar, explainMove, paint } from '../print.ts';
import { printable, printableJson } from '../printable.ts';
import { durationOption, UsageError, wholeNumber } from '../usage.ts';

interface Options {
  readonly count: number;
  readonly rate?: number;
  readonly hold?: number | true;
  readonly json?: true;
  readonly tokenFile?: string;
}

interface Report {
  /** One line of JSON. */
  readonly json: object;
  /** For people. */
  readonly text: string;
  /** Null: not admitted. */
  readonly session: Session | null;
  readonly status: Status;
}

/** What the exit status says of a connection; of several, the highest counts. */
const STATUS = { admitted: 0, refused: 1, unanswered: 3 } as const;
type Status = (typeof STATUS)[keyof typeof STATUS];

/** Defines `connect`. */
export function addConnect(program: Command): void {
  program
    .command('connect')
    .description(
      'Connect through a gate as a client. A single client, once admitted, pipes standard input and output, like nc; with --json, --count or --hold the outcome of each connection is printed. Exit status 0: all were admitted; 1: at least one was refused; 2: wrong usage; 3: at least one got no answer from a gate.',
    )
    .argument('<url>', 'skewgate://HOST:PORT/?version=4.14.0; also skewgate+ws:// and jdbc:skewgate://')
    .option('--count <n>', 'number of connections to open', wholeNumber, 1)
    .option('--rate <n>', 'new connections per second (default: all at once)', wholeNumber)
    .option('--hold [duration]', 'keep sessions open for this long, or until Ctrl-C', durationOption)
    .option(
      '--token-file <file>',
      `file that holds the client's token, readable by its owner only (default: token= or tokenFile= in the URL, then the variable ${TOKEN_VARIABLE})`,
    )
    .option('--json', 'print one JSON object per connection')
    .action(run);
}

async function run(url: string, options: Options): Promise<void> {
  hideToken(url);
  const target = takeable(withTokenOf(parseUrl(url), options));
  if (options.count < 1 || options.rate === 0) throw new UsageError('--count and --rate are at least 1');
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const piping = options.count === 1 && !options.json && options.hold === undefined;
  const statuses = await Promise.all(
    Array.from({ length: options.count }, async (_, at) => {
      if (options.rate !== undefined) await pause(realClock, (at * 1_000) / options.rate, stop.signal);
      // Those that Ctrl-C came before were not tried.
      if (stop.signal.aborted) return STATUS.admitted;
      const { session, status, ...report } = await attempt(target, options, stop.signal);
      if (options.json) console.log(printableJson(report.json));
      else console.error(report.text);
      if (session !== null) await (piping ? pipe(session, stop.signal) : hold(session, options, stop.signal));
      return status;
    }),
  );
  process.exitCode = Math.max(...statuses);
}

/** Whoever lists processes sees what they were called with. */
function hideToken(url: string): void {
  const shown = withoutSecrets(url);
  if (shown !== url) process.title = `skewgate connect ${shown}`;
}

function withTokenOf(target: Target, { tokenFile }: Options): Target {
  const { token: stated, ...hello } = target.hello;
  const from = tokenFile === undefined ? target : { ...target, hello, tokenFile };
  const token = tokenOf(from, undefined, process.env);
  return token === undefined ? target : { ...target, hello: { ...target.hello, token } };
}

/** What no gate would take is wrong usage, and is said before one is dialled. @throws {UrlError} */
function takeable(target: Target): Target {
  const issue = MESSAGES.hello.schema.safeParse(target.hello).error?.issues[0];
  if (issue === undefined) return target;
  throw new UrlError(`${issue.path.at(-1)?.toString() ?? 'the URL'}: ${issue.message}`);
}

async function attempt(target: Target, options: Options, signal: AbortSignal): Promise<Report> {
  const live = new LiveLine(process.stderr);
  try {
    const session = await connectTo(target, realRuntime, {
      signal,
      ...(!options.json && options.count === 1 && { onWait: (wait) => live.show(waiting(wait)) }),
    });
    return admission(session, target.hello.version);
  } catch (error) {
    return failure(error);
  } finally {
    live.end();
  }
}

/** Keeps the session open for the time asked for, until Ctrl-C, or until the other side ends it. */
async function hold(session: Session, { hold: time }: Options, signal: AbortSignal): Promise<void> {
  session.on('error', () => {});
  if (time !== undefined) {
    const ended = new AbortController();
    session.once('end', () => ended.abort()).once('close', () => ended.abort());
    session.resume();
    const ms = time === true ? Number.MAX_SAFE_INTEGER : time;
    await pause(realClock, ms, AbortSignal.any([signal, ended.signal]));
    if (ended.signal.aborted)
      console.error(
        paint('dim', `session ${printable(session.id)} was ended by the other side`, process.stderr),
      );
  }
  session.destroy();
}

function waiting({ code, reason, progress }: Message<'wait'>): string {
  return `waiting (${code})${progress === null ? '' : ` ${bar(progress)}`} ${reason}`;
}

function admission(session: Session, version: string): Report {
  const { server, waitedMs, notices, decision } = session;
  const waited = waitedMs > 0 ? ` after ${waitedMs} ms` : '';
  const text = `${paint('green', 'admitted', process.stderr)} as ${version} by server ${printable(server.id)} (${printable(server.version ?? 'version unknown')})${waited}, session ${printable(session.id)}`;
  return {
    json: {
      ...decision,
      session: session.id,
      server: server.id,
      serverVersion: server.version,
      waitedMs,
      notices,
    },
    text: [text, ...notices.map(printable)].join('\n'),
    session,
    status: STATUS.admitted,
  };
}

function failure(error: unknown): Report {
  const { name, message } = error as Error;
  if (!(error instanceof RefusedError))
    return {
      json: { error: name, message },
      text: paint('red', printable(message), process.stderr),
      session: null,
      status: STATUS.unanswered,
    };
  const { decision } = error;
  const lines = [
    `${paint('red', 'refused', process.stderr)} ${printable(decision.code)} (rule ${printable(decision.rule)})`,
    printable(decision.message),
    ...explainMove(decision),
  ];
  return {
    json: { ...decision, notices: [] },
    text: lines.join('\n'),
    session: null,
    status: STATUS.refused,
  };
}

async function pipe(session: Session, signal: AbortSignal): Promise<void> {
  signal.addEventListener('abort', () => session.destroy());
  const up = pipeline(process.stdin, session).catch(() => {});
  try {
    for await (const chunk of session) if (!process.stdout.write(chunk)) await drained();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    // The server is done: what is typed from now on has nowhere to go.
    process.stdin.destroy();
  }
  await up;
  console.error(paint('dim', 'session ended', process.stderr));
}

function drained(): Promise<void> {
  return new Promise((resolve) => process.stdout.once('drain', () => resolve()));
}
