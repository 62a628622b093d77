/** Types for `expect.extend(matchers)` in vitest 5: import it once, for instance where you extend. Nothing at run time. */
import type {} from 'vitest';
import type { FleetMatchers } from './matchers.ts';

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void>, T> extends FleetMatchers<R> {}
}
