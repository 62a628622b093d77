/** `disconnect: GROUP` */
import { clientsOn, groupVerb } from './groups.ts';
import type { StepHandler } from './step.ts';

/** A group goes, and stays away. */
export const disconnect: StepHandler<string> = {
  ...groupVerb(1),
  about: "a group's sessions end, and it stays away",
  describe: (group, versions) => `${clientsOn(group, versions)} disconnect`,
  perform: (group, { clients }) => clients.disconnect(group),
};
