/** How decisions look in a terminal. */
import { styleText } from 'node:util';
import type { ReceivedDecision, Verdict } from '../policy/types.ts';
import { printable } from './printable.ts';

type Colour = Parameters<typeof styleText>[0];

const COLOURS: Readonly<Record<Verdict, Colour>> = {
  permit: 'green',
  migrate: 'cyan',
  hold: 'yellow',
  refuse: 'red',
};

/** In colour where `stream` is a terminal that shows it (NO_COLOR is heeded). */
export function paint(colour: Colour, text: string, stream: NodeJS.WritableStream = process.stdout): string {
  return styleText(colour, text, { stream });
}

/** A text in the colour of a verdict. @param stream where it goes, which decides whether there are colours */
export function paintVerdict(verdict: Verdict, text: string, stream?: NodeJS.WritableStream): string {
  return paint(COLOURS[verdict], text, stream);
}

/** Columns padded to their widest cell; `paint` gets the padded text. */
export function table(
  rows: ReadonlyArray<readonly string[]>,
  paintCell: (text: string, row: number, column: number) => string = (text) => text,
): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row, at) =>
      row
        .map((cell, column) =>
          paintCell(column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0), at, column),
        )
        .join('  '),
    )
    .join('\n');
}

/** The decision as `explain` shows it: verdict, sentence, who must move, trace. */
export function describe(decision: ReceivedDecision, stream: NodeJS.WritableStream = process.stdout): string {
  const { verdict, code, rule, message, trace, observed } = decision;
  const lines = [
    `${paintVerdict(verdict, verdict.toUpperCase(), stream)} ${code} (rule ${rule})`,
    message,
    ...explainMove(decision),
    ...decision.notes.map(
      (note) => `Note on ${note.release}: ${[note.text, note.link].filter(Boolean).join(' ')}`,
    ),
  ];
  if (observed.oldest !== null)
    lines.push(
      '',
      `Cluster: oldest ${observed.oldest}, newest ${observed.newest}, system tables at level ${observed.level ?? 'unknown'}`,
    );
  lines.push('', 'Rules looked at:', table(trace.map((step) => ['', step.rule, step.outcome, step.because])));
  return lines.join('\n');
}

/** Who must move, when to retry, Phoenix's codes: the lines a refused client needs, fit for a terminal. */
export function explainMove({
  verdict,
  move,
  retry,
  retryAfterMs,
  vendorCode,
  sqlState,
}: ReceivedDecision): string[] {
  if (verdict === 'permit') return [];
  const lines = [];
  if (move !== null) lines.push(`Move: ${move.side} to ${move.to} (${move.who.join(', ')})`);
  if (verdict !== 'migrate')
    lines.push(`Retry: ${retry}${retryAfterMs === null ? '' : `, in ${Math.ceil(retryAfterMs / 1_000)} s`}`);
  if (vendorCode !== null) lines.push(`Phoenix: vendor code ${vendorCode}, SQLState ${sqlState}`);
  return lines.map(printable);
}

/** 0 to 1 as twenty characters. */
export function bar(done: number): string {
  const full = Math.round(done * 20);
  return `[${'#'.repeat(full)}${'-'.repeat(20 - full)}] ${Math.round(done * 100)} %`;
}
