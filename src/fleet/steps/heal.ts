/** `heal: [A, B]` */
import { type Ends, linkVerb } from './links.ts';
import type { StepHandler } from './step.ts';

/** A link that was cut is there again. */
export const heal: StepHandler<Ends> = {
  ...linkVerb('heal'),
  about: 'a link that was cut works again',
  // What can't be cut need not be asked for.
  needs: () => null,
  reasonToSkip: (ends, nodes) => (nodes.isCut(...ends) ? null : 'they are not cut'),
  perform: (ends, { nodes }) => nodes.heal(...ends),
  leaves: (ends, { cuts }) => {
    cuts.delete(ends.join(' '));
  },
};
