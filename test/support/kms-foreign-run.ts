/** A run of a playbook to a service that is not ours, and what it must leave there. */
import { expect } from 'vitest';
import type { ForeignCli, Said } from './kms-foreign-desk.ts';

/** One enabled KMS key for each key of the source, with its first material, and an alias each; nothing else that is ours. */
export function expectMoved({ kms }: ForeignCli, labels: readonly string[]): void {
  const ours = [...kms.keys.values()].filter(({ description }) => description.startsWith('payments-'));
  expect(ours.map(({ description, state }) => `${description} ${state}`).sort()).toEqual(
    labels.map((label) => `${label} Enabled`).sort(),
  );
  for (const { id, description, first, material } of ours) {
    expect(material?.equals(first ?? Buffer.alloc(0))).toBe(true);
    expect(kms.aliases.get(`alias/keyferry/${description}`)).toBe(id);
  }
}

export async function runPlaybook(desk: ForeignCli, edit?: (text: string) => string): Promise<Said> {
  return await desk.keyferry('run', desk.playbook(edit), '--yes', '--json');
}
