/** What every kind of hook promises, whatever runs the step. */
import { describe, expect, test } from 'vitest';
import { type Hook, type HookContext, HookError, type HookFacts } from '../../src/migration/hook/hook.ts';
import { Changes } from '../../src/ports/changes.ts';
import type { ProcessInfo } from '../../src/process/find-process.ts';
import { until } from '../support/until.ts';

export const FACTS: HookFacts = {
  cluster: 'main',
  from: '4.13.0',
  to: '4.14.0',
  fromLevel: 27,
  toLevel: 28,
  step: 1,
  steps: 1,
  attempt: 2,
  token: 7,
  ledger: 'ledger-a',
  key: 'main/1/27-28/4.14.0',
  client: '4.14.1',
};

/** Failing hooks say this. */
export const COMPLAINT = 'no space left on device';

export interface Behaviour {
  /** `hangs`: it says `40%`, and nothing more. `fails`: with COMPLAINT. */
  readonly does: 'works' | 'fails' | 'hangs';
}

/** One hook, and what it saw. */
export interface HookBench extends AsyncDisposable {
  readonly hook: Hook;
  /** Tokens and keys that the work was begun with, in order. */
  begun(): readonly { readonly token: number; readonly key?: string }[];
}

/** A context that notes what the hook tells it. */
export class Told implements HookContext {
  readonly changes = new Changes();
  readonly stopping = new AbortController();
  readonly heard: Array<{ done: number | null; text: string }> = [];
  readonly processes: ProcessInfo[] = [];
  onStarted: () => Promise<void> = async () => {};

  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  progress = (progress: { done: number | null; text: string }): void => {
    this.heard.push(progress);
    this.changes.notify();
  };

  started = async (process: ProcessInfo): Promise<void> => {
    this.processes.push(process);
    await this.onStarted();
  };

  until(condition: () => boolean, what: string): Promise<void> {
    return until(this.changes, condition, what);
  }
}

export async function failureOf(run: Promise<unknown>): Promise<HookError> {
  const error = await run.then(
    () => new Error('the hook succeeded'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HookError);
  return error as HookError;
}

export function hookContract(kind: string, setup: (behaviour: Behaviour) => Promise<HookBench>): void {
  describe(`${kind}, as every hook`, () => {
    test('runs the step once, under the key and the token, and tells of progress', async () => {
      await using harness = await setup({ does: 'works' });
      const told = new Told();
      const { level } = await harness.hook.run(FACTS, told);
      expect([28, null]).toContain(level);
      expect(harness.begun().map(({ token }) => token)).toEqual([7]);
      for (const { key = FACTS.key } of harness.begun()) expect(key).toBe(FACTS.key);
      expect(told.heard.some(({ done }) => done !== null && done > 0 && done <= 1)).toBe(true);
    });

    test('a failure is told with what it complains of', async () => {
      await using harness = await setup({ does: 'fails' });
      const error = await failureOf(harness.hook.run(FACTS, new Told()));
      expect(error.message).toContain(COMPLAINT);
      expect(error.said).toBe(true);
      expect(harness.begun()).toHaveLength(1);
    });

    test('a hook that hangs is left when the signal aborts, and that is a failure', async () => {
      await using harness = await setup({ does: 'hangs' });
      const told = new Told();
      const run = failureOf(harness.hook.run(FACTS, told));
      await told.until(() => told.heard.length > 0, 'the first progress');
      expect(harness.begun()).toHaveLength(1);
      told.stopping.abort(new Error('deadline of 600 s'));
      const error = await run;
      expect(error.message).toMatch(/stop/);
      expect(error.said).toBe(false);
    });

    test('a signal that aborted before: nothing is run', async () => {
      await using harness = await setup({ does: 'works' });
      const told = new Told();
      told.stopping.abort(new Error('the claim is lost'));
      await failureOf(harness.hook.run(FACTS, told));
      expect(harness.begun()).toEqual([]);
      expect(told.heard).toEqual([]);
    });

    test('each run stands alone: a second attempt is run like the first', async () => {
      await using harness = await setup({ does: 'works' });
      await harness.hook.run(FACTS, new Told());
      await harness.hook.run({ ...FACTS, attempt: 3, token: 8 }, new Told());
      expect(harness.begun().map(({ token }) => token)).toEqual([7, 8]);
    });
  });
}
