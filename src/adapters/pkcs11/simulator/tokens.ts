/** The slots of a simulated device: a partition per token, and for an HA group a slot over its members' partitions. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { prepareStateDir } from '../../simulation/state-folder.ts';
import { HandleSpace } from './handle-space.ts';
import { Partition } from './partition.ts';
import type { Personality } from './personality.ts';
import { ObjectIndex, Slot } from './slot.ts';

export interface Tokens {
  readonly slots: ReadonlyMap<number, Slot>;
  close(): void;
}

/** Throws KeyferryError `simulator-state` or `state-unsafe`; `argument-invalid` for a group with an unknown member. */
export function openTokens(personality: Personality, stateDir: string | null, random: () => number): Tokens {
  if (stateDir !== null) prepareStateDir(stateDir);
  const hasGroups = personality.tokens.some((token) => token.members !== undefined);
  const objects = new ObjectIndex(hasGroups);
  const partitions = new Map<string, Partition>();
  for (const token of personality.tokens) {
    if (token.members !== undefined) continue;
    const onNewObject = objects.add.bind(objects);
    partitions.set(token.serial, new Partition(personality, token, { stateDir, onNewObject }));
  }
  const slots = new Map<number, Slot>();
  for (const token of personality.tokens) {
    const serials = token.members ?? [token.serial];
    const members = serials.map((serial) => {
      const partition = partitions.get(serial);
      if (partition !== undefined) return partition;
      throw new KeyferryError(
        'argument-invalid',
        `simulated HA group ${token.label} has no member with serial ${serial}`,
      );
    });
    slots.set(token.slot, new Slot({ token, partitions: members, objects, handles: new HandleSpace(random) }));
  }
  return {
    slots,
    close: () => {
      for (const partition of partitions.values()) partition.close();
    },
  };
}
