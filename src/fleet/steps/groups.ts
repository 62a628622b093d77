/** What verbs about client groups share. */
import { name } from '../fleet-schema.ts';
import {
  type FastCheck,
  type PlanChoices,
  type ScenarioNames,
  type StepHandler,
  unknownName,
  WORK,
} from './step.ts';

/** `clients app (4.13.2)`: a group, with its version where that is known. */
export function clientsOn(group: string, versions: ReadonlyMap<string, string>): string {
  return versions.has(group) ? `clients ${group} (${versions.get(group)})` : `clients ${group}`;
}

/** Problems of the name of a group. */
export const groupProblems = (group: string, { groups }: ScenarioNames, path: readonly string[] = []) =>
  unknownName(group, 'client group', groups, path);

/** ms in which all of a group have set out. */
export const arrivalTime: NonNullable<StepHandler<string>['longest']> = (group, { clients }) =>
  (clients.find((candidate) => candidate.name === group)?.over ?? 0) + WORK;

/** One of the fleet's groups; null: there are none. */
export const drawGroup = (fc: FastCheck, { groups }: PlanChoices) =>
  groups.length === 0 ? null : fc.constantFrom(...groups);

/** What a verb has whose value is a group's name. */
export const groupVerb = (weight: number) =>
  ({
    schema: name,
    problems: groupProblems,
    draw(fc, choices) {
      const value = drawGroup(fc, choices);
      return value && { weight, value };
    },
  }) satisfies Partial<StepHandler<string>>;
