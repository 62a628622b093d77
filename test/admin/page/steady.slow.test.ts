/** The page while things change under it: it keeps its place, survives what clients call themselves, and says when the gate is gone. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Data } from '../../../src/admin/page/shapes.ts';
import { type Browser, launchBrowser, missing } from '../../support/browser.ts';
import { type FakeGate, startFakeGate } from './fake-gate.ts';
import { decision, fleet } from './fleet.ts';
import { type OpenPage, openPage, says, seen } from './open.ts';

const HOSTILE = [
  '<script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 1">',
  'abc\u202egnp.exe\u202c',
  '\u0000\u001b[31mred\u0007',
  'A'.repeat(10_240),
  '\u05d0\u05d1\u05d2'.repeat(3_400),
  'javascript:window.hacked=1',
  '__proto__',
];

if (missing !== null) console.warn(`test/admin/page/steady.slow.test.ts is skipped: ${missing}`);

describe.skipIf(missing !== null)('in chromium', () => {
  let browser: Browser;
  let gate: FakeGate;
  let open: OpenPage;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    gate = await startFakeGate(fleet());
    open = await openPage(browser, gate.url);
  });
  afterEach(async () => {
    await open.page.close();
    await gate[Symbol.asyncDispose]();
  });

  const servers = () => (gate.answers['/v1/servers'] as Pick<Data, 'servers'>).servers;
  const focused = () =>
    open.page.evaluate<string>(
      `document.activeElement.getAttribute('aria-label') ?? document.activeElement.name`,
    );

  test('the focus stays on the button it is on when rows come, go and change places', async () => {
    const { page } = open;
    await page.evaluate(`document.querySelector('#servers tbody tr:nth-child(2) button').focus()`);
    const [rs1, rs2, rs3] = servers();
    gate.answers['/v1/servers'] = { servers: [rs3, rs2, { ...rs1, id: 'rs0' }, { ...rs1, id: 'rs4' }] };
    await says(page, '#servers', 'rs4');
    expect(await focused()).toBe('Drain rs2, 40 sessions');
    gate.answers['/v1/servers'] = { servers: [rs2, rs3] };
    await seen(
      () => page.innerText('#servers'),
      (text) => !text.includes('rs4'),
      'rs4 is gone',
    );
    expect(await focused()).toBe('Drain rs2, 40 sessions');
  });

  test('servers of one name are all shown, and gone when they are', async () => {
    const { page } = open;
    const rows = () => page.evaluate<number>(`document.querySelectorAll('#servers tbody tr').length`);
    const [rs1] = servers();
    gate.answers['/v1/servers'] = { servers: [rs1, rs1, rs1] };
    await says(page, '#servers', '3 of 3 up');
    expect(await rows()).toBe(3);
    gate.answers['/v1/servers'] = { servers: [rs1] };
    await says(page, '#servers', '1 of 1 up');
    expect(await rows()).toBe(1);
  });

  test('what is typed, opened and scrolled to stays when data changes', async () => {
    const { page } = open;
    for (let id = 1; id <= 80; id++) gate.decide(decision(id, { message: `decision ${id}` }));
    await says(page, '#decisions', 'decision 80');
    await page.click('#decisions li:nth-child(5) summary');
    await page.evaluate(`document.querySelector('#decisions .list').scrollTop = 300`);
    await page.click('#what-if summary');
    await page.fill('#what-if textarea', 'preset: strict');
    await page.fill('#what-if input', '4.16.0');
    await page.evaluate(`document.querySelector('#what-if input').setSelectionRange(2, 4)`);
    await page.evaluate(`document.querySelector('#gates').scrollIntoView()`);
    const places = () =>
      page.evaluate<object>(`(() => {
        const input = document.querySelector('#what-if input');
        const openOne = document.querySelector('#decisions details[open]');
        return {
          gates: Math.round(document.querySelector('#gates').getBoundingClientRect().top),
          decision: Math.round(openOne.getBoundingClientRect().top - document.querySelector('#decisions').getBoundingClientRect().top),
          open: openOne.textContent.includes('decision 76'),
          focused: document.activeElement === input,
          typed: [input.value, input.selectionStart, input.selectionEnd, document.querySelector('#what-if textarea').value],
        };
      })()`);
    const before = await places();
    const next = gate.answers['/v1/next'] as Data['next'];
    const more = Array.from({ length: 6 }, (_, at) => ({ ...next.blockers[0], who: [`rs1${at}`] }));
    gate.answers['/v1/next'] = { ...next, blockers: [...next.blockers, ...more] };
    for (let id = 81; id <= 90; id++) gate.decide(decision(id, { message: `decision ${id}` }));
    await says(page, '#next', '9 blockers');
    await says(page, '#decisions', 'decision 90');
    expect(before).toMatchObject({ open: true, focused: true, typed: ['4.16.0', 2, 4, 'preset: strict'] });
    expect(await places()).toEqual(before);
  });

  test('a page of strings that mean harm shows them as text, cut, and does nothing that they say', async () => {
    const { page } = open;
    let turn = 0;
    const NAMES =
      /^(?:id|client|peer|server|message|lastError|sentence|reason|by|driver|who|hosts|drivers|line|version|program|policyHash|admin|range|holder|progressText|code|to|what|release|cluster|gate)$/;
    const spoil = (value: unknown, key = ''): unknown => {
      if (typeof value === 'string')
        return NAMES.test(key) ? `${HOSTILE[turn++ % HOSTILE.length]}${turn}` : value;
      if (Array.isArray(value)) return value.map((part) => spoil(part, key));
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, spoil(part, name)]));
    };
    for (const [path, answer] of Object.entries(fleet()))
      if (path !== '/v1/charts') gate.answers[path] = spoil(answer);
    for (const [at, text] of HOSTILE.entries())
      gate.decide(
        decision(at, { client: text, message: text, peer: text, driver: text, code: text, rule: text }),
      );
    await says(page, '#decisions', 'the last 8');
    await says(page, '#servers', 'window.hacked');
    await page.click('#decisions summary');
    const found = await page.evaluate<{
      hacked: unknown;
      made: number;
      overflow: number;
      longest: number;
      links: string[];
    }>(`({
      hacked: window.hacked ?? null,
      made: document.querySelectorAll('main script, main img, main iframe, main object').length,
      overflow: document.documentElement.scrollWidth - innerWidth,
      longest: Math.max(...[...document.querySelectorAll('bdi')].map((element) => element.textContent.length)),
      links: [...document.querySelectorAll('main a')].map(({ href }) => href),
    })`);
    const text = await page.innerText('body');
    expect(found).toMatchObject({ hacked: null, made: 0, overflow: 0, links: [] });
    expect(found.longest).toBeLessThan(1_600);
    expect(text).toContain('<script>window.hacked = 1</script>');
    expect(text).toContain(String.raw`abc\u202egnp.exe`);
    expect(text).not.toMatch(/\p{Bidi_Control}|(?![\n\t])\p{Cc}/u);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    expect(open.trouble).toEqual([]);
  });

  test('a gate that is lost is said to be lost, what was known stays, and all is live again when it is back', async () => {
    const { page } = open;
    gate.decide(decision(1));
    await says(page, '#decisions', 'live');
    await gate.leave();
    await says(page, '#lost', 'The gate does not answer since');
    await says(page, '#head', 'lost');
    await says(page, '#decisions', 'not live');
    expect(await page.innerText('#servers')).toContain('4.14.1 oldest');
    expect(await page.evaluate('document.title')).toContain('gate lost');
    gate.answers['/v1/servers'] = { servers: servers().map((server) => ({ ...server, version: '4.15.0' })) };
    await gate.back();
    await says(page, '#head', 'live');
    await seen(
      () => page.innerText('#servers'),
      (text) => !text.includes('4.14.1'),
      'what changed meanwhile is shown',
    );
    expect(await page.textContent('#lost')).toBe('');
    await seen(
      async () => {
        gate.decide(decision(2, { message: 'after the break' }));
        return page.innerText('#decisions');
      },
      (text) => text.includes('after the break'),
      'decisions are heard again',
      15_000,
    );
  });

  test('where the gate cannot answer one question, the page says which, and shows the rest', async () => {
    const { page } = open;
    delete gate.answers['/v1/gates'];
    gate.answers['/v1/cluster'] = { ...(gate.answers['/v1/cluster'] as object), sessions: 72 };
    await says(page, '#lost', 'The gate could not say everything (gates): no /v1/gates');
    await says(page, '#head', '72 sessions');
    expect(await page.innerText('#gates')).toContain('gate-b');
  });
});
