/** Whether the devices that are bound now are those that a plan was made for. */
import type { BoundDevice } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { PlanHead } from './model.ts';

export { compareInventory } from './compare-inventory.ts';

/** Throws `plan-devices`, listing every difference. A device may bear another name in the devices file: its serial number tells. */
export function checkPlanDevices(head: Pick<PlanHead, 'devices'>, devices: ReadonlyMap<string, BoundDevice>): void {
  const differences = head.devices.flatMap((planned) => {
    const bound = devices.get(planned.role);
    if (bound === undefined) {
      return [`no device is bound to ${planned.role}`];
    }
    const { description } = bound;
    return (['serial', 'adapter', 'trust'] as const).flatMap((what) =>
      description[what] === planned[what]
        ? []
        : [`${planned.role} has ${what} "${description[what]}" and the plan was made for "${planned[what]}"`],
    );
  });
  if (differences.length > 0) {
    throw new KeyferryError(
      'plan-devices',
      `The plan was made for other devices; nothing was done: ${differences.join('; ')}`,
    );
  }
}
