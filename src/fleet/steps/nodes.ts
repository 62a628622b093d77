/** What verbs about one server or gate share. */
import { name } from '../fleet-schema.ts';
import { type StepHandler, unknownName } from './step.ts';

/** What a verb has whose value is the id of a server or gate. */
export const nodeVerb = (verb: string) =>
  ({
    schema: name,
    describe: (id) => `${verb} ${id}`,
    problems: (id, { servers, gates }) => unknownName(id, 'server or gate', [...servers, ...gates]),
    draw: (fc, { servers, gates }) => ({ weight: 2, value: fc.constantFrom(...servers, ...gates) }),
  }) satisfies Partial<StepHandler<string>>;
