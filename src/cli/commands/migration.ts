/** `skewgate migration`: how the one-time upgrade stands, and what an operator can do about it, through the ledger. */

import path from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { policyOf } from '../../config/policy.ts';
import { Ledger, type LedgerView } from '../../migration/ledger/ledger.ts';
import { type Act, reasonForNothing } from '../../migration/ledger/operator-acts.ts';
import {
  activeBlock,
  activeBlocks,
  type HistoryEntry,
  LedgerFormatError,
  type LedgerRecord,
} from '../../migration/ledger/record.ts';
import { ledgerUsage, openStore, parseLedgerAddress } from '../../migration/ledger/registry.ts';
import { LedgerUnavailable } from '../../migration/ledger/store.ts';
import { stepsDone } from '../../migration/ledger/transitions.ts';
import { HEARTBEAT } from '../../migration/ledger-watch.ts';
import { meaningOf, reportedState } from '../../migration/upgrade-report.ts';
import { hasSystemTables } from '../../policy/types.ts';
import { pause } from '../../ports/clock.ts';
import { realClock } from '../../runtime/clock.ts';
import { type Catalogue, releasesAtLevel } from '../../version/catalogue.ts';
import { describeLeftover, endLeftover } from '../leftover.ts';
import { LiveLine } from '../live.ts';
import { bar, paint, table } from '../print.ts';
import { printable } from '../printable.ts';
import { durationOption, UsageError } from '../usage.ts';
import { userName } from '../user-name.ts';

interface Where {
  readonly config?: string;
  readonly ledger?: string;
  readonly cluster: string;
  readonly json?: true;
}
interface Who extends Where {
  /** Of `unblock`: whose block. */
  readonly of?: string;
  readonly by: string;
  readonly reason?: string;
}

/** What of the config matters here; where only the ledger was named, nothing is known of it. */
interface Configured {
  readonly catalogue: Catalogue | null;
  /** Whether an upgrade waits for an operator's approval. */
  readonly approval: boolean;
}

/** Defines `migration` and its subcommands. */
export function addMigration(program: Command): void {
  const migration = program
    .command('migration')
    .description('Show and steer the one-time upgrade of the system tables, through its ledger.');
  const verb = (name: string, description: string): Command =>
    migration
      .command(name)
      .description(description)
      .option('--config <file>', 'the config of the gate')
      .option('--ledger <url>', ledgerUsage())
      .option('--cluster <name>', 'with --ledger: the cluster of the config', 'main')
      .option('--json', 'print one JSON object');
  const act = (name: string, description: string): Command =>
    verb(name, description)
      .option('--by <name>', 'who acts, for the record', userName())
      .option('--reason <text>', 'why, for the record');

  verb('status', 'Say where the tables are and how the upgrade stands. Changes nothing.')
    .option('--follow', 'go on until the running upgrade ends')
    .action(status);
  verb('history', 'List every attempt and every act of an operator.').action(history);
  act('approve', 'Let the next newer client bring the upgrade, whatever the trigger says.').action(
    operate((ledger, who) => ledger.approve(who)),
  );
  act('block', 'Let no upgrade begin; clients are told the --reason, which has to be stated.')
    .option('--for <duration>', 'until then (default: until unblocked)', durationOption)
    .action(
      operate((ledger, who, options: Who & { readonly for?: number }) => {
        if (who.reason === '') throw new UsageError('block needs a --reason: clients are told');
        return ledger.block(who, options.for === undefined ? null : ledger.now() + options.for);
      }),
    );
  act('unblock', 'Let upgrades begin again, and say whose blocks are lifted.')
    .option('--of <name>', 'lift only the block of this operator')
    .action(operate((ledger, who, { of }: Who) => ledger.unblock(who, of ?? null), 'unblock'));
  act('retry', 'After failures: let the next newer client try again, at once.').action(
    operate((ledger, who) => ledger.retry(who), 'retry'),
  );
  act(
    'accept-ledger',
    'Say that this ledger is the right one, after its gates noticed that it was lost or changed.',
  ).action(operate((ledger, who) => ledger.accept(who), 'accept-ledger'));
  act('abort', 'Stop the running upgrade; it does not start again until "retry".').action(
    operate((ledger, who) => ledger.abort(who), 'abort', endLeftover),
  );
}

/** Runs with the ledger that the options name. Trouble with it ends with status 1. */
async function withLedger(
  options: Where,
  act: (ledger: Ledger, config: Configured) => Promise<void>,
): Promise<void> {
  if ((options.config === undefined) === (options.ledger === undefined))
    throw new UsageError('state either --config or --ledger');
  const config = options.config === undefined ? null : await loadConfig(options.config);
  const policy = config && policyOf(config);
  if (config !== null && policy !== null && !hasSystemTables(policy))
    throw new UsageError(
      `policy ${config.policy.preset} knows no system tables: there is nothing to upgrade, and no ledger`,
    );
  const url = options.ledger ?? (config?.migration.ledger as string);
  const folder = options.config === undefined ? process.cwd() : path.dirname(path.resolve(options.config));
  let store: ReturnType<typeof openStore>;
  try {
    if (parseLedgerAddress(url).kind.shared === 'process')
      throw new UsageError('a ledger in the memory of a gate can be reached by that gate alone');
    store = openStore(url, { folder, clock: realClock });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  try {
    const catalogue = policy?.kind === 'skew' ? policy.catalogue : null;
    const approval = config?.migration.trigger.approval ?? false;
    await act(new Ledger(store, config?.cluster ?? options.cluster, realClock), { catalogue, approval });
  } catch (error) {
    if (!(error instanceof LedgerUnavailable || error instanceof LedgerFormatError)) throw error;
    console.error(`skewgate: ${printable(error.message)}`);
    process.exitCode = 1;
  } finally {
    await store.close();
  }
}

/** @param may the act, if it may have nothing to do: that is said, and on record. */
function operate<O extends Who>(
  act: (ledger: Ledger, who: { by: string; reason: string }, options: O) => Promise<unknown>,
  may?: Act,
  then?: typeof endLeftover,
) {
  return (options: O) =>
    withLedger(options, async (ledger, config) => {
      const { record, leaseAlive } = await ledger.read();
      const nothing = may ? reasonForNothing(may, record, leaseAlive, realClock.now(), options.of) : null;
      await act(ledger, { by: options.by, reason: options.reason ?? '' }, options);
      const view = await ledger.read();
      const leftover = (await then?.(view, realClock)) ?? null;
      if (options.json)
        return console.log(print({ ...statusOf(view, ledger, config), ...(then && { leftover }) }));
      if (nothing !== null) console.log(`Nothing to do: ${printable(nothing)}.`);
      show(view, ledger, config, options);
      if (leftover !== null) console.log(printable(describeLeftover(leftover)));
      if (nothing === null) console.log(`Gates heed it within ${HEARTBEAT / 1_000} s.`);
    });
}

function status(options: Where & { readonly follow?: true }): Promise<void> {
  return withLedger(options, async (ledger, config) => {
    let view = await ledger.read();
    const follows = options.follow === true && view.leaseAlive;
    // What is followed comes line by line, each one once.
    if (!(follows && options.json)) show(view, ledger, config, options, !follows);
    if (!follows) return;
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    const live = new LiveLine(process.stdout);
    let said = '';
    while (view.leaseAlive && !stop.signal.aborted) {
      if (options.json) {
        const line = print(statusOf(view, ledger, config));
        if (line !== said) console.log(line);
        said = line;
      } else live.show(running(view));
      await pause(realClock, 250, stop.signal);
      view = await ledger.read();
    }
    live.end();
    show(view, ledger, config, options);
  });
}

/**
 * @param config what of it matters here
 * @param withRun whether the line about the running upgrade is part of it
 */
function show(view: LedgerView, ledger: Ledger, config: Configured, options: Where, withRun = true): void {
  if (options.json) console.log(print(statusOf(view, ledger, config)));
  else console.log(describe(view, ledger, config, withRun));
}

/** Fields that are times, as the ledger keeps them: ms since the epoch. */
const TIMES: ReadonlySet<string> = new Set(['at', 'until', 'since', 'retryAt']);

/** For programs: in one line, with times as the decision log writes them. */
function print(value: unknown): string {
  const text = JSON.stringify(value, (key, field) =>
    TIMES.has(key) && typeof field === 'number' ? time(field) : field,
  );
  return printable(text);
}

function statusOf(view: LedgerView, ledger: Ledger, config: Configured) {
  const { record } = view;
  return {
    ledger: ledger.url,
    state: reportedState(view, realClock.now(), config),
    ...record,
    block: activeBlock(record, realClock.now()),
    otherBlocks: activeBlocks(record, realClock.now()).slice(1),
  };
}

/**
 * The level, with the release that an upgrade left the tables at. Where none is on record, the level does not tell which
 * of the releases that share it it was: all of them are named, as far as a catalogue is at hand.
 */
function tablesOf({ level, release, releaseKnown }: LedgerRecord, catalogue: Catalogue | null): string {
  if (level === null) return 'level not recorded';
  const releases = releaseKnown ? release : catalogue && releasesAtLevel(catalogue, level);
  return releases === null ? `level ${level}` : `level ${level}, release ${releases}`;
}

function describe(view: LedgerView, ledger: Ledger, config: Configured, withRun: boolean): string {
  const { record } = view;
  const state = reportedState(view, realClock.now(), config);
  const meaning = meaningOf(state, view, realClock.now());
  const lines = [
    `${paint('bold', state)}: ${meaning} (cluster ${ledger.cluster}, ${ledger.url})`,
    `System tables: ${tablesOf(record, config.catalogue)}`,
  ];
  if (record.claim !== null && withRun) lines.push(running(view));
  if (record.restoring !== null)
    lines.push(
      'The tables may be half restored: they are restored again before anything else, by a gate with a restore hook',
    );
  if (record.claim?.abort) lines.push(`Asked to stop by ${whoOf(record.claim.abort)}`);
  for (const block of activeBlocks(record, realClock.now()))
    lines.push(
      `Blocked by ${block.by}: ${block.reason}${block.until === null ? '' : `, until ${time(block.until)}`}`,
    );
  if (record.doubt !== null)
    lines.push(
      `Noticed by ${record.doubt.by}: ${record.doubt.why}`,
      'Bring the right ledger back, or accept this one: skewgate migration accept-ledger',
    );
  for (const { id, token, by } of record.foreign)
    lines.push(
      `Another ledger upgrades the same servers: ${id}, with token ${token} (noticed by ${by}). Give all gates the same one, and say which is right: skewgate migration accept-ledger`,
    );
  if (record.failure !== null) {
    const { error, attempts, retryAt } = record.failure;
    lines.push(
      `Failed ${attempts === 1 ? 'once' : `${attempts} times`}: ${error}`,
      retryAt === null
        ? 'No further attempt until an operator says so: skewgate migration retry'
        : `The next newer client tries again from ${time(retryAt)}`,
    );
  }
  if (record.approval !== null) lines.push(`Approved by ${whoOf(record.approval)}`);
  // What follows is in the words of operators, hooks and clients.
  const [first = '', ...others] = lines;
  return [first, ...others.map(printable)].join('\n');
}

function whoOf({ by, reason }: { readonly by: string; readonly reason: string }): string {
  return reason === '' ? by : `${by}: ${reason}`;
}

function running({ record }: LedgerView): string {
  const { claim } = record;
  if (claim === null) return '';
  const { plan, progress, owner, token, attempt, trigger } = claim;
  const last = plan.steps.at(-1);
  const step = `step ${Math.min(stepsDone(claim) + 1, plan.steps.length)} of ${plan.steps.length}`;
  return [
    `To ${last?.to} (level ${last?.level}), ${step}:`,
    // First, since a terminal shows no more than fits into a line.
    progress?.done == null ? null : bar(progress.done),
    progress?.text ? `${progress.text};` : null,
    `attempt ${attempt}, token ${token}, held by ${owner}, brought by client ${trigger.client}`,
  ]
    .filter(Boolean)
    .join(' ');
}

function history(options: Where): Promise<void> {
  return withLedger(options, async (ledger) => {
    const entries = await ledger.history();
    if (options.json) return console.log(print(entries));
    if (entries.length === 0) return console.log('Nothing was ever recorded.');
    console.log(table(entries.map((entry) => [time(entry.at), entry.what, printable(detail(entry))])));
  });
}

function detail(entry: HistoryEntry): string {
  const parts = [
    entry.token === undefined ? null : `token ${entry.token}`,
    entry.attempt === undefined ? null : `attempt ${entry.attempt}`,
    entry.step === undefined ? null : `step ${entry.step} of ${entry.steps}`,
    span('level', entry.fromLevel, entry.toLevel),
    // Where levels are shared, the release that a step led from may be a guess: the level says it.
    entry.to === undefined ? null : `to release ${entry.to}`,
    entry.ran === false ? 'found done already' : null,
    entry.trigger === undefined ? null : `client ${entry.trigger.client}`,
    entry.by === undefined ? null : `by ${entry.by}`,
    entry.reason,
    entry.error,
    entry.note,
  ];
  return parts.filter(Boolean).join(', ');
}

/** @param from null: nobody knew. Absent, as at the end of an attempt: it is said where that begins. */
function span(of: string, from: string | number | null | undefined, to?: string | number): string | null {
  if (to === undefined) return null;
  return from === undefined ? `to ${of} ${to}` : `${of} ${from ?? '?'} to ${to}`;
}

function time(at: number): string {
  return new Date(at).toISOString();
}
