/** Takes the picture of the page that the README shows: `npm run screenshot` writes docs/page.png. */
import { rename } from 'node:fs/promises';
import path from 'node:path';
import type { Charts } from '../../../src/admin/page/shapes.ts';
import { launchBrowser, missing } from '../../support/browser.ts';
import { ROOT } from '../../support/documents.ts';
import { startFakeGate } from './fake-gate.ts';
import { decision, fleet } from './fleet.ts';
import { openPage, says } from './open.ts';

const FILE = path.join(ROOT, 'docs/page.png');
const TOO_NEW = {
  verdict: 'refuse',
  code: 'SERVER_OUTDATED',
  rule: 'M1',
  client: '4.15.0',
  message: 'Client 4.15.0 is newer than rs2 (4.14.1): upgrade every server to 4.15 before any client.',
} as const;
const DECISIONS = 14;
const NOTHING_RUNS = {
  holder: null,
  token: null,
  attempt: null,
  leaseAlive: false,
  leaseLeftMs: null,
  step: null,
  steps: null,
  progress: null,
  progressText: null,
  elapsedMs: null,
  expectedMs: null,
  approvedBy: null,
};

if (missing !== null) throw new Error(missing);
// Before the last server is upgraded no client can have brought the upgrade of the tables.
const answers = fleet();
const charts = answers['/v1/charts'] as Charts;
const upgrade = {
  ...NOTHING_RUNS,
  state: 'waiting',
  sentence: 'The next upgrade waits for an approval (skewgate migration approve).',
};
const before = {
  '/v1/cluster': { ...(answers['/v1/cluster'] as object), held: 0 },
  '/v1/upgrade': { ...(answers['/v1/upgrade'] as object), ...upgrade },
  '/v1/waiting': { waiting: [] },
  '/v1/charts': { ...charts, held: charts.times.map(() => 0) },
};
await using gate = await startFakeGate({ ...answers, ...before });
const browser = await launchBrowser();
const { page } = await openPage(browser, gate.url, { width: 1440, height: 900 });
for (let at = 1; at <= DECISIONS; at++) gate.decide(decision(at, at % 5 === 0 ? TOO_NEW : {}));
await says(page, '#decisions', `the last ${DECISIONS}`);
const height = await page.evaluate<number>(
  `Math.ceil(document.querySelector('#charts').getBoundingClientRect().bottom) + 16`,
);
await page.setViewportSize({ width: 1440, height });
await page.screenshot({ path: `${FILE}.new.png`, fullPage: false });
await rename(`${FILE}.new.png`, FILE);
await browser.close();
