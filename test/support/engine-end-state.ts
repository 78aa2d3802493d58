/** What must be true of a site when its run is over, whatever happened on the way. */
import { expect } from 'vitest';
import type { RunResult } from '../../src/workflows/engine.ts';
import { journalOf } from './engine-harness.ts';
import { identity, keysOn, type SeenKey, type Site } from './engine-site.ts';

/** Every key of the source exactly once on the target, nothing else on either side, and a journal that says so. */
export async function expectMigrated(
  site: Site,
  before: readonly SeenKey[],
  result: Pick<RunResult, 'run' | 'state' | 'counts' | 'leftovers' | 'error' | 'exitCode'>,
): Promise<void> {
  expect(result).toMatchObject({
    state: 'done',
    exitCode: 0,
    error: null,
    leftovers: [],
    counts: { total: before.length, migrated: before.length, pending: 0, failed: 0, needsAttention: 0 },
  });
  expectMoved(site, before, before);
  const { open } = await journalOf(site, result.run);
  expect(open).toBe(0);
}

/** `moved` of the source's keys are on the target, as they should be; the source is as it was; no key of the run's own is left. */
export function expectMoved(site: Site, before: readonly SeenKey[], moved: readonly SeenKey[]): void {
  const target = keysOn(site, 'cluster');
  expect(target.map(identity).sort()).toEqual(moved.map(identity).sort());
  expect(target.filter((key) => key.extractable || !key.sensitive)).toEqual([]);
  expect(keysOn(site, 'classic').map(identity).sort()).toEqual(before.map(identity).sort());
}

/** Nothing was moved and nothing is left of the attempt. */
export const expectUntouched = (site: Site, before: readonly SeenKey[]): void => expectMoved(site, before, []);
