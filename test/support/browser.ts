/** Debian's chromium, driven by playwright-core. Where one of them is missing, `missing` says so. */
import { existsSync } from 'node:fs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** The parts of playwright-core that tests use. */
export interface Page {
  on(event: 'console', hear: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', hear: (error: Error) => void): void;
  on(event: 'request', hear: (request: { url(): string }) => void): void;
  goto(url: string): Promise<unknown>;
  evaluate<T>(code: string): Promise<T>;
  innerText(selector: string): Promise<string>;
  textContent(selector: string): Promise<string | null>;
  click(selector: string): Promise<void>;
  fill(selector: string, text: string): Promise<void>;
  selectOption(selector: string, value: string): Promise<unknown>;
  waitForSelector(
    selector: string,
    options?: { state?: 'attached' | 'detached' | 'visible' | 'hidden'; timeout?: number },
  ): Promise<unknown>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  url(): string;
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>;
  close(): Promise<void>;
}
export interface Browser {
  newPage(options: {
    viewport: { width: number; height: number };
    colorScheme?: 'light' | 'dark';
  }): Promise<Page>;
  close(): Promise<void>;
}
interface Driver {
  readonly chromium: { launch(options: object): Promise<Browser> };
}

const program = CHROMIUM.find((file) => existsSync(file));
const name: string = 'playwright-core';
const driver: Driver | null = await import(name).catch(() => null);

/** Why there is no browser; null: there is one. */
export const missing: string | null =
  program === undefined
    ? 'chromium is not installed (apt-get install chromium)'
    : driver === null
      ? 'playwright-core is not installed'
      : null;

export function launchBrowser(): Promise<Browser> {
  // In a container there may be no user namespaces, and /dev/shm may be small.
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  return (driver as Driver).chromium.launch({ executablePath: program, args });
}
