/** `arrive: GROUP` */
import { arrivalTime, clientsOn, groupVerb } from './groups.ts';
import type { StepHandler } from './step.ts';

/** A group begins to arrive; the next step comes at once. */
export const arrive: StepHandler<string> = {
  ...groupVerb(4),
  about: 'the same, but the next step comes at once',
  describe: (group, versions) => `${clientsOn(group, versions)} begin to arrive`,
  perform(group, { clients }) {
    void clients.arrive(group);
  },
  longest: arrivalTime,
  group: (group) => group,
};
