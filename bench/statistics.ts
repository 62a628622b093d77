/** Medians and spreads of a few rounds. */

/** Of what the rounds gave: the middle, and both ends. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** @throws {RangeError} if there are no values */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  const [below, above] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  if (below === undefined || above === undefined) throw new RangeError('no values');
  return {
    median: (below + above) / 2,
    lowest: sorted[0] as number,
    highest: sorted.at(-1) as number,
  };
}

/** Round by round, so that what slowed a whole round down is in both. */
export function ratiosOf(values: readonly number[], references: readonly number[]): number[] {
  return values.flatMap((value, round) => {
    const reference = references[round];
    return reference === undefined || reference === 0 ? [] : [value / reference];
  });
}

/** How much a value grows with each unit of `at`: the slope of the straight line that fits best. */
export function slopeOf(points: ReadonlyArray<{ readonly at: number; readonly value: number }>): number {
  const mean = (pick: (point: { at: number; value: number }) => number) =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [at, value] = [mean((point) => point.at), mean((point) => point.value)];
  const spread = points.reduce((sum, point) => sum + (point.at - at) ** 2, 0);
  return spread === 0
    ? 0
    : points.reduce((sum, point) => sum + (point.at - at) * (point.value - value), 0) / spread;
}
