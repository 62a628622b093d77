/** Every panel of the page shows what the API says, in a real browser. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Browser, launchBrowser, missing } from '../../support/browser.ts';
import { type FakeGate, startFakeGate } from './fake-gate.ts';
import { decision, fleet } from './fleet.ts';
import { type OpenPage, openPage, says, seen, TOKEN } from './open.ts';

if (missing !== null) console.warn(`test/admin/page/panels.test.ts is skipped: ${missing}`);

describe.skipIf(missing !== null)('the page in chromium', () => {
  let browser: Browser;
  let gate: FakeGate;
  let open: OpenPage;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  const start = async () => {
    gate = await startFakeGate(fleet());
    open = await openPage(browser, gate.url);
  };
  const end = async () => {
    await open.page.close();
    await gate[Symbol.asyncDispose]();
    expect(open.trouble).toEqual([]);
  };

  describe('that nobody touches', () => {
    beforeAll(start);
    afterAll(end);

    test.each([
      ['#head', ['orders', 'gate-a', 'serving', 'live', '71 sessions', 'up 1 d 2 h']],
      [
        '#next',
        [
          '4.15',
          '3 blockers',
          '4.15 is next. rs2 is still on 4.14.1, and rs3 is down.',
          'server rs2 → 4.15',
          'Nobody has approved the upgrade yet.',
          'Approve…',
          '14 sessions would be refused',
          'rule M2',
          'shop-batch from 10.0.3.7',
        ],
      ],
      [
        '#orders',
        ['drain clients <4.12', 'all gates', 'mara: end of life', '3 of 9 left, evenly over 10 min'],
      ],
      [
        '#servers',
        [
          '2 of 3 up',
          'rs1',
          '4.15.0 newest',
          '4.14.1 oldest',
          'down',
          'connect ECONNREFUSED 10.0.0.13:9001',
          '40',
        ],
      ],
      [
        '#upgrade',
        [
          'running',
          'Step 1 of 2, 42 %: SYSTEM.CATALOG: 420 of 1,000 regions',
          '38 s so far, 1 min 30 s expected',
          'level 28',
          'level 29',
          '11 s left',
          'mara',
        ],
      ],
      [
        '#clients',
        ['4 lines, 71 sessions', '4.12', 'permit → refuse', 'leaving', 'shop-batch', '10.0.3.7', '2 min ago'],
      ],
      ['#waiting', ['10.0.3.20:50001', 'UPGRADE_IN_PROGRESS']],
      ['#refusals', ['215 times', 'server rs2 → 4.15', 'SERVER_OUTDATED', '212', '31 min ago']],
      ['#charts', ['Sessions', '4.12', 'Clients a minute', 'refused 0', 'held 2']],
      ['#sessions', ['25 of 71 open', '4.13.2', '10.0.3.1:51001', '1 min 31 s', '12.3 kB', 'Show more']],
      ['#gates', ['1 of 2 differ from this one', 'gate-a this one', 'gate-b', '99aa00bb11cc differs']],
      ['#what-if', ['all of them', 'rs1', 'another policy']],
      ['#audit', ['mara', 'drain', 'end of life', 'jo', 'tested on staging', 'Approves the next upgrade.']],
    ])('%s shows what the API says', async (panel, words) => {
      for (const part of words) await says(open.page, panel, part);
    });

    test('the tab says how many blockers there are, and of which step', async () => {
      expect(await open.page.evaluate('document.title')).toBe('3 blockers → 4.15 · orders · skewgate');
    });

    test('the three charts are drawn', async () => {
      const drawn = await open.page.evaluate<number[]>(
        `[...document.querySelectorAll('.plot canvas')].map((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new Set(data).size;
      })`,
      );
      expect(drawn).toHaveLength(3);
      for (const colours of drawn) expect(colours).toBeGreaterThan(20);
    });
  });

  describe('that somebody uses', () => {
    beforeEach(start);
    afterEach(end);

    test('a decision is there as soon as it is made, and opens to its trace', async () => {
      gate.decide(decision(1));
      gate.decide(
        decision(2, { verdict: 'refuse', code: 'SERVER_OUTDATED', client: '4.15.0', message: 'too new' }),
      );
      await says(open.page, '#decisions', 'SERVER_OUTDATED');
      const inside = '#decisions li:nth-child(2) .inside';
      expect(await open.page.innerText(inside)).toBe('');
      await open.page.click('#decisions li:nth-child(2) summary');
      const text = await open.page.innerText(inside);
      for (const part of [
        'no server is older than the client',
        '10.0.3.8:51934',
        'tcp://10.0.0.1:8700',
        'M1',
        'pass',
      ])
        expect(text).toContain(part);
      expect(await open.page.innerText('#decisions li:nth-child(1)')).toContain('refuse');
    });

    test('a decision that is heard twice, as after a break, is there once', async () => {
      gate.decide(decision(1));
      gate.decide(decision(1));
      gate.decide(decision(2));
      await says(open.page, '#decisions', 'the last 2, live');
    });

    test('a target can be chosen among the lines ahead, and every step of the way there is shown', async () => {
      const [blocker] = (fleet()['/v1/next'] as { blockers: object[] }).blockers;
      const step = { blockers: [], refuses: [], upgrade: null, downtime: false, optional: false };
      const choices = await open.page.evaluate<string[]>(
        `[...document.querySelectorAll('#next option')].map(({ value }) => value)`,
      );
      expect(choices).toEqual(['', '4.15', '4.16']);
      await open.page.selectOption('#next select', '4.16');
      await seen(
        async () => open.requests.some((url) => url.endsWith('/v1/next?to=4.16')),
        (isAsked) => isAsked,
        'the way is asked for',
      );
      gate.answers['/v1/next'] = {
        ...(fleet()['/v1/next'] as object),
        path: [
          { ...step, to: '4.15', optional: true, sentence: 'First rs2.', blockers: [blocker] },
          { ...step, to: '4.16', upgrade: { fromLevel: 28, toLevel: 33 }, sentence: 'Then everybody.' },
        ],
      };
      for (const part of ['4.15', 'can be left out', 'rs2 is still on 4.14.1.', '4.16', 'level 28 to 33'])
        await says(open.page, '#next ol', part);
    });

    test('the token is kept for the tab alone, and is gone from the address', async () => {
      expect(open.page.url()).toBe(`${gate.url}/`);
      expect(await open.page.evaluate('localStorage.length')).toBe(0);
      gate.effects['/v1/pause'] = () => ({ sentence: 'New clients wait.', sessions: 0 });
      await open.page.click('text=Pause…');
      await says(open.page, 'dialog .preview', 'New clients wait.');
      expect(gate.told[0]).toEqual({
        path: '/v1/pause',
        body: { for: '10m', dryRun: true },
        authorization: `Bearer ${TOKEN}`,
      });
    });

    test('everything comes from the gate, and no address has the token', () => {
      expect(
        open.requests.filter((url) => !url.startsWith(`${gate.url}/`) && !url.startsWith('data:')),
      ).toEqual([]);
      expect(open.requests.slice(1).filter((url) => url.includes(TOKEN))).toEqual([]);
      expect(open.requests).toContain(`${gate.url}/page/uplot.js`);
    });
  });
});
