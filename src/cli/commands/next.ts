/** `skewgate next`: what blocks the next step of an upgrade, and who is turned away by it. */
import type { Command } from 'commander';
import type { Next } from '../../planning/answers.ts';
import { nextStep } from '../../planning/next.ts';
import { adminClient } from '../admin-client.ts';
import { addFleetOptions, type FleetOptions, readFleet } from '../fleet-source.ts';
import { describeNext } from '../planning-text.ts';
import { printableJson } from '../printable.ts';

interface Options extends FleetOptions {
  readonly to?: string;
  readonly json?: true;
}

/** Defines `next`. */
export function addNext(program: Command): void {
  const command = program
    .command('next')
    .description(
      'Show what blocks the next step of an upgrade, and who would be turned away by taking it. Exit status 0: nothing is in the way; 1: something is; 2: wrong usage.',
    )
    .option('--to <line>', 'a release line, such as 4.16: show the whole way there, step by step')
    .option('--json', 'print one JSON object');
  addFleetOptions(command).action(next);
}

async function next({ to, json, ...from }: Options): Promise<void> {
  const answer =
    from.log === undefined
      ? await (await adminClient(from)).get<Next>('/v1/next', { to })
      : nextStep(await readFleet(from), to);
  console.log(json ? printableJson(answer) : describeNext(answer));
  process.exitCode = answer.ready ? 0 : 1;
}
