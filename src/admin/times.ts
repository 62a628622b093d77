/** Times as the API writes them. */

/** ISO 8601, UTC, to the millisecond. @param at ms since the epoch */
export const isoTime = (at: number) => new Date(at).toISOString();
