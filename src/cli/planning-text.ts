/** How answers of planning look in a terminal: the sentences that API and page show too, and what they say as tables. */
import type { Blocker, CensusLine, Next, Refused, WhatIf } from '../planning/answers.ts';
import { headOf } from '../planning/next-text.ts';
import type { Move } from '../policy/types.ts';
import { paintVerdict, table } from './print.ts';
import { printable } from './printable.ts';

/** A line of the census as the API writes it: times are ISO 8601. */
export type PrintedLine = Omit<CensusLine, 'lastSeenAt'> & { readonly lastSeenAt: string | null };

/** Names in a cell of a table. */
const NAMED = 3;

/** What blocks the next step; of a way, step by step. */
export function describeNext({ to, sentence, path = [], blockers }: Next): string {
  const text =
    path.length > 1
      ? [headOf(to ?? '', path.length), ...path.map((step) => step.sentence)].join('\n')
      : sentence;
  return [...text.split('\n').map(printable), ...todo(blockers)].join('\n');
}

function todo(blockers: readonly Blocker[]): string[] {
  if (blockers.length === 0) return [];
  const rows = blockers.map(({ kind, who, move }) => [kind, some(who), spell(move)].map(printable));
  return ['', table([['in the way', 'who', 'what helps'], ...rows])];
}

/** Whom a change would refuse. */
export function describeWhatIf({ sentence, refused }: WhatIf): string {
  if (refused.length === 0) return printable(sentence);
  const rows = refused.map((group) => [...countsOf(group), spell(group.move)].map(printable));
  const head = ['clients', 'sessions', 'last hour', 'rule', 'code', 'who', 'what helps'];
  return [printable(sentence), '', table([head, ...rows])].join('\n');
}

function countsOf({ line, sessions, seen, rule, code, clients }: Refused): string[] {
  const names = clients.map(({ name, driver, host, gate }) =>
    gate === null ? `${name ?? driver}@${host}` : `at ${gate}`,
  );
  return [line, String(sessions), String(seen), rule, code, some(names)];
}

/** The census, a line for each release line. */
export function describeClients(lines: readonly PrintedLine[]): string {
  if (lines.length === 0) return 'No client came in the last hour.';
  const head = ['clients', 'status', 'sessions', 'came last', 'now', 'next', 'from', 'driver', 'who'];
  const rows = lines.map((line) =>
    [
      line.line,
      line.status,
      String(line.sessions),
      line.lastSeenAt?.slice(0, 19).replace('T', ' ') ?? 'not lately',
      line.verdictNow,
      line.verdictNext,
      some(line.hosts),
      some(line.drivers),
      some(line.who),
    ].map(printable),
  );
  const painted = table([head, ...rows], (text, row, column) => {
    const line = row === 0 ? undefined : lines[row - 1];
    if (line === undefined || (column !== 4 && column !== 5)) return text;
    return paintVerdict(column === 4 ? line.verdictNow : line.verdictNext, text);
  });
  return painted.replace(/ +$/gm, '');
}

/** `a, b, c and 2 more` */
function some(names: readonly string[]): string {
  const more = names.length - NAMED;
  return more > 0 ? `${names.slice(0, NAMED).join(', ')} and ${more} more` : names.join(', ');
}

const spell = (move: Move | null) => (move === null ? 'time' : `${move.side} to ${move.to}`);
