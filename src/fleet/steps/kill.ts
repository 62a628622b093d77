/** `kill: ID` */
import { nodeVerb } from './nodes.ts';
import type { StepHandler } from './step.ts';

/** A server or gate dies, as by SIGKILL. */
export const kill: StepHandler<string> = {
  ...nodeVerb('kill'),
  about: 'a server or gate dies at once',
  reasonToSkip: (id, nodes) => (nodes.stateOf(id) === 'down' ? 'it is dead' : null),
  perform: (id, { nodes }) => nodes.kill(id),
  leaves(id, { paused, dead }) {
    paused.delete(id);
    dead.add(id);
  },
};
