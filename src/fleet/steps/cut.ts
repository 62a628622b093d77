/** `cut: [A, B]` */
import { type Ends, linkVerb } from './links.ts';
import type { StepHandler } from './step.ts';

/** Nothing passes between a gate and a server, or a gate and the ledger, until the link is healed. */
export const cut: StepHandler<Ends> = {
  ...linkVerb('cut'),
  about: 'the link between two of them is cut',
  reasonToSkip: (ends, nodes) => (nodes.isCut(...ends) ? 'they are cut' : null),
  perform: (ends, { nodes }) => nodes.cut(...ends),
  leaves: (ends, { cuts }) => {
    cuts.set(ends.join(' '), ends);
  },
};
