/** Builders for journals: plan items, heads, calls and entries. */
import type { CallId, Entry, ItemState } from '../../src/journal/journal.ts';
import type { PlanItem } from '../../src/plan/model.ts';

export const A_RUN = '20261122-101530-1f2ab3';

export async function* planItems(count: number): AsyncGenerator<PlanItem> {
  for (let index = 0; index < count; index++) yield planItem(index);
}

export function planItem(index: number): PlanItem {
  return {
    index,
    key: index.toString(16).padStart(16, '0'),
    label: `payments-${index}`,
    action: 'move',
    reason: null,
    notes: [],
    source: { kind: 'file', path: `/keys/${index}`, size: 32 },
  };
}

export function aHead(run = A_RUN): Extract<Entry, { kind: 'run' }> {
  return { kind: 'run', run, plan: { playbook: 'a-playbook', digest: 'ab'.repeat(32) }, version: '0.1.0' };
}

export function aCall(item: number | null, more: Partial<CallId> = {}): CallId {
  return { generation: 1, scope: item === null ? 'prepare' : 'each', item, step: 'arrived', attempt: 1, ...more };
}

export function anIntent(call: CallId): Extract<Entry, { kind: 'intent' }> {
  return { kind: 'intent', call, action: 'unwrap-key', device: 'cluster', expectation: null };
}

export function anOutcome(
  call: CallId,
  more: Partial<Extract<Entry, { kind: 'outcome' }>> = {},
): Extract<Entry, { kind: 'outcome' }> {
  return { kind: 'outcome', call, result: 'applied', settled: true, outputs: null, error: null, ...more };
}

export function anItem(
  item: number,
  state: ItemState,
  more: Partial<Extract<Entry, { kind: 'item' }>> = {},
): Extract<Entry, { kind: 'item' }> {
  return { kind: 'item', item, state, reason: null, target: null, verification: null, error: null, ...more };
}

export const aCheck = (name: string): Entry => ({ kind: 'check', name, result: 'passed', detail: null });

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}
