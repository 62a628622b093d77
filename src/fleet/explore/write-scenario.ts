/** A plan that failed as a scenario file: the fleet as its file has it, the steps, and what does not hold. */
import { parseDocument } from 'yaml';
import { partsOf, type Step, verbOf } from '../steps/registry.ts';
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
    `Found by skewgate explore --seed ${seed}: plan ${plan}, of ${steps} steps, shrunk.`,
    ...violations.map(({ what: sentence }) => sentence.split('\n')[0] as string),
    'skewgate test FILE plays it again.',
  ];
  const comment = about.map((line) => `# ${line}\n`).join('');
  return `${comment}${document.toString({ lineWidth: 0 })}`;
}

function writeStep(step: Step): object {
  const [handler, value] = partsOf(step);
  return { [verbOf(step)]: handler.spell?.(value) ?? value };
}
