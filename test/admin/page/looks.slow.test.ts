/** How the page looks: light and dark, wide and narrow, with text that can be read, and a way through it by keyboard. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, launchBrowser, missing, type Page } from '../../support/browser.ts';
import { type FakeGate, startFakeGate } from './fake-gate.ts';
import { decision, fleet } from './fleet.ts';
import { openPage, says } from './open.ts';

/** Of text, as WCAG 2 asks for at level AA. */
const READABLE = 4.5;

/** The ratio of contrast of every text that is shown, worst first: colour as computed, over what is behind it. */
const CONTRAST = `(() => {
  const parse = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, under) => ({
    r: top.r * top.a + under.r * (1 - top.a),
    g: top.g * top.a + under.g * (1 - top.a),
    b: top.b * top.a + under.b * (1 - top.a),
    a: 1,
  });
  const behind = (element) => {
    if (element === null) return { r: 255, g: 255, b: 255, a: 1 };
    const colour = parse(getComputedStyle(element).backgroundColor);
    return colour.a === 1 ? colour : over(colour, behind(element.parentElement));
  };
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const found = [];
  const look = (element, text, pseudo) => {
    const { width, height } = element.getBoundingClientRect();
    const colour = parse(getComputedStyle(element, pseudo).color);
    if (width <= 1 || height <= 1 || colour.a === 0 || element.closest(':disabled')) return;
    const under = behind(element);
    found.push({ text: text.slice(0, 40), ratio: Math.round(ratio(over(colour, under), under) * 100) / 100 });
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node !== null; node = walk.nextNode())
    if (node.data.trim() !== '') look(node.parentElement, node.data);
  for (const field of document.querySelectorAll('[placeholder]')) look(field, field.placeholder, '::placeholder');
  for (const cell of document.querySelectorAll('td[data-label]'))
    if (getComputedStyle(cell, '::before').content !== 'none') look(cell, cell.dataset.label, '::before');
  return found.sort((a, b) => a.ratio - b.ratio);
})()`;

/** What is wider than the window, or cut off by what is around it. */
const OUTSIDE = `({
  overflow: document.documentElement.scrollWidth - innerWidth,
  wide: [...document.querySelectorAll('body *')]
    .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && element.closest('.skip, thead') === null)
    .map((element) => element.tagName + ' ' + element.className),
})`;

/** Where the focus is: the part of the page, and the thing in it. */
const FOCUS = `(() => {
  const { activeElement: element } = document;
  const part = element.closest('section, header, dialog');
  return [part?.id ?? '', element.getAttribute('aria-label') || element.name || element.textContent.slice(0, 30), getComputedStyle(element).outlineStyle];
})()`;

if (missing !== null) console.warn(`test/admin/page/looks.slow.test.ts is skipped: ${missing}`);

describe.skipIf(missing !== null)('in chromium', () => {
  let browser: Browser;
  let gate: FakeGate;
  beforeAll(async () => {
    browser = await launchBrowser();
    gate = await startFakeGate(fleet());
    gate.effects['/v1/drain'] = () => ({ sentence: 'rs1 gets no new sessions.', sessions: 31 });
    gate.effects['/v1/what-if'] = () => ({ sentence: 'Nobody would be refused.', refused: [] });
  });
  afterAll(async () => {
    await browser.close();
    await gate[Symbol.asyncDispose]();
  });

  const open = async (width: number, scheme: 'light' | 'dark') => {
    const opened = await openPage(browser, gate.url, { width, scheme });
    const { page } = opened;
    gate.decide(decision(1));
    gate.decide(
      decision(2, { verdict: 'refuse', code: 'SERVER_OUTDATED', message: 'too new for the servers' }),
    );
    await says(page, '#decisions', 'the last 2');
    await page.click('#decisions summary');
    return opened;
  };

  describe.each([1440, 768, 390])('%i px wide', (width) => {
    test.each(['light', 'dark'] as const)(
      '%s: all text can be read, and nothing is cut off',
      async (scheme) => {
        const { page, trouble } = await open(width, scheme);
        const colours = await page.evaluate<{ text: string; ratio: number }[]>(CONTRAST);
        const outside = await page.evaluate<{ overflow: number; wide: string[] }>(OUTSIDE);
        const paper = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
        await page.click('#servers tbody tr:nth-child(1) button');
        await says(page, 'dialog .preview', 'rs1 gets no new sessions.');
        const inDialog = await page.evaluate<{ text: string; ratio: number }[]>(CONTRAST);
        const dialogOutside = await page.evaluate<{ overflow: number; wide: string[] }>(OUTSIDE);
        await page.close();
        expect(trouble).toEqual([]);
        expect(colours.length).toBeGreaterThan(150);
        expect(colours.filter(({ ratio }) => ratio < READABLE)).toEqual([]);
        expect(inDialog.length).toBeGreaterThan(colours.length);
        expect(inDialog.filter(({ ratio }) => ratio < READABLE)).toEqual([]);
        expect([outside, dialogOutside]).toEqual([
          { overflow: 0, wide: [] },
          { overflow: 0, wide: [] },
        ]);
        const [red] = paper.match(/\d+/g)?.map(Number) ?? [];
        expect(red).toSatisfy((value: number) => (scheme === 'dark' ? value < 40 : value > 220));
      },
    );
  });

  test('Tab goes through the page from top to bottom, past everything that can be done, and shows where it is', async () => {
    const { page } = await open(1440, 'light');
    await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
    const doable = await page.evaluate<number>(
      `[...document.querySelectorAll('a, button, input, select, summary, textarea, [tabindex="0"]')].filter((element) => element.checkVisibility()).length`,
    );
    const places: string[][] = [];
    // From the decision that was clicked the order goes on; from the end it begins anew at the top.
    for (let presses = 0; presses < 2 * doable + 4; presses++) {
      await page.keyboard.press('Tab');
      places.push(await page.evaluate<string[]>(FOCUS));
    }
    const top = places.findIndex(([, what]) => what?.startsWith('Skip'));
    const round = places.slice(top, top + doable);
    const ids = round.map(([part = '']) => part).filter((part, at, all) => part !== all[at - 1]);
    await page.close();
    expect(ids).toEqual([
      '',
      'head',
      'next',
      'orders',
      'servers',
      'upgrade',
      'clients',
      'waiting',
      'sessions',
      'decisions',
      'gates',
      'what-if',
      'audit',
    ]);
    expect(new Set(round.map((place) => place.join(' '))).size).toBeGreaterThan(doable * 0.8);
    expect(round.map(([, , outline]) => outline)).not.toContain('none');
  });

  test('a verb is called, filled in and left by keyboard alone, and the focus is back where it was', async () => {
    const { page } = await open(1440, 'light');
    await page.evaluate(`document.querySelector('#servers tbody tr:nth-child(2) button').focus()`);
    await page.keyboard.press('Enter');
    await says(page, 'dialog .preview', 'rs1 gets no new sessions.');
    const inside = await page.evaluate<string[]>(FOCUS);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.type('10m');
    const values = () =>
      page.evaluate<string[]>(`[...document.querySelectorAll('dialog input')].map(({ value }) => value)`);
    const typed = await values();
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'hidden' });
    const back = await page.evaluate<string[]>(FOCUS);
    await page.close();
    expect(inside[0]).toBe('verb');
    expect(typed.slice(0, 2)).toEqual(['rs2', '10m']);
    expect(back.slice(0, 2)).toEqual(['servers', 'Drain rs2, 40 sessions']);
    expect(gate.told.filter(({ body }) => (body as { dryRun: boolean }).dryRun === false)).toEqual([]);
  });

  test('the first Tab and Enter lead past the bar, to what blocks the next step', async () => {
    const { page } = await openPage(browser, gate.url);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const there = await seenFocus(page);
    await page.close();
    expect(there).toBe('next');
  });
});

const seenFocus = (page: Page) => page.evaluate<string>('document.activeElement.id');
