import { defineConfig } from 'vitest/config';

/** What `npm run test:long` runs: migrations that are killed, stopped at every write of their journal, or wait for quotas. */
export default defineConfig({
  test: {
    include: ['test/**/*.long.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
