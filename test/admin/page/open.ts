/** The page in a browser, and what went wrong in there meanwhile. */
import type { Browser, Page } from '../../support/browser.ts';

export const TOKEN = 'sesame-open-the-gate-0123';
/** ms between looks at a page that is to change. */
const LOOK_MS = 40;

export interface OpenPage {
  readonly page: Page;
  /** What its console and its errors said. */
  readonly trouble: string[];
  /** Addresses that it asked for. */
  readonly requests: string[];
}

/** Opens it with the token and waits for the first answers. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1440, height = 900, scheme = 'light' as 'light' | 'dark', token = TOKEN } = {},
): Promise<OpenPage> {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme });
  const trouble: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => trouble.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(`${url}/#token=${token}`);
  await page.waitForSelector('#servers tbody tr');
  return { page, trouble, requests };
}

/** Waits until what `look` finds is as it should be. @throws {Error} with what it found last */
export async function seen<T>(
  look: () => Promise<T>,
  isRight: (found: T) => boolean,
  what: string,
  deadlineMs = 10_000,
): Promise<T> {
  const limit = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (isRight(found)) return found;
    if (performance.now() > limit)
      throw new Error(`not within ${deadlineMs / 1_000} s: ${what}; last: ${found}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Waits until a part of the page says something. */
export function says(page: Page, selector: string, words: string, deadlineMs?: number): Promise<string> {
  return seen(
    () => page.innerText(selector),
    (text) => text.includes(words),
    `${selector} says ${JSON.stringify(words)}`,
    deadlineMs,
  );
}
