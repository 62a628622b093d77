/** `skewgate clients`: which clients there are, by release line. */
import type { Command } from 'commander';
import { census } from '../../planning/census.ts';
import type { FleetFacts } from '../../planning/facts.ts';
import { adminClient } from '../admin-client.ts';
import { addFleetOptions, type FleetOptions, readFleet } from '../fleet-source.ts';
import { describeClients, type PrintedLine } from '../planning-text.ts';
import { printableJson } from '../printable.ts';

interface Options extends FleetOptions {
  readonly json?: true;
}

/** Defines `clients`. */
export function addClients(program: Command): void {
  const command = program
    .command('clients')
    .description(
      'List the release lines of clients: sessions, where from, who, the verdict now and after the next step, and where the line is on its way out.',
    )
    .option('--json', 'print one JSON object');
  addFleetOptions(command).action(list);
}

async function list({ json, ...from }: Options): Promise<void> {
  const { lines } =
    from.log === undefined
      ? await (await adminClient(from)).get<{ lines: PrintedLine[] }>('/v1/clients')
      : { lines: linesOf(await readFleet(from)) };
  console.log(json ? printableJson({ lines }) : describeClients(lines));
}

/** As the API writes them. */
function linesOf(facts: FleetFacts): PrintedLine[] {
  return census(facts).map(({ lastSeenAt, ...line }) => ({
    ...line,
    lastSeenAt: lastSeenAt === null ? null : new Date(lastSeenAt).toISOString(),
  }));
}
