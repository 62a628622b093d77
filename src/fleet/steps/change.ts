/** `change: { group, to }` */
import { z } from 'zod';
import { compareVersions, parseVersion } from '../../version/version.ts';
import { name, version } from '../fleet-schema.ts';
import { arrivalTime, clientsOn, drawGroup, groupProblems } from './groups.ts';
import type { StepHandler } from './step.ts';

const schema = z.strictObject({
  group: name.describe('the client group'),
  to: version.describe('the version it is on from then on'),
});

type Change = z.infer<typeof schema>;

/** A group moves to another version, and comes again. */
export const change: StepHandler<Change> = {
  about: 'a group is upgraded or downgraded, and comes again',
  schema,
  problems: ({ group }, names) => groupProblems(group, names, ['group']),
  describe: ({ group, to }, versions) =>
    `${directionOf(group, to, versions)} ${clientsOn(group, versions)} to ${to}`,
  perform({ group, to }, { clients }) {
    clients.disconnect(group);
    clients.change(group, to);
    return clients.arrive(group);
  },
  longest: ({ group }, fleet) => arrivalTime(group, fleet),
  group: ({ group }) => group,
  moves: ({ group, to }) => ({ group, to }),
  draw(fc, choices) {
    const group = drawGroup(fc, choices);
    return group && { weight: 2, value: fc.record({ group, to: fc.constantFrom(...choices.versions) }) };
  },
};

function directionOf(group: string, to: string, versions: ReadonlyMap<string, string>): string {
  const from = versions.get(group);
  return from !== undefined && compareVersions(parseVersion(to), parseVersion(from)) < 0
    ? 'downgrade'
    : 'upgrade';
}
