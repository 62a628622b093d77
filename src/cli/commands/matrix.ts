/** `skewgate matrix`: every client line against every server line. */
import { type Command, Option } from 'commander';
import type { Code } from '../../policy/codes.ts';
import { decide } from '../../policy/decide.ts';
import { linesBetween } from '../../policy/lines.ts';
import type { Decision, Policy, Verdict } from '../../policy/types.ts';
import { PHOENIX_CATALOGUE } from '../../version/phoenix.ts';
import { compareMinors, firstOf, type Minor, parseMinor, printMinor } from '../../version/version.ts';
import { addPolicyOptions, type PolicyOptions, policyFrom } from '../policy-options.ts';
import { paint, paintVerdict, table } from '../print.ts';
import { printableJson } from '../printable.ts';
import { UsageError } from '../usage.ts';

interface Options extends PolicyOptions {
  readonly clients: string;
  readonly servers: string;
  readonly json?: true;
  readonly markdown?: true;
}

const MAX_LINES = 200;

export interface MatrixCell {
  readonly client: string;
  readonly server: string;
  readonly verdict: Verdict;
  readonly code: Code;
  readonly rule: Decision['rule'];
}

/** Adds `skewgate matrix` to the program. */
export function addMatrix(program: Command): void {
  const command = program
    .command('matrix')
    .description('Print which client releases are admitted to servers of each release.')
    .requiredOption('--clients <range>', 'client release lines, such as 4.12..4.17')
    .requiredOption('--servers <range>', 'server release lines, such as 4.13..4.16')
    .option('--json', 'print a JSON list, one object per pair')
    .addOption(new Option('--markdown', 'print a Markdown table').conflicts('json'));
  addPolicyOptions(command).action(matrix);
}

async function matrix(options: Options): Promise<void> {
  const policy = await policyFrom(options);
  const clients = parseLines(options.clients, policy);
  const servers = parseLines(options.servers, policy);
  const cells = clients.map((client) => servers.map((server) => cellOf(client, server, policy)));
  if (options.json) console.log(printableJson(cells.flat()));
  else if (options.markdown) console.log(markdown(cells));
  else console.log(coloured(cells));
}

/** `4.12..4.17`, `4.14..5.2`, or one line. @throws {VersionError | UsageError} */
export function parseLines(text: string, policy: Policy): Minor[] {
  const [first, last = first, ...rest] = text.split('..') as [string, ...string[]];
  if (rest.length > 0) throw new UsageError(`${text}: a range has two ends, such as 4.12..4.17`);
  const [from, to] = [parseMinor(first), parseMinor(last)];
  if (compareMinors(from, to) > 0) throw new UsageError(`${text}: the first release line is above the last`);
  const catalogue = policy.kind === 'skew' ? policy.catalogue : PHOENIX_CATALOGUE;
  const lines = linesBetween(catalogue, from, to, MAX_LINES + 1);
  if (lines.length > MAX_LINES)
    throw new UsageError(`${text}: at most ${MAX_LINES} release lines are shown, and these are more`);
  return lines;
}

function cellOf(client: Minor, server: Minor, policy: Policy): MatrixCell {
  const { verdict, code, rule } = decide(
    { version: firstOf(client), upgrade: 'may' },
    {
      servers: [{ id: 'server', version: firstOf(server), state: 'up' }],
      level: null,
      upgrade: { state: 'idle' },
    },
    policy,
  );
  return { client: printMinor(client), server: printMinor(server), verdict, code, rule };
}

/** What a cell says: the verdict, and for a refusal who is too old. */
function say({ verdict, code }: MatrixCell): string {
  if (verdict !== 'refuse') return verdict;
  if (code === 'SERVER_OUTDATED') return 'server old';
  if (code === 'CLIENT_OUTDATED') return 'client old';
  if (code === 'MAJOR_MISMATCH') return 'major';
  return code.toLowerCase().replaceAll('_', ' ');
}

const CORNER = 'client \\ server';

function coloured(cells: readonly MatrixCell[][]): string {
  const head = [CORNER, ...(cells[0] ?? []).map(({ server }) => server)];
  const rows = cells.map((row) => [(row[0] as MatrixCell).client, ...row.map(say)]);
  return table([head, ...rows], (text, row, column) => {
    const cell = row > 0 && column > 0 ? cells[row - 1]?.[column - 1] : undefined;
    return cell ? paintVerdict(cell.verdict, text) : paint('bold', text);
  });
}

function markdown(cells: readonly MatrixCell[][]): string {
  const row = (values: readonly string[]) => `| ${values.join(' | ')} |`;
  const servers = (cells[0] ?? []).map(({ server }) => server);
  return [
    row([CORNER.replace('\\', '\\\\'), ...servers]),
    row(['---', ...servers.map(() => '---')]),
    ...cells.map((line) => row([(line[0] as MatrixCell).client, ...line.map(say)])),
  ].join('\n');
}
