/** A source and a target of fake keys, planned in a folder of the test's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type MakePlanOptions, makePlan } from '../../src/plan/make-plan.ts';
import type { PlanItem, PlanSource } from '../../src/plan/model.ts';
import { type FakeDevice, type FakeDeviceOptions, fakeDevice } from './fake-device.ts';
import { aPlaybook } from './plan-playbook.ts';

export const SALT = new Uint8Array(16).fill(7);

export interface PlanSetup extends Partial<Omit<MakePlanOptions, 'devices'>> {
  readonly source?: FakeDeviceOptions;
  readonly target?: FakeDeviceOptions;
  /** Devices that exist already, instead of new ones. */
  readonly fakes?: { readonly source: FakeDevice; readonly target: FakeDevice };
}

export interface MadePlan {
  readonly plan: PlanSource;
  readonly items: PlanItem[];
  readonly source: FakeDevice;
  readonly target: FakeDevice;
  readonly devices: MakePlanOptions['devices'];
}

export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-plan-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const theFakes = (setup: Pick<PlanSetup, 'source' | 'target'>): { source: FakeDevice; target: FakeDevice } => ({
  source: fakeDevice({ role: 'source', ...setup.source }),
  target: fakeDevice({ role: 'target', ...setup.target }),
});

export async function planned(setup: PlanSetup = {}): Promise<MadePlan> {
  const { source: _source, target: _target, fakes, ...options } = setup;
  const { source, target } = fakes ?? theFakes(setup);
  const devices = new Map([source.bound, target.bound].map((bound) => [bound.role, bound]));
  const plan = await makePlan({
    playbook: aPlaybook(),
    inputs: { bits: 2048 },
    approvers: {},
    fingerprint: true,
    version: '0.0.0',
    spoolDir: options.spoolDir ?? aFolder(),
    salt: SALT,
    now: () => new Date('2026-01-02T03:04:05Z'),
    ...options,
    devices,
  });
  return { plan, items: await itemsOf(plan), source, target, devices };
}

export async function itemsOf(plan: PlanSource): Promise<PlanItem[]> {
  const items: PlanItem[] = [];
  for await (const item of plan.items()) {
    items.push(item);
  }
  return items;
}
