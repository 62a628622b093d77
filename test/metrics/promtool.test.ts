/** Debian's promtool on what a real gate exposes, and on the alert rules. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { realEnvironment } from '../support/environment.ts';
import { startMetered } from './support.ts';

const NO_PROMTOOL =
  spawnSync('promtool', ['--version']).status === 0
    ? null
    : 'there is no program promtool (Debian: apt-get install prometheus)';
if (NO_PROMTOOL !== null) console.log(`skipped: ${NO_PROMTOOL}`);

describe.skipIf(NO_PROMTOOL !== null && process.env.CI === undefined)('promtool', () => {
  test('finds nothing to say about the names, types, units and sentences of a scrape', async () => {
    await using metered = await startMetered(realEnvironment, { servers: [{ version: '4.14.0' }] });
    (await metered.fleet.admit('4.13.2')).destroy();
    await metered.fleet.refuse('4.15.0');
    await metered.fleet.idle();
    const { text } = await metered.scrape();
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect([checked.stdout, checked.stderr, checked.status]).toEqual(['', '', 0]);
    const bad = spawnSync('promtool', ['check', 'metrics'], {
      input: text.replaceAll('skewgate_log_lost_total', 'skewgate_log_lost'),
      encoding: 'utf8',
    });
    expect(bad.status).not.toBe(0);
  });
});
