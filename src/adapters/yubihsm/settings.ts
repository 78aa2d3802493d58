/** What a devices file says of a YubiHSM 2: how it is reached, and how keyferry logs in. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { Secret } from '../../keys/secret.ts';
import { type Field, type ObjectShape, optional, path, withDefault } from '../../schema/shape.ts';
import type { DeviceSettings, OpenContext } from '../adapter.ts';
import { objectIdOf } from './objects/object-id.ts';
import { type AsymmetricLogin, type Login, passwordLogin } from './session/login.ts';
import { YUBIHSM_FAULTS_SHAPE } from './simulator/faults.ts';
import { FIRMWARE_LEVELS } from './simulator/firmware.ts';

const DEFAULT_URL = 'http://127.0.0.1:12345';
const DEFAULT_KEY = '0001';

const LOGIN: Readonly<Record<string, Field>> = {
  'authentication-key': withDefault(
    { kind: 'string', pattern: '^[0-9a-fA-F]{1,4}$', description: 'id of the authentication key, hex' },
    DEFAULT_KEY,
  ),
};

export const CONNECTOR_DRIVER: ObjectShape = {
  kind: 'object',
  fields: {
    url: withDefault(
      { kind: 'string', pattern: '^https?://', description: "URL of Yubico's connector; http only on this computer" },
      DEFAULT_URL,
    ),
    ca: optional(path('certificate of the authority that signed the certificate of an https connector (PEM)')),
    serial: optional({
      kind: 'string',
      pattern: '^[0-9]{1,10}$',
      description: 'serial number that the device must have',
    }),
    ...LOGIN,
    password: optional({ kind: 'opaque', type: 'secret', description: 'the password of the authentication key' }),
    'private-key': optional({
      kind: 'opaque',
      type: 'secret',
      description: 'instead of a password: the P-256 private key, 64 hex digits (firmware 2.3)',
    }),
    'device-key': optional({
      kind: 'string',
      pattern: '^[0-9a-fA-F]{128}$',
      description:
        "with private-key: the device's own public key, X and Y in hex; absent: what the connector tells is believed",
    }),
    timeout: optional({ kind: 'duration', description: 'a reply that takes longer is given up' }),
  },
};

export const SIMULATED_YUBIHSM_DRIVER: ObjectShape = {
  kind: 'object',
  fields: {
    state: optional(path('folder that keeps the objects, in clear; absent: they live as long as the process')),
    firmware: withDefault({ kind: 'enum', values: FIRMWARE_LEVELS, description: 'firmware level' }, '2.4'),
    serial: optional({
      kind: 'integer',
      minimum: 1,
      maximum: 4_294_967_295,
      description: 'serial number of a device that has no state yet',
    }),
    ...LOGIN,
    password: optional({ kind: 'opaque', type: 'secret', description: "absent: the factory's" }),
    faults: optional(YUBIHSM_FAULTS_SHAPE),
    'fault-seed': optional({ kind: 'integer', minimum: 0, description: 'seed of faults that come with a probability' }),
  },
};

/** Of every YubiHSM that has not been set up. */
const FACTORY_PASSWORD = 'password';

type Values = Readonly<Record<string, unknown>>;

export const readText = (values: Values, name: string): string | undefined =>
  typeof values[name] === 'string' ? values[name] : undefined;

export const readNumber = (values: Values, name: string): number | undefined =>
  typeof values[name] === 'number' ? values[name] : undefined;

function keyIdOf({ name, values }: DeviceSettings): number {
  const text = readText(values, 'authentication-key') ?? DEFAULT_KEY;
  const id = objectIdOf(text.padStart(4, '0'));
  if (id !== undefined) return id;
  throw new KeyferryError('devices-invalid', `Device ${name}: ${text} is no id of an authentication key.`, {
    device: name,
  });
}

export interface Credentials {
  readonly login: Login;
  /** What the memory of refused secrets goes by. */
  readonly secret: Secret;
}

/** The caller wipes the login. Rejects with `devices-invalid`, `secret-unavailable`. */
export async function readCredentials(settings: DeviceSettings, context: OpenContext): Promise<Credentials> {
  const { name, values, driver } = settings;
  const keyId = keyIdOf(settings);
  if (values['private-key'] !== undefined) {
    if (values.password !== undefined) throw invalid(name, 'it has both a password and a private-key');
    const secret = await context.secret('private-key');
    return { login: privateKeyLogin(name, keyId, secret, readText(values, 'device-key')), secret };
  }
  if (values.password === undefined && driver !== 'simulated')
    throw invalid(name, 'it needs a password or a private-key');
  const secret = values.password === undefined ? new Secret(FACTORY_PASSWORD) : await context.secret('password');
  return { login: await passwordLogin(keyId, secret), secret };
}

const invalid = (name: string, what: string): KeyferryError =>
  new KeyferryError('devices-invalid', `Device ${name}: ${what}.`, { device: name });

/** Never quotes what was given. */
function privateKeyLogin(
  name: string,
  keyId: number,
  secret: Secret,
  devicePoint: string | undefined,
): AsymmetricLogin {
  const text = secret.reveal().trim();
  if (!/^[0-9a-f]{64}$/i.test(text)) throw invalid(name, 'its private-key must be 64 hex digits');
  return {
    kind: 'asymmetric',
    keyId,
    privateKey: new Uint8Array(Buffer.from(text, 'hex')),
    devicePoint: devicePoint === undefined ? null : new Uint8Array(Buffer.from(devicePoint, 'hex')),
  };
}
