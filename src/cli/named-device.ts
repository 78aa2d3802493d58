/** A device of the devices file by its name, with the nearest name where there is none. */
import type { DeviceSettings } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { nearest } from '../source/nearest.ts';

/** Rejects with `device-unknown`. */
export function namedDevice(
  file: { readonly devices: Readonly<Record<string, DeviceSettings>> },
  name: string,
): DeviceSettings {
  const settings = Object.hasOwn(file.devices, name) ? file.devices[name] : undefined;
  if (settings !== undefined) return settings;
  const names = Object.keys(file.devices);
  const near = nearest(name, names);
  throw new KeyferryError(
    'device-unknown',
    `The devices file has no device "${name}"; it has: ${names.join(', ') || 'none'}.`,
    {
      ...(near === undefined ? {} : { hint: `Did you mean ${near}?` }),
    },
  );
}
