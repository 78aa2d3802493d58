/** The error bytes of the device, by Yubico's names (libyubihsm, yubihsm.h). What each means for a run is in session/device-refusal.ts. */

export const DEVICE_ERROR = {
  ok: 0x00,
  'invalid-command': 0x01,
  'invalid-data': 0x02,
  'invalid-session': 0x03,
  'authentication-failed': 0x04,
  'sessions-full': 0x05,
  'session-failed': 0x06,
  'storage-failed': 0x07,
  'wrong-length': 0x08,
  'insufficient-permissions': 0x09,
  'log-full': 0x0a,
  'object-not-found': 0x0b,
  'invalid-id': 0x0c,
  'ssh-ca-constraint-violation': 0x0e,
  'invalid-otp': 0x0f,
  'demo-mode': 0x10,
  'object-exists': 0x11,
  'algorithm-disabled': 0x12,
  /** Stands in the log only: the command had not ended when the entry was written. */
  'command-unexecuted': 0xff,
} as const;

export type DeviceErrorName = keyof typeof DEVICE_ERROR;

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(DEVICE_ERROR).map(([name, byte]) => [byte, name]));

/** For people: `0x2a` for a byte that has no name. */
export function deviceErrorName(byte: number): string {
  return NAMES.get(byte) ?? `0x${byte.toString(16).padStart(2, '0')}`;
}
