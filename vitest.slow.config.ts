import { defineConfig } from 'vitest/config';

/** What takes too long for `npm test`: whole fleets, many plans, long stories. */
export default defineConfig({
  test: {
    include: ['test/**/*.slow.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});
