/**
 * Compares two decision logs by what was decided for whom, not by how often, when or under which id. A question is a
 * client's version together with what the gate saw of the cluster; its answers are verdicts with code and move.
 * Differences of timing are ignored, so that runs on real processes can be compared: refusals that pass by themselves,
 * and questions that only one run asked (such as between two servers of a roll) if the client got the same answer at
 * some other time in the other run.
 */
import type { HandshakeRecord } from '../decision/record.ts';

export interface DecisionInput {
  readonly client: string | null;
  readonly oldest: string | null;
  readonly newest: string | null;
  readonly level: number | null;
}

export interface Answer {
  readonly verdict: string;
  readonly code: string;
  /** `server to 4.15`; null: nobody has to move. */
  readonly move: string | null;
}

export interface Tally extends Answer {
  readonly count: number;
}

export interface Difference {
  /** `answer`: another answer than before. `new`, `gone`: one that this client never got in the other run. */
  readonly kind: 'new' | 'gone' | 'answer';
  readonly question: DecisionInput;
  readonly before: readonly Tally[];
  readonly after: readonly Tally[];
}

interface Tallied {
  readonly question: DecisionInput;
  /** By the answer as JSON. */
  readonly answers: Map<string, number>;
}

type Log = ReadonlyMap<string, Tallied>;

/** @param before @param after NDJSON lines; those that are no handshakes do not count. */
export function compareDecisions(before: Iterable<string>, after: Iterable<string>): Difference[] {
  const [was, is] = [tally(before), tally(after)];
  const keys = [...new Set([...was.keys(), ...is.keys()])].sort();
  return keys.flatMap((key) => {
    const [old, fresh] = [was.get(key), is.get(key)];
    const kind = kindOf(old, fresh, was, is);
    if (kind === null) return [];
    const { question } = (old ?? fresh) as Tallied;
    return [{ kind, question, before: talliesOf(old), after: talliesOf(fresh) }];
  });
}

function kindOf(
  before: Tallied | undefined,
  after: Tallied | undefined,
  was: Log,
  is: Log,
): Difference['kind'] | null {
  if (before === undefined) return after === undefined || isKnown(after, was) ? null : 'new';
  if (after === undefined) return isKnown(before, is) ? null : 'gone';
  const [old, fresh] = [before.answers, after.answers];
  return old.size === fresh.size && [...old.keys()].every((answer) => fresh.has(answer)) ? null : 'answer';
}

/** Whether a run ever gave these answers to this client, whatever the question was. */
function isKnown({ question, answers }: Tallied, log: Log): boolean {
  const same = [...log.values()].filter((other) => other.question.client === question.client);
  return [...answers.keys()].every((answer) => same.some((other) => other.answers.has(answer)));
}

function tally(lines: Iterable<string>): Map<string, Tallied> {
  const tallied = new Map<string, Tallied>();
  for (const line of lines) {
    const record = parse(line);
    // A refusal after which the same client may simply come again says nothing that lasts.
    if (record === null || (record.verdict === 'refuse' && record.retry === 'later')) continue;
    const { client, observed, verdict, code, move } = record;
    const question: DecisionInput = {
      client,
      oldest: observed.oldest,
      newest: observed.newest,
      level: observed.level,
    };
    const answer: Answer = { verdict, code, move: move && `${move.side} to ${move.to}` };
    const [asked, said] = [JSON.stringify(question), JSON.stringify(answer)];
    const { answers } = tallied.get(asked) ?? { answers: new Map<string, number>() };
    answers.set(said, (answers.get(said) ?? 0) + 1);
    tallied.set(asked, { question, answers });
  }
  return tallied;
}

function parse(line: string): HandshakeRecord | null {
  try {
    const record = JSON.parse(line);
    return record?.event === 'handshake' && typeof record.observed === 'object' ? record : null;
  } catch {
    return null;
  }
}

/** Most frequent first. */
function talliesOf(tallied: Tallied | undefined): Tally[] {
  return [...(tallied?.answers ?? [])]
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    .map(([answer, count]) => ({ ...(JSON.parse(answer) as Answer), count }));
}

const HEADS: Readonly<Record<Difference['kind'], string>> = {
  new: 'was never told this before',
  gone: 'is never told this any more',
  answer: 'has another answer',
};

/** The differences in words, one line or more for each; empty if there are none. */
export function printDifferences(differences: readonly Difference[]): string {
  return differences
    .map(({ kind, question, before, after }) =>
      [
        `${printInput(question)}: ${HEADS[kind]}`,
        ...before.map((answer) => `  before: ${printTally(answer)}`),
        ...after.map((answer) => `  after:  ${printTally(answer)}`),
      ].join('\n'),
    )
    .join('\n');
}

function printInput({ client, oldest, newest, level }: DecisionInput): string {
  const servers =
    oldest === null
      ? 'servers unknown'
      : oldest === newest
        ? `servers ${oldest}`
        : `servers ${oldest} to ${newest}`;
  return `client ${client ?? 'unknown'}, ${servers}${level === null ? '' : `, level ${level}`}`;
}

function printTally({ verdict, code, move, count }: Tally): string {
  return `${count} × ${verdict} ${code}${move === null ? '' : `, ${move}`}`;
}
