/** Entries in the order of the work → parts: one after the other at the same device with the same tool is one sitting. */
import type { PlanDevice } from '../plan/model.ts';
import type { RunbookBlock, RunbookEntry, RunbookPart } from './runbook.ts';
import type { Placed, RunbookAdapters } from './write-step.ts';

export interface Headed {
  readonly heading: string;
  readonly placed: Placed;
}

interface Sitting {
  readonly role: string | null;
  tool: string | null;
  readonly blocks: Map<string, RunbookEntry[]>;
}

/** What is in words only fits into any sitting at its device. */
const fits = (sitting: Sitting, { role, tool }: Placed): boolean =>
  sitting.role === role && (tool === null || sitting.tool === null || sitting.tool === tool);

function sittings(entries: readonly Headed[]): Sitting[] {
  const all: Sitting[] = [];
  for (const { heading, placed } of entries) {
    let current = all.at(-1);
    if (current === undefined || !fits(current, placed)) {
      current = { role: placed.role, tool: placed.tool, blocks: new Map() };
      all.push(current);
    }
    current.tool ??= placed.tool;
    const block = current.blocks.get(heading) ?? [];
    block.push(placed.entry);
    current.blocks.set(heading, block);
  }
  return all;
}

export function partsOf(
  entries: readonly Headed[],
  devices: readonly PlanDevice[],
  adapters: RunbookAdapters,
): RunbookPart[] {
  return sittings(entries).map(({ role, tool, blocks }, index) => {
    const device = devices.find((planned) => planned.role === role) ?? null;
    const lines = device === null || tool === null ? undefined : adapters[device.adapter]?.runbook?.tools[tool];
    return {
      number: index + 1,
      device,
      tool: lines === undefined || tool === null ? null : { name: lines.name ?? tool, lines },
      blocks: [...blocks].map(([heading, block]): RunbookBlock => ({ heading, entries: block })),
    };
  });
}

/**
 * Each item's entries by step → all items' in the order of the steps: what one step is for every key comes before the next step of any.
 * Within a step a comparison has a side on each device, so that sides come one after the other too.
 */
export function stepByStep(items: readonly (readonly (readonly Headed[])[])[]): Headed[] {
  const steps = Math.max(0, ...items.map((item) => item.length));
  const ordered: Headed[] = [];
  for (let step = 0; step < steps; step += 1) {
    const sides = Math.max(0, ...items.map((item) => item[step]?.length ?? 0));
    for (let side = 0; side < sides; side += 1) ordered.push(...items.flatMap((item) => item[step]?.[side] ?? []));
  }
  return ordered;
}
