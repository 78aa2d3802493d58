/** How the simulated device says no: with one of the device's own error bytes. Inside a session it becomes an encrypted error frame. */
import { DEVICE_ERROR, type DeviceErrorName, deviceErrorName } from '../wire/device-errors.ts';

export class DeviceRefusal extends Error {
  override readonly name = 'DeviceRefusal';
  readonly error: number;

  constructor(error: number) {
    super(deviceErrorName(error));
    this.error = error;
  }
}

export function refuse(name: DeviceErrorName): never {
  throw new DeviceRefusal(DEVICE_ERROR[name]);
}
