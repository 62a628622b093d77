/**
 * "Done when" of operating the gate: a fleet of three servers, two gates and 200 clients, a hundred of them psql and
 * redis-cli on ports that stand for a release, is upgraded by somebody who has the page and nothing else. No connection
 * is lost that could have been kept, and the page, the API and `skewgate next --json` agree whenever they are asked.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Session } from '../../../src/client/session.ts';
import { installed } from '../../clients/support.ts';
import { type Browser, launchBrowser, missing, type Page } from '../../support/browser.ts';
import { hasPostgres, startPostgres, startRedis } from '../../support/databases.ts';
import { Crowd } from './crowd.ts';
import { openPage, says, seen } from './open.ts';
import { agreed, call } from './operator.ts';
import { connectAs, type RealFleet, type RealGate, startRealFleet } from './real-fleet.ts';
import { serveDatabases } from './shared-databases.ts';

const ASSUMED = ['4.13.1', '4.14.0', '4.15.0'];
const KINDS = [
  { name: 'psql', count: 50 },
  { name: 'redis-cli', count: 50 },
  { name: 'driver', count: 90 },
] as const;
/** Clients of a release that falls out of the window: they hold their sessions. */
const OLD = 10;
/** ms that sessions get to end as they like, on a machine with much else to do. */
const PATIENCE = 90_000;

const HERE = missing === null && hasPostgres && installed('psql', 'redis-server', 'redis-cli');
if (!HERE)
  console.warn(
    'test/admin/page/two-hundred.slow.test.ts is skipped: chromium, PostgreSQL or Redis is missing',
  );

/** The page of each gate, as the operator has them open side by side. */
interface Desk {
  readonly fleet: RealFleet;
  readonly pages: readonly Page[];
}

/** Why a session ended, as far as its client can tell. */
function endOf(session: Session): Promise<string> {
  return new Promise((resolve) => {
    session.on('error', (error: Error) => resolve(error.message));
    session.once('end', () => resolve('ended')).resume();
  });
}

async function agreedEverywhere({ fleet, pages }: Desk) {
  for (const [at, gate] of fleet.gates.entries()) await agreed(pages[at] as Page, gate);
}

/** Has a server's sessions end as they like, replaces it once nobody is left, and has it take sessions again. */
async function replace(desk: Desk, at: number): Promise<void> {
  const { fleet, pages } = desk;
  const [page] = pages as [Page];
  const server = fleet.servers[at] as (typeof fleet.servers)[number];
  const row = `#servers tbody tr:nth-child(${at + 1})`;
  await call(page, {
    from: `${row} button`,
    typed: { over: 'never', reason: `${server.id} goes to 4.15` },
    allGates: true,
    preview: server.id,
  });
  for (const each of pages) {
    await says(each, row, 'by an operator');
    await seen(
      () => each.innerText(`${row} td:nth-child(6)`),
      (sessions) => sessions === '0',
      `nobody is left on ${server.id}`,
      PATIENCE,
    );
  }
  await server.restart({ version: '4.15.0' });
  await says(page, row, '4.15.0');
  await call(page, { from: `${row} button`, preview: server.id });
  for (const each of pages)
    await seen(
      () => each.innerText(row),
      (text) => text.includes('4.15.0') && text.includes('up') && !text.includes('operator'),
      `${server.id} takes sessions again`,
    );
  await agreedEverywhere(desk);
}

describe.skipIf(!HERE)('in chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('three servers, two gates and 200 clients go from 4.14 to 4.15 by the page alone, and nobody is cut off who could have stayed', {
    timeout: 600_000,
  }, async () => {
    const [{ port: postgres }, redis] = await Promise.all([
      startPostgres({ log_connections: 'off' }),
      startRedis(),
    ]);
    const fleet = await startRealFleet({
      gates: 2,
      version: '4.14.1',
      level: 28,
      upgradeMs: 4_000,
      assume: ASSUMED,
      serve: serveDatabases({ postgres, redis }),
    });
    const [gateA, gateB] = fleet.gates as [RealGate, RealGate];
    const opened = await Promise.all(
      fleet.gates.map((gate) => openPage(browser, gate.admin, { token: gate.token })),
    );
    const desk: Desk = { fleet, pages: opened.map(({ page }) => page) };
    const [page] = desk.pages as [Page];

    let release = (at: number): string => (at % 3 === 0 ? '4.13.1' : '4.14.0');
    const crowd = new Crowd({
      gates: fleet.gates,
      kinds: KINDS,
      version: (at) => release(at),
      portOf: (gate, version) =>
        (gate.addresses[1 + ASSUMED.indexOf(version)] as string).split(':').at(-1) as string,
    });
    crowd.start(8_000);
    const old = await Promise.all(
      Array.from({ length: OLD }, (_, at) => connectAs(at % 2 === 0 ? gateA : gateB, '4.12.0', 'shop-batch')),
    );
    const ends = Promise.all(old.map(endOf));

    await says(page, '#next', 'rs1, rs2 and rs3 are still on 4.14.1', PATIENCE);
    await says(page, '#next', '10 sessions of 4.12', PATIENCE);
    await seen(
      () => page.innerText('#head'),
      (text) => Number(/(\d+) sessions/.exec(text)?.[1] ?? 0) > 85,
      'most of the clients are there',
      PATIENCE,
    );
    await agreedEverywhere(desk);

    // The ten that could not stay go first, evenly, and are told why.
    await call(page, {
      from: '#clients tr:has-text("4.12") button',
      typed: { over: '3s', reason: '4.12 is at its end' },
      allGates: true,
      preview: '4.12',
      withinMs: PATIENCE,
    });
    expect(new Set(await ends)).toEqual(new Set(['ended']));
    for (const each of desk.pages)
      await seen(
        () => each.innerText('#next'),
        (text) => !text.includes('10 sessions of 4.12'),
        'nobody of 4.12 is left',
        PATIENCE,
      );

    for (const at of fleet.servers.keys()) await replace(desk, at);

    expect(fleet.level()).toBe(28);
    await call(page, {
      from: '#next button:has-text("Approve")',
      typed: { reason: 'all on 4.15' },
      preview: 'upgrade',
    });
    const canary = connectAs(gateB, '4.15.0', 'canary');
    await says(page, '#upgrade', 'Step 1 of 1', PATIENCE);
    await says(page, '#upgrade', 'gate-b', PATIENCE);
    await canary.then((session) => session.on('error', () => {}).destroy());
    expect(fleet.level()).toBe(29);
    await says(page, '#upgrade', 'level 29', PATIENCE);
    await agreedEverywhere(desk);

    release = () => '4.15.0';
    await says(page, '#next', '4.16 is next', PATIENCE);
    for (const each of desk.pages)
      await seen(
        () => each.innerText('#clients tr:has-text("4.15") td:nth-child(2)'),
        (sessions) => Number(sessions) > 85,
        'the clients are on 4.15',
        PATIENCE,
      );
    await agreedEverywhere(desk);
    await crowd.stop();

    expect(crowd.losses).toEqual([]);
    const kinds = [...crowd.stays.keys()].sort();
    expect(kinds).toEqual(KINDS.flatMap(({ name }) => ASSUMED.map((version) => `${name} ${version}`)).sort());
    for (const words of ['4.12 is at its end', 'rs3 goes to 4.15', 'all on 4.15'])
      await says(page, '#audit', words);
    expect(opened.flatMap(({ trouble }) => trouble)).toEqual([]);
  });
});
