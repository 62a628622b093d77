/** `resume: ID` */
import { nodeVerb } from './nodes.ts';
import type { StepHandler } from './step.ts';

/** A server or gate that stands still goes on, as by SIGCONT. */
export const resume: StepHandler<string> = {
  ...nodeVerb('resume'),
  about: 'one that was paused goes on',
  reasonToSkip(id, nodes) {
    const state = nodes.stateOf(id);
    if (state === 'down') return 'it is dead';
    return state === 'paused' ? null : 'it runs';
  },
  perform: (id, { nodes }) => nodes.resume(id),
  leaves: (id, { paused }) => {
    paused.delete(id);
  },
};
