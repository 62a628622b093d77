/** `start: ID` */
import { nodeVerb } from './nodes.ts';
import type { StepHandler } from './step.ts';

/** A dead server or gate comes back. */
export const start: StepHandler<string> = {
  ...nodeVerb('start'),
  about: 'a dead server or gate comes back',
  reasonToSkip(id, nodes) {
    const state = nodes.stateOf(id);
    if (state === 'down') return null;
    return state === 'paused' ? 'it stands still' : 'it runs';
  },
  perform: (id, { nodes }) => nodes.start(id),
  leaves: (id, { dead }) => {
    dead.delete(id);
  },
};
