/** Which handshake records hold the trace of their decision. */

/** Whose records hold the trace of the decision, which is most of a record: `refused` means refused clients only. */
export const TRACES = ['all', 'refused', 'none'] as const;
export type Traces = (typeof TRACES)[number];
