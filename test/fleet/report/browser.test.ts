/** The page in a real browser: it shows its picture and texts, fits wide and narrow windows, light and dark. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { htmlReport } from '../../../src/fleet/report/html.ts';
import type { Finished } from '../../../src/fleet/report/json.ts';
import { junitReport } from '../../../src/fleet/report/junit.ts';
import { type Browser, launchBrowser, missing } from '../../support/browser.ts';
import { tempFolder } from '../../support/folder.ts';
import { finish, readScenario, SCENARIOS } from '../../support/scenarios.ts';

const NAMES = ['minor-rolling', 'rollback', 'restart-storm', 'gate-killed'];
const WINDOWS = [
  [1280, 'light'],
  [400, 'dark'],
] as const;

interface Box {
  readonly width: number;
  readonly height: number;
}

/** Boxes of what is drawn inside the pictures that are shown, and colours as they are. */
const LOOK = `(() => {
  const box = (element) => { const { width, height } = element.getBoundingClientRect(); return { width, height }; };
  const shown = [...document.querySelectorAll('svg.chart')].filter((svg) => box(svg).width > 0);
  const style = getComputedStyle(document.body);
  return {
    pictures: shown.map(box),
    bars: shown.flatMap((svg) => [...svg.querySelectorAll('rect.bar')].map(box)),
    areas: shown.flatMap((svg) => [...svg.querySelectorAll('path.area')].map(box)),
    bands: shown.flatMap((svg) => [...svg.querySelectorAll('rect.band')].map(box)),
    outside: shown.flatMap((svg) => {
      const frame = svg.getBoundingClientRect();
      return [...svg.querySelectorAll('text')].filter((text) => {
        const { left, right } = text.getBoundingClientRect();
        return left < frame.left - 1 || right > frame.right + 1;
      }).map((text) => text.textContent);
    }),
    small: shown.flatMap((svg) => [...svg.querySelectorAll('text')].map((text) => text.getBoundingClientRect().height)).filter((height) => height < 9),
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    paper: style.backgroundColor, ink: style.color,
  };
})()`;

interface Look {
  readonly pictures: readonly Box[];
  readonly bars: readonly Box[];
  readonly areas: readonly Box[];
  readonly bands: readonly Box[];
  readonly outside: readonly string[];
  readonly small: readonly number[];
  readonly overflow: number;
  readonly paper: string;
  readonly ink: string;
}

if (missing !== null) console.warn(`test/fleet/report/browser.test.ts is skipped: ${missing}`);

describe.skipIf(missing !== null)('in chromium', () => {
  let browser: Browser;
  let runs: readonly Finished[];
  beforeAll(async () => {
    browser = await launchBrowser();
    runs = await Promise.all(
      NAMES.map((name) => finish(readScenario(path.join(SCENARIOS, `${name}.yaml`)), `${name}.yaml`)),
    );
  });
  afterAll(() => browser.close());

  const openPage = async (width: number, colorScheme: 'light' | 'dark') => {
    const file = path.join(tempFolder(), 'report.html');
    writeFileSync(file, htmlReport(runs));
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const trouble: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => trouble.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => trouble.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    return { page, trouble, requests };
  };

  test.each(WINDOWS)('%i px wide, %s', async (width, scheme) => {
    const { page, trouble, requests } = await openPage(width, scheme);
    const look = await page.evaluate<Look>(LOOK);
    const text = await page.innerText('body');
    await page.close();
    expect(trouble).toEqual([]);
    expect(requests.filter((url) => !url.startsWith('data:'))).toHaveLength(1);
    expect(look.overflow).toBeLessThanOrEqual(0);
    expect(look.pictures).toHaveLength(NAMES.length);
    for (const { width: wide, height } of look.pictures) {
      expect(wide).toBeGreaterThan(width * 0.7);
      expect(height).toBeGreaterThan(200);
    }
    expect(look.bars.length).toBeGreaterThan(15);
    expect(look.areas.length).toBeGreaterThan(4);
    expect(look.bands).toHaveLength(4);
    for (const { width: wide, height } of [...look.bars, ...look.areas, ...look.bands])
      expect(Math.min(wide, height)).toBeGreaterThan(0);
    expect(look.outside).toEqual([]);
    expect(look.small).toEqual([]);
    for (const { summary } of runs) expect(text).toContain(summary.name);
    for (const words of [
      '4 scenarios, all passed',
      'SERVER_BEHIND_TABLES',
      'server to 4.14 (rs1, rs2)',
      'Timeline',
    ])
      expect(text).toContain(words);
  });

  test('dark is dark, and light is light', async () => {
    const looks = [];
    for (const scheme of ['light', 'dark'] as const) {
      const { page } = await openPage(800, scheme);
      const { paper, ink } = await page.evaluate<Look>(LOOK);
      looks.push([brightness(paper) > 128, brightness(ink) > 128]);
      await page.close();
    }
    expect(looks).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  test('its XML reader takes the JUnit report', async () => {
    const { page } = await openPage(800, 'light');
    const xml = JSON.stringify(junitReport(runs));
    const found = await page.evaluate<string[]>(
      `(() => { const parsed = new DOMParser().parseFromString(${xml}, 'application/xml'); return [parsed.documentElement.nodeName, String(parsed.querySelectorAll('testsuite').length), String(parsed.querySelectorAll('parsererror').length)]; })()`,
    );
    await page.close();
    expect(found).toEqual(['testsuites', '4', '0']);
  });
});

function brightness(colour: string): number {
  const parts = [...colour.matchAll(/\d+/g)].slice(0, 3).map(([part]) => Number(part));
  return parts.reduce((sum, part) => sum + part, 0) / 3;
}
