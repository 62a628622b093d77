/** A plan that failed as a scenario file: the fleet as its file has it, the steps, and what does not hold. */
import { parseDocument } from 'yaml';
import type { Step } from '../scenario.ts';
import type { FailedPlan } from './explore.ts';

/** @param fleet the text of the fleet's file. */
export function writeScenario(fleet: string, { scenario, violations, plan, steps }: FailedPlan): string {
  const document = parseDocument(fleet);
  const { name, seed } = scenario;
  const what = violations[0]?.invariant ?? 'an invariant';
  document.set('name', `${what}, found in ${name}`);
  document.set('seed', seed);
  document.set('steps', document.createNode(scenario.steps.map(writeStep)));
  for (const item of (document.get('steps') as { items: Array<{ flow?: boolean }> }).items) item.flow = true;
  document.set('expect', { invariants: 'hold' });
  const about = [
    `FailedPlan by skewgate explore --seed ${seed}: plan ${plan}, of ${steps} steps, shrunk.`,
    ...violations.map(({ what: sentence }) => sentence.split('\n')[0] as string),
    'skewgate test FILE plays it again.',
  ];
  const comment = about.map((line) => `# ${line}\n`).join('');
  return `${comment}${document.toString({ lineWidth: 0 })}`;
}

function writeStep({ wait, roll, ...step }: Step): object {
  if (wait !== undefined) return { wait: duration(wait) };
  if (roll === undefined) return step;
  const { pause, grace, health, ...rest } = roll;
  return {
    roll: {
      ...rest,
      pause: duration(pause),
      grace: duration(grace),
      ...(health !== undefined && { health: duration(health) }),
    },
  };
}

function duration(ms: number): string {
  if (ms > 0 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
