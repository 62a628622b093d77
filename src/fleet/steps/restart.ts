/** `restart: ID` */
import { nodeVerb } from './nodes.ts';
import { type StepHandler, WORK } from './step.ts';

/** A server or gate goes in order and comes back; a dead one just comes back. */
export const restart: StepHandler<string> = {
  ...nodeVerb('restart'),
  about: 'a server or gate is told to stop, and comes back',
  perform: (id, { nodes }) => nodes.restart(id),
  longest: (_id, { timeouts }) => timeouts.drain + WORK,
  leaves(id, { paused, dead }) {
    paused.delete(id);
    dead.delete(id);
  },
};
