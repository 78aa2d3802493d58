/** The order of items that bear one name, which no device could tell apart in flight. */
import { describe, expect, it } from 'vitest';
import { createJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import type { PlanItem } from '../../src/plan/model.ts';
import type { ItemEnd, ItemRunner } from '../../src/workflows/item-runner.ts';
import { Mover } from '../../src/workflows/mover.ts';
import { type RunContext, StopSwitch } from '../../src/workflows/run-environment.ts';
import { routePlaybook } from '../support/engine-fakes.ts';
import { A_RUN, aHead, anItem, planItem } from '../support/journal-fixtures.ts';
import { aFolder } from '../support/journal-folder.ts';

async function* items(names: readonly string[]): AsyncGenerator<PlanItem> {
  for (const [index, name] of names.entries())
    yield { ...planItem(index), source: { kind: 'file', path: name, size: 1 } };
}

/** Moves items of these names through a window of eight; gives what began and ended, in order. */
async function moved(names: readonly string[], fails: (index: number) => boolean = () => false): Promise<string[]> {
  const journal = await createJournal({ dir: await aFolder(), run: A_RUN, head: aHead(), items: items(names) });
  const log: string[] = [];
  const runner = {
    run: async (item: PlanItem, onAnswered: () => void): Promise<ItemEnd> => {
      log.push(`+${item.index}`);
      await new Promise((resolve) => setTimeout(resolve, 5 + (item.index % 3) * 5));
      onAnswered();
      const state = fails(item.index) ? 'failed' : 'migrated';
      await journal.append(anItem(item.index, state));
      log.push(`-${item.index}`);
      return { state, error: null };
    },
  } as unknown as ItemRunner;
  const run = {
    journal,
    plan: { summary: { move: names.length } },
    playbook: routePlaybook({ policy: { concurrency: 8, ramp: [{ share: 1 }], stopWhen: null } }),
    concurrency: 8,
    inputs: {},
    stop: new StopSwitch(),
  } as unknown as RunContext;
  await new Mover(run, runner, () => undefined).move();
  expect(journal.counts().pending).toBe(0);
  await journal.close();
  return log;
}

describe('items of one name', () => {
  it('are moved one after the other, in the order of the plan, others beside them', async () => {
    const log = await moved(['a', 'a', 'b', 'a', 'c']);
    expect(log.filter((each) => /[013]$/.test(each))).toEqual(['+0', '-0', '+1', '-1', '+3', '-3']);
    // The others did not wait for them.
    expect(log.indexOf('+4')).toBeLessThan(log.indexOf('+1'));
    expect(log.indexOf('+2')).toBeLessThan(log.indexOf('+1'));
  });

  it('go on when one of them fails', async () => {
    const log = await moved(['a', 'a', 'a'], (index) => index === 0);
    expect(log).toEqual(['+0', '-0', '+1', '-1', '+2', '-2']);
  });
});

describe('items of different names', () => {
  it('are moved at the same time', async () => {
    const log = await moved(['a', 'b', 'c', 'd']);
    expect(log.slice(0, 4)).toEqual(['+0', '+1', '+2', '+3']);
  });
});
