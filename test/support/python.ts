/** A Python with packages that some tests need: `TEST_PYTHON` names it (.ci/run makes one), otherwise `python3`. */
import { spawnSync } from 'node:child_process';

export const PYTHON = process.env.TEST_PYTHON ?? 'python3';

/** Why tests with these modules can't run here; null: they can. */
export function lacking(...modules: readonly string[]): string | null {
  const { status } = spawnSync(PYTHON, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' });
  if (status === 0) return null;
  const why = `${PYTHON} has no ${modules.join(', ')} (pip install opentelemetry-proto)`;
  console.log(`skipped: ${why}`);
  return why;
}
