/** What verbs about a link share. */
import { z } from 'zod';
import { parseLedgerAddress } from '../../migration/ledger/registry.ts';
import { name } from '../fleet-schema.ts';
import { LEDGER } from '../names.ts';
import { type ScenarioNames, type ScenarioProblem, type StepHandler, unknownName } from './step.ts';

/** The two ends of a link. */
export type Ends = [string, string];

/** What a verb has whose value is a link. */
export const linkVerb = (verb: string) =>
  ({
    schema: z.tuple([name, name]),
    describe: (ends) => `${verb} the link between ${ends.join(' and ')}`,
    problems: linkProblems,
    needs: (ends, { migration }) =>
      ends.includes(LEDGER) && parseLedgerAddress(migration.ledger).kind.shared !== 'network'
        ? 'virtual'
        : null,
    draw: (fc, { servers, gates }) => ({
      weight: 2,
      value: fc.tuple(fc.constantFrom(...gates), fc.constantFrom(...servers, LEDGER)),
    }),
  }) satisfies Partial<StepHandler<Ends>>;

/** Nothing passes between two servers, or two gates: cutting them would change nothing. */
function linkProblems(ends: Ends, { servers, gates }: ScenarioNames): ScenarioProblem[] {
  const known = [...servers, ...gates, LEDGER];
  const unknown = ends.flatMap((end, at) => unknownName(end, 'server or gate', known, [at]));
  if (unknown.length > 0 || ends.filter((end) => gates.includes(end)).length === 1) return unknown;
  const message = `there is no link between ${ends.join(' and ')}: one end is a gate, the other a server or the ledger`;
  return [{ path: [], message }];
}
