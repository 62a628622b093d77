/** Types for `expect.extend(matchers)` in jest (@types/jest): import it once. Nothing at run time. */
import type { FleetMatchers } from './matchers.ts';

declare global {
  namespace jest {
    interface Matchers<R, T> extends FleetMatchers<R> {}
  }
}
