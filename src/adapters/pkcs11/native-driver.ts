/**
 * The driver `pkcs11`: a vendor's module (or any other) in a device host of its own. Settings are the same for every adapter that uses it;
 * the host, and with it everything native, is loaded when a device is opened and not before.
 */
import { parseDuration } from '../../schema/duration.ts';
import { type ObjectShape, optional, path, required } from '../../schema/shape.ts';
import type { Device, DeviceSettings, OpenContext } from '../adapter.ts';
import { PKCS11_ACTION_SPECS } from './actions/actions.ts';
import type { CapabilityOverrides, Pkcs11Profile } from './profile.ts';

const NAMES = { kind: 'list', of: { kind: 'string' } } as const;

export const CAPABILITIES_SHAPE: ObjectShape = {
  kind: 'object',
  description: 'what is known of the device better than its module says; only narrows what it can do',
  fields: {
    wrap: optional({ ...NAMES, description: 'wrapping mechanisms to use, of those that the device has' }),
    unwrap: optional({ ...NAMES, description: 'unwrapping mechanisms to use, of those that the device has' }),
    fingerprints: optional({ ...NAMES, description: 'fingerprint methods to use, of those that the device has' }),
    'unique-ids': optional({ kind: 'boolean', description: 'the device refuses a second object with the same id' }),
    'key-limit': optional({ kind: 'integer', minimum: 1, description: 'keys of all classes that fit' }),
    'settle-reads': optional({
      kind: 'integer',
      minimum: 1,
      description: 'agreeing reads until an absence is believed',
    }),
    'settle-interval': optional({ kind: 'duration', description: 'time between those reads' }),
    'value-len-on-unwrap': optional({ kind: 'boolean', description: 'whether C_UnwrapKey is told CKA_VALUE_LEN' }),
    rates: optional({ kind: 'map', of: { kind: 'number' }, description: 'calls per second by action' }),
    probe: optional({
      kind: 'boolean',
      description: 'false: no throw-away session keys to find out what mechanisms mean',
    }),
  },
};

export const NATIVE_DRIVER: ObjectShape = {
  kind: 'object',
  fields: {
    module: required(path('the PKCS#11 module, a shared library')),
    token: optional({ kind: 'string', description: 'label of the token' }),
    slot: optional({ kind: 'integer', minimum: 0, description: 'slot number; shifts as devices come and go' }),
    serial: optional({ kind: 'string', description: 'serial number of the token' }),
    pin: required({ kind: 'opaque', type: 'secret', description: 'the user PIN' }),
    'library-parameters': optional({ kind: 'string', description: 'what the module wants to be told at C_Initialize' }),
    sessions: optional({ kind: 'integer', minimum: 1, maximum: 1024, description: 'sessions that may work at once' }),
    'call-timeout': optional({
      kind: 'duration',
      description: 'a call that takes longer is given up, its process ended',
    }),
    capabilities: optional(CAPABILITIES_SHAPE),
  },
};

const DEFAULT_TIMEOUT_MS = 120_000;

const READ_ACTIONS = Object.values(PKCS11_ACTION_SPECS)
  .filter(({ effect }) => effect === 'read')
  .map(({ name }) => name);

type Values = Readonly<Record<string, unknown>>;

const text = (values: Values, name: string): string | undefined =>
  typeof values[name] === 'string' ? values[name] : undefined;
const number = (values: Values, name: string): number | undefined =>
  typeof values[name] === 'number' ? values[name] : undefined;
const boolean = (values: Values, name: string): boolean | undefined =>
  typeof values[name] === 'boolean' ? values[name] : undefined;
const names = (values: Values, name: string): readonly string[] | undefined =>
  Array.isArray(values[name]) ? values[name].map(String) : undefined;

/** Only what was given, so that it may stand beside exact optional properties. */
function given<T extends object>(entries: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as T;
}

export function readCapabilities(values: Values, profile: Pkcs11Profile): CapabilityOverrides {
  const asked = (values.capabilities ?? {}) as Values;
  const reads = number(asked, 'settle-reads');
  const interval = parseDuration(text(asked, 'settle-interval') ?? '');
  const isSettleGiven = reads !== undefined || interval !== undefined;
  return given<CapabilityOverrides>({
    wrap: names(asked, 'wrap'),
    unwrap: names(asked, 'unwrap'),
    fingerprints: names(asked, 'fingerprints'),
    uniqueIds: boolean(asked, 'unique-ids'),
    keyLimit: number(asked, 'key-limit'),
    settle: isSettleGiven
      ? { reads: reads ?? profile.settle.reads, intervalMs: interval ?? profile.settle.intervalMs }
      : undefined,
    valueLenOnUnwrap: boolean(asked, 'value-len-on-unwrap'),
    rates: asked.rates as Readonly<Record<string, number>> | undefined,
    probe: boolean(asked, 'probe'),
  });
}

export const readSelector = (values: Values) =>
  given<{ readonly token?: string; readonly slot?: number; readonly serial?: string }>({
    token: text(values, 'token'),
    slot: number(values, 'slot'),
    serial: text(values, 'serial'),
  });

export const readSessions = (values: Values, context: OpenContext): number =>
  Math.min(context.sessions, number(values, 'sessions') ?? context.sessions);

export async function openNative(
  settings: DeviceSettings,
  context: OpenContext,
  profile: Pkcs11Profile,
): Promise<Device> {
  const { values } = settings;
  const { openHostedDevice } = await import('./host/hosted-device.ts');
  return await openHostedDevice({
    name: settings.name,
    adapter: settings.adapter,
    profile,
    modulePath: text(values, 'module') ?? '',
    selector: readSelector(values),
    pin: () => context.secret('pin'),
    sessions: readSessions(values, context),
    callTimeoutMs: parseDuration(text(values, 'call-timeout') ?? '') ?? DEFAULT_TIMEOUT_MS,
    home: context.home,
    retryPin: context.retryPin,
    capabilities: readCapabilities(values, profile),
    readActions: READ_ACTIONS,
    ...given<{ libraryParameters?: string }>({ libraryParameters: text(values, 'library-parameters') }),
  });
}
