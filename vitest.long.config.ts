import { defineConfig } from 'vitest/config';

/** What `npm run test:long` runs: runs that are killed or stopped at every write of their journal, hunts for secrets, approvals and quotas that are waited for. */
export default defineConfig({
  test: {
    include: ['test/**/*.long.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
