/**
 * `skewgate pause` and the like: what an operator has a gate do that runs, over its API. Each can be asked what it would
 * do, says who and why for the record, and returns when what it says is true.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/units.ts';
import { pause } from '../../ports/clock.ts';
import { realClock } from '../../runtime/clock.ts';
import { type AdminClient, type AdminOptions, addAdminOptions, adminClient } from '../admin-client.ts';
import { LiveLine } from '../live.ts';
import { paint } from '../print.ts';
import { printable, printableJson } from '../printable.ts';
import { userName } from '../user-name.ts';

/** How often progress is looked up, ms. */
const PROGRESS = 500;

interface VerbOptions extends AdminOptions {
  readonly by: string;
  readonly reason?: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly allGates?: true;
}

interface TargetOptions extends VerbOptions {
  readonly server?: string;
  readonly listener?: string;
  readonly clients?: string;
}

/** What the API answers, as far as it is printed. */
interface Outcome {
  readonly dryRun: boolean;
  readonly done: boolean;
  readonly waitsFor: string | null;
  readonly sentence: string;
  readonly details?: { readonly warnings: readonly string[] };
}

/** Defines `pause`. */
export function addPause(program: Command): void {
  forAllGates(verb(program, 'pause', 'Let new clients wait, until resumed; open sessions go on.'))
    .option('--for <duration>', 'how long at most, or "forever" (default: 5 minutes)', durationOr('forever'))
    .action((options: VerbOptions & { readonly for?: string }) =>
      act('pause', options, { for: options.for }),
    );
}

/** Defines `resume`. */
export function addResume(program: Command): void {
  forAllGates(verb(program, 'resume', 'Admit clients again.')).action((options: VerbOptions) =>
    act('resume', options),
  );
}

/** Defines `drain`. */
export function addDrain(program: Command): void {
  const about =
    'Take nothing new for a server, a listener or a range of client releases, or for the gate where none is named, and let the sessions there end evenly. Returns when they have ended.';
  forAllGates(withTarget(verb(program, 'drain', about)))
    .option(
      '--over <duration>',
      'time over which sessions are ended, or "never" (default: timeouts.drain)',
      durationOr('never'),
    )
    .option('--for <duration>', 'after which it ends by itself (default: not before undrain)', durationOr())
    .option('--wait <duration>', 'how long to wait for the last session (default: --over)', durationOr())
    .action((options: TargetOptions & { over?: string; for?: string; wait?: string }) =>
      act('drain', options, {
        ...targetOf(options),
        over: options.over,
        for: options.for,
        wait: options.wait,
      }),
    );
}

/** Defines `undrain`. */
export function addUndrain(program: Command): void {
  forAllGates(withTarget(verb(program, 'undrain', 'Take back every drain of what is named.'))).action(
    (options: TargetOptions) => act('undrain', options, targetOf(options)),
  );
}

/** Defines `kick`. */
export function addKick(program: Command): void {
  verb(program, 'kick', 'Close one session.')
    .argument('<session>', 'its id, as "skewgate sessions" lists it')
    .action((session: string, options: VerbOptions) => act('kick', options, { session }));
}

/** Defines `reload`. */
export function addReload(program: Command): void {
  verb(program, 'reload', 'Have the gate read its config again, and apply it whole or not at all.').action(
    (options: VerbOptions) => act('reload', options),
  );
}

function verb(program: Command, name: string, description: string): Command {
  return addAdminOptions(program.command(name).description(description))
    .option('--by <name>', 'who acts, for the record', userName())
    .option('--reason <text>', 'why, for the record')
    .option('--dry-run', 'only say what it would do')
    .option('--json', 'print one JSON object');
}

function forAllGates(command: Command): Command {
  return command.option('--all-gates', 'for all gates that share the ledger, also those that start later');
}

function withTarget(command: Command): Command {
  return command
    .option('--server <id>', 'a server')
    .option('--listener <address>', 'a listener, with scheme, as bound')
    .option('--clients <range>', "a range of client releases, such as '<4.14'");
}

const targetOf = ({ server, listener, clients }: TargetOptions) => ({ server, listener, clients });

/** The parser of an option that is a duration, or a word: it goes to the gate as it is. */
function durationOr(word?: string): (text: string) => string {
  return (text) => {
    if (text === word || parseDuration(text) !== null) return text;
    throw new InvalidArgumentError('Expected a duration such as 500ms, 15s or 10m.');
  };
}

/** @param more what the verb is about; what is undefined is not said */
async function act(what: string, options: VerbOptions, more: Record<string, unknown> = {}): Promise<void> {
  const client = await adminClient(options);
  const { by, reason, dryRun, allGates, json } = options;
  const body = { by, reason, dryRun, allGates, ...more };
  const over = new AbortController();
  const progress = json || dryRun ? null : showProgress(client, over.signal);
  let outcome: Outcome;
  try {
    outcome = await client.post<Outcome>(`/v1/${what}`, body);
  } finally {
    over.abort();
    await progress;
  }
  console.log(json ? printableJson(outcome) : describe(outcome));
  if (!outcome.done && !outcome.dryRun) process.exitCode = 1;
}

function describe({ sentence, details, dryRun, done, waitsFor }: Outcome): string {
  const end = dryRun
    ? paint('yellow', 'Nothing was done: this is what it would do.')
    : done
      ? paint('green', 'Done.')
      : waitsFor === null
        ? paint('red', 'Not done.')
        : paint('yellow', `Under way: it waits for ${printable(waitsFor)}.`);
  const lines = [...sentence.split('\n'), ...(details?.warnings ?? []).map((warning) => `Note: ${warning}`)];
  return [...lines.map(printable), end].join('\n');
}

/** In a terminal: how many sessions are left of those that are to end, for as long as the verb takes. */
async function showProgress(client: AdminClient, over: AbortSignal): Promise<void> {
  if (!process.stderr.isTTY) return;
  const live = new LiveLine(process.stderr);
  await pause(realClock, PROGRESS, over);
  while (!over.aborted) {
    type Orders = { orders: { sessions: number; left: number }[] };
    const { orders } = await client.get<Orders>('/v1/orders').catch((): Orders => ({ orders: [] }));
    const sum = (of: 'sessions' | 'left') => orders.reduce((total, order) => total + order[of], 0);
    if (sum('sessions') > 0) live.show(`${sum('left')} of ${sum('sessions')} sessions are left`);
    await pause(realClock, PROGRESS, over);
  }
  live.end();
}
