/** `pause: ID` */
import { nodeVerb } from './nodes.ts';
import type { StepHandler } from './step.ts';

/** A server or gate stands still, as by SIGSTOP. */
export const pause: StepHandler<string> = {
  ...nodeVerb('pause'),
  about: 'a server or gate is frozen: it does nothing, and its connections stay open',
  reasonToSkip(id, nodes) {
    const state = nodes.stateOf(id);
    if (state === 'down') return 'it is dead';
    return state === 'paused' ? 'it stands still' : null;
  },
  perform: (id, { nodes }) => nodes.pause(id),
  leaves: (id, { paused }) => {
    paused.add(id);
  },
};
