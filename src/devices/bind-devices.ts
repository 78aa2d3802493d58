/** Which device of the devices file stands for each role of a playbook: the one of that name, or the one that `--device` names. */
import type { DeviceSettings } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Playbook } from '../playbook/model.ts';
import { suggestion } from '../source/nearest.ts';
import type { DevicesFile } from './devices-file.ts';

export interface BindRequest {
  readonly playbook: Pick<Playbook, 'devices'>;
  readonly file: Pick<DevicesFile, 'path' | 'devices'>;
  /** Role → device name. */
  readonly overrides: Readonly<Record<string, string>>;
}

/** Role → settings. Rejects with `device-unknown`, for all roles at once. */
export function bindDevices({ playbook, file, overrides }: BindRequest): Map<string, DeviceSettings> {
  const problems: string[] = [];
  const roles = Object.keys(playbook.devices);
  for (const role of Object.keys(overrides)) {
    if (!roles.includes(role))
      problems.push(`the playbook has no device ${role}${inBrackets(suggestion(role, roles))}`);
  }
  const bound = new Map<string, DeviceSettings>();
  for (const [role, adapter] of Object.entries(playbook.devices)) {
    const name = Object.hasOwn(overrides, role) ? (overrides[role] ?? role) : role;
    const settings = Object.hasOwn(file.devices, name) ? file.devices[name] : undefined;
    if (settings === undefined) {
      problems.push(
        `the devices file ${file.path} has no device ${name}${inBrackets(suggestion(name, Object.keys(file.devices)))}`,
      );
    } else if (settings.adapter !== adapter) {
      problems.push(`the playbook wants ${adapter} as ${role}, and the device ${name} is ${settings.adapter}`);
    } else bound.set(role, settings);
  }
  if (problems.length === 0) return bound;
  const text = problems.join('; ');
  throw new KeyferryError('device-unknown', `${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
}

const inBrackets = (hint: string | undefined): string => (hint === undefined ? '' : ` (${hint})`);
