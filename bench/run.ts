/** Runs experiments: all variants side by side, the order rotated each round. */
import type { Experiment, Measured, Subject, Values, Variant } from './experiment.ts';
import type { Lab } from './lab.ts';

/** Rounds before those that count: for some seconds of load a Node.js that just started goes on compiling. */
const WARM_UP = 6;

/** Measures every variant in each of the rounds. A variant that fails is left out, with the reason. */
export async function runExperiment(
  experiment: Experiment,
  lab: Lab,
  rounds: number,
  say: (line: string) => void,
): Promise<Measured> {
  const startedAt = performance.now();
  const values = new Map<string, Values[]>();
  const skipped = new Map<string, string>();
  const leaveOut = (id: string, reason: string) => {
    skipped.set(id, reason);
    values.delete(id);
    say(`  ${id}: left out: ${reason}`);
  };
  await using opened = new AsyncDisposableStack();
  const subjects = new Map<Variant, Subject>();
  for (const variant of experiment.variants) {
    const reason = variant.missing?.() ?? null;
    if (reason !== null) leaveOut(variant.id, reason);
    else
      await variant.open(lab).then(
        (subject) => subjects.set(variant, opened.use(subject)),
        (error) => leaveOut(variant.id, (error as Error).message),
      );
  }
  const count = Math.min(rounds, experiment.rounds ?? rounds);
  // Rounds below 0 warm up, and are not counted.
  for (let round = experiment.warmUp && !lab.quick ? -WARM_UP : 0; round < count; round++)
    for (const variant of rotated([...subjects.keys()], Math.max(0, round))) {
      if (skipped.has(variant.id)) continue;
      try {
        const measured = await (subjects.get(variant) as Subject).measure();
        if (round >= 0) values.set(variant.id, [...(values.get(variant.id) ?? []), measured]);
      } catch (error) {
        leaveOut(variant.id, (error as Error).message);
      }
    }
  return { experiment, values, skipped, seconds: (performance.now() - startedAt) / 1_000 };
}

/** So that none always comes first, or always after the same other. */
function rotated<T>(list: readonly T[], by: number): T[] {
  const from = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(from), ...list.slice(0, from)];
}
