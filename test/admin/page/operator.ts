/** Someone at the page: calls verbs there, reads the preview, confirms; and checks that page, API and command agree. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Next } from '../../../src/planning/answers.ts';
import type { Page } from '../../support/browser.ts';
import { runCli } from '../../support/cli.ts';
import { says, seen } from './open.ts';
import type { RealGate } from './real-fleet.ts';

/** Looks for a moment of rest. */
const TRIES = 8;
/** ms within which the page shows what the API says. */
const PAGE_MS = 5_000;

export interface Call {
  /** What is clicked. */
  readonly from: string;
  /** What is typed, by the name of the field. */
  readonly typed?: Readonly<Record<string, string>>;
  /** Whether it is for all gates. */
  readonly allGates?: boolean;
  /** What the preview says before it is confirmed. */
  readonly preview: string;
  /** ms that it may take until it is true. */
  readonly withinMs?: number;
}

/** Calls a verb as a person would. Returns what the page says that came of it. */
export async function call(
  page: Page,
  { from, typed = {}, allGates = false, preview, withinMs = 15_000 }: Call,
): Promise<string> {
  await page.click(from);
  await page.waitForSelector('dialog[open]');
  for (const [name, text] of Object.entries(typed)) await page.fill(`dialog [name="${name}"]`, text);
  if (allGates) await page.click('dialog [name="allGates"]');
  await says(page, 'dialog .preview', preview);
  await page.waitForSelector('dialog button.main:not([disabled])');
  await page.click('dialog button.main');
  await seen(
    async () =>
      (await page.evaluate<boolean>(`document.querySelector('dialog').open`)) &&
      (await page.innerText('dialog .preview')),
    (text) => text === false,
    `${from} is done`,
    withinMs,
  );
  const told = await page.innerText('#told');
  await page.click('#told button');
  await seen(
    () => page.textContent('#told'),
    (text) => text === '',
    'what was told is dismissed',
  );
  return told;
}

/**
 * Holds `skewgate next --json`, the API and the page against each other, at a moment of rest: the API says the same
 * before and after. Where all three do not say one thing something may have changed for a moment in between, so it is
 * looked at again, some times. Returns what all of them say.
 */
export async function agreed(page: Page, gate: RealGate): Promise<Next> {
  let last = '';
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await gate.ask<Next>('/v1/next');
    const [{ status, stdout, stderr }, shown] = await Promise.all([
      runCli(['next', '--json', '--config', gate.config]),
      seen(
        () => page.innerText('#next .sentence'),
        (text) => text === before.sentence,
        'the page says the sentence of the API',
        PAGE_MS,
      ).catch((error: Error) => error.message),
    ]);
    const after = await gate.ask<Next>('/v1/next');
    expect(stderr).toBe('');
    // As a script asks: 0 says that nothing is in the way.
    const told = { status, command: JSON.parse(stdout) as Next, shown };
    const wanted = { status: before.ready ? 0 : 1, command: before, shown: before.sentence };
    if (isDeepStrictEqual(before, after) && isDeepStrictEqual(told, wanted)) return before;
    last = JSON.stringify({ before, told, after });
  }
  throw new Error(`page, API and command never agree: ${last}`);
}
