/**
 * Opens a YubiHSM: asks it what it is, logs in, and learns what the authentication key may do. A refused secret is remembered and not tried again
 * before it changes, as for every device, although a YubiHSM counts no tries.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { parseDuration } from '../../schema/duration.ts';
import type { Device, DeviceSettings, OpenContext } from '../adapter.ts';
import { RefusedPins } from '../processes/refused-pins.ts';
import { getDeviceInfo } from './commands/get-device-info.ts';
import { type Connector, ConnectorFailure } from './connector/connector.ts';
import { YubiHsmDevice } from './device.ts';
import { LastingSession } from './session/lasting-session.ts';
import { type Login, wipeLogin } from './session/login.ts';
import { openSession } from './session/open-session.ts';
import { callPlain, type Peer } from './session/plain-exchange.ts';
import { readCredentials, readNumber, readText } from './settings.ts';
import type { YubiHsmFault } from './simulator/faults.ts';
import { FIRMWARE_LEVELS } from './simulator/firmware.ts';
import { messageLimit } from './wire/frame.ts';
import { authorityOf, YubiHsm } from './yubihsm.ts';

export async function openYubiHsmDevice(settings: DeviceSettings, context: OpenContext): Promise<Device> {
  const connector = settings.driver === 'simulated' ? await simulated(settings) : await overHttp(settings);
  try {
    return await openOver(connector, settings, context);
  } catch (error) {
    await connector.close();
    throw error;
  }
}

/** Everything but the connector, which a test may give. The device closes the connector. */
export async function openOver(connector: Connector, settings: DeviceSettings, context: OpenContext): Promise<Device> {
  const { name } = settings;
  const peer: Peer = { connector, device: name };
  await requireDevice(peer);
  const info = await callPlain(peer, getDeviceInfo, undefined);
  const wanted = readText(settings.values, 'serial');
  if (wanted !== undefined && Number(wanted) !== info.serial) {
    const what = `the device behind the connector has the serial number ${info.serial}, not ${wanted}`;
    throw new KeyferryError('token-not-found', `${name}: ${what}.`, { device: name });
  }
  const { login, secret } = await readCredentials(settings, context);
  const session = new LastingSession({
    open: () => openSession({ peer, login, messageLimit: messageLimit(info.firmware) }),
  });
  const end = async (): Promise<void> => {
    await session.close();
    wipeLogin(login);
  };
  try {
    await logIn(session, { serial: String(info.serial), secret, login, name, context });
    const authority = await authorityOf(session, login.keyId);
    const deviceInfo = () => callPlain(peer, getDeviceInfo, undefined);
    const hsm = new YubiHsm({ name, caller: session, deviceInfo, info, authority });
    const close = async (): Promise<void> => {
      await end();
      await connector.close();
    };
    return new YubiHsmDevice({ hsm, settings, close });
  } catch (error) {
    await end();
    throw error;
  }
}

async function requireDevice({ connector, device }: Peer): Promise<void> {
  const fail = (what: string, hint: string | undefined, cause?: unknown): KeyferryError =>
    new KeyferryError('device-unreachable', `${device}: ${what}.`, {
      device,
      ...(hint === undefined ? {} : { hint }),
      ...(cause === undefined ? {} : { cause }),
    });
  try {
    const { status } = await connector.status();
    if (status === 'OK') return;
    throw fail(
      `the connector runs and has no device (${status})`,
      'Plug the YubiHSM in, and see that no other program holds it.',
    );
  } catch (error) {
    if (error instanceof ConnectorFailure) throw fail(error.message, error.hint, error);
    throw error;
  }
}

interface Attempt {
  readonly serial: string;
  readonly secret: Parameters<RefusedPins['recall']>[1];
  readonly login: Login;
  readonly name: string;
  readonly context: OpenContext;
}

async function logIn(session: LastingSession, { serial, secret, login, name, context }: Attempt): Promise<void> {
  const memory = new RefusedPins(context.home);
  // One device has many authentication keys, and another key's password is another secret.
  const place = `yubihsm ${serial} ${login.keyId}`;
  const remembered = memory.recall(place, secret);
  if (remembered !== undefined && !context.retryPin) {
    const message = `${name}: the device refused this secret on ${remembered.at}; it was not tried again.`;
    throw new KeyferryError('login-remembered', message, { device: name, operation: 'create-session' });
  }
  try {
    await session.open();
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'login-refused')
      await memory.remember(place, secret, name, 'refused');
    throw error;
  }
  if (remembered !== undefined) await memory.forget(place, secret);
}

async function overHttp({ name, values }: DeviceSettings): Promise<Connector> {
  const { HttpConnector } = await import('./connector/http-connector.ts');
  const ca = readText(values, 'ca');
  const timeoutMs = parseDuration(readText(values, 'timeout') ?? '');
  try {
    return new HttpConnector({
      url: readText(values, 'url') ?? '',
      ...(ca === undefined ? {} : { ca: readAuthority(name, ca) }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  } catch (cause) {
    if (!(cause instanceof ConnectorFailure)) throw cause;
    throw new KeyferryError(cause.code, `${name}: ${cause.message}.`, { device: name, cause });
  }
}

function readAuthority(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new KeyferryError('file-unreadable', `${name}: ${path} cannot be read.`, { device: name, cause });
  }
}

const FIRST_SERIAL = 90_000_000;
const SERIALS = 10_000_000;

/** The same for the same name, so that a device without state is the same device for plan and run of one process. */
const serialOf = (name: string): number =>
  FIRST_SERIAL + (createHash('sha256').update(name).digest().readUInt32BE(0) % SERIALS);

async function simulated({ name, values }: DeviceSettings): Promise<Connector> {
  const [{ openSimulatedYubiHsm }, { SimulatedConnector }] = await Promise.all([
    import('./simulator/simulated-yubihsm.ts'),
    import('./simulated-connector.ts'),
  ]);
  const stateDir = readText(values, 'state') ?? null;
  const firmware = FIRMWARE_LEVELS.find((level) => level === values.firmware);
  const serial = readNumber(values, 'serial') ?? (stateDir === null ? serialOf(name) : undefined);
  const seed = readNumber(values, 'fault-seed');
  const faults = Array.isArray(values.faults) ? (values.faults as readonly YubiHsmFault[]) : [];
  const device = await openSimulatedYubiHsm({
    stateDir,
    ...(firmware === undefined ? {} : { firmware }),
    ...(serial === undefined ? {} : { serial }),
    faults: { faults, ...(seed === undefined ? {} : { seed }) },
  });
  return new SimulatedConnector(device);
}
