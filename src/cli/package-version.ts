/** The version of skewgate that runs, as its package states it. */
import { readFileSync } from 'node:fs';

/** Such as `1.2.3`. */
export function programVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
