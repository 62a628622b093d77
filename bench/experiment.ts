/** What an experiment is: figures that are measured of several variants side by side, round after round. */
import type { Lab } from './lab.ts';

/** What one round of a variant gave, by the keys of the figures. A figure may be left out. */
export type Values = Readonly<Record<string, number>>;

/** What the gate has to reach, and what it is meant to. */
export interface Goal {
  readonly least: number;
  readonly aim: number;
}

export interface Figure {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  /** As ratios to the reference or, without one, as values. */
  readonly goal?: Goal;
  /** Whether more is better. */
  readonly more: boolean;
}

/** A variant that is set up: it is measured once a round, then taken down. */
export interface Subject extends AsyncDisposable {
  measure(): Promise<Values>;
}

export interface Variant {
  readonly id: string;
  /** Why it can't be measured here; null if it can. */
  missing?(): string | null;
  open(lab: Lab): Promise<Subject>;
}

export interface Experiment {
  readonly name: string;
  readonly title: string;
  /** What a reader has to know of it. */
  readonly note?: string;
  readonly figures: readonly Figure[];
  /** The variant that is 1.00; null: values, no ratios. */
  readonly reference: string | null;
  readonly variants: readonly Variant[];
  /** Where they differ from variant to variant: for the first figure. */
  readonly goals?: Readonly<Record<string, Goal>>;
  /** Whether the first round is not counted: what runs longer than a round is warm by then. */
  readonly warmUp?: boolean;
  /** At most so many rounds, where one takes long and differs little. */
  readonly rounds?: number;
}

/** What was measured: for each variant and figure a value for each round, or why it is missing. */
export interface Measured {
  readonly experiment: Experiment;
  readonly values: ReadonlyMap<string, readonly Values[]>;
  readonly skipped: ReadonlyMap<string, string>;
  readonly seconds: number;
}

/** The values of one figure of a variant, round by round. */
export function seriesOf({ values }: Measured, variant: string, figure: string): number[] {
  return (values.get(variant) ?? []).flatMap((round) => {
    const value = round[figure];
    return value === undefined ? [] : [value];
  });
}
