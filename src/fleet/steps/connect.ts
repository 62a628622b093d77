/** `connect: GROUP` */
import { arrivalTime, clientsOn, groupVerb } from './groups.ts';
import type { StepHandler } from './step.ts';

/** A group arrives; the next step comes once all of it has set out. */
export const connect: StepHandler<string> = {
  ...groupVerb(4),
  about:
    'the clients of a group connect, again where they are connected; the next step comes once all have begun to',
  describe: (group, versions) => `${clientsOn(group, versions)} connect`,
  perform: (group, { clients }) => clients.arrive(group),
  longest: arrivalTime,
  group: (group) => group,
};
