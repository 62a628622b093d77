import { defineConfig } from 'vitest/config';

/** Folders whose test files leave nothing behind in their process, so that many may share one: that is far quicker. */
const SHARING = [
  'backend client cluster config decision events gateway handshake metrics migration planning policy ports proto',
  'runtime server version wire workers',
].flatMap((line) => line.split(' ').map((folder) => `test/${folder}/**/*.test.ts`));

const NEVER = ['**/node_modules/**', 'test/**/*.slow.test.ts'];

export default defineConfig({
  test: {
    // Many tests wait for processes and leases rather than compute.
    maxWorkers: 4,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: ['test/**/*.test.ts'], exclude: [...NEVER, ...SHARING] },
      },
      { extends: true, test: { name: 'sharing', include: SHARING, exclude: NEVER, isolate: false } },
    ],
  },
});
