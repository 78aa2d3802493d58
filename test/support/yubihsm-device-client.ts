/**
 * The least that can speak with a simulated YubiHSM: frames and sessions over the secure channel's pure half, payloads made by the tests themselves. Not the
 * product's client, so that the simulator's tests hold without it.
 */
import { randomBytes } from 'node:crypto';
import { deriveSymmetricSession } from '../../src/adapters/yubihsm/session/key-derivation.ts';
import { SecureChannel } from '../../src/adapters/yubihsm/session/secure-channel.ts';
import { type StaticKeys, staticKeysFromPassword } from '../../src/adapters/yubihsm/session/static-keys.ts';
import { ALGORITHM, type AlgorithmName } from '../../src/adapters/yubihsm/wire/algorithms.ts';
import { type CapabilityName, capabilityMask } from '../../src/adapters/yubihsm/wire/capabilities.ts';
import { COMMAND, type CommandName } from '../../src/adapters/yubihsm/wire/command-codes.ts';
import { deviceErrorName } from '../../src/adapters/yubihsm/wire/device-errors.ts';
import { decodeFrame, encodeFrame, errorOf } from '../../src/adapters/yubihsm/wire/frame.ts';
import { labelOf } from '../../src/adapters/yubihsm/wire/label.ts';
import { writeObjectHeader } from '../../src/adapters/yubihsm/wire/object-header.ts';
import { decodeObjectInfo, type ObjectInfo } from '../../src/adapters/yubihsm/wire/object-info.ts';
import { OBJECT_TYPE, type ObjectTypeName } from '../../src/adapters/yubihsm/wire/object-types.ts';
import { ByteWriter } from '../../src/adapters/yubihsm/wire/writer.ts';

export interface Exchanger {
  exchange(message: Uint8Array): Promise<Uint8Array>;
}

/** The device said no, outside or inside a session. */
export class Refused extends Error {
  readonly where: 'outer' | 'inner';

  constructor(where: 'outer' | 'inner', error: number) {
    super(`${where}: ${deviceErrorName(error)}`);
    this.where = where;
  }
}

function payloadOrRefusal(frame: Uint8Array, command: number, where: 'outer' | 'inner'): Uint8Array {
  const decoded = decodeFrame(frame);
  const error = errorOf(decoded);
  if (error !== undefined) throw new Refused(where, error);
  if (decoded.type !== (command | 0x80)) throw new Error(`an answer of type ${decoded.type} to ${command}`);
  return decoded.payload;
}

/** A command outside a session. */
export async function callOutside(
  device: Exchanger,
  name: CommandName,
  payload: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array> {
  return payloadOrRefusal(await device.exchange(encodeFrame(COMMAND[name], payload)), COMMAND[name], 'outer');
}

const DEFAULT_KEYS: Promise<StaticKeys> = staticKeysFromPassword('password');

export class DeviceClient {
  readonly device: Exchanger;
  readonly channel: SecureChannel;

  constructor(device: Exchanger, channel: SecureChannel) {
    this.device = device;
    this.channel = channel;
  }

  static async open(
    device: Exchanger,
    options: { readonly id?: number; readonly password?: string } = {},
  ): Promise<DeviceClient> {
    const { channel, hostCryptogram } = await DeviceClient.begin(device, options);
    const message = channel.authenticateCommand(hostCryptogram);
    payloadOrRefusal(await device.exchange(message), COMMAND['authenticate-session'], 'outer');
    return new DeviceClient(device, channel);
  }

  /** The first half of a login. */
  static async begin(
    device: Exchanger,
    { id = 1, password = 'password' }: { readonly id?: number; readonly password?: string } = {},
  ) {
    const keys = password === 'password' ? await DEFAULT_KEYS : await staticKeysFromPassword(password);
    const host = randomBytes(8);
    const reply = await callOutside(device, 'create-session', new ByteWriter().u16(id).bytes(host).toBytes());
    const [sessionId = 0] = reply;
    const derived = deriveSymmetricSession(keys, { host, card: reply.slice(1, 9) });
    return {
      channel: new SecureChannel({ sessionId, keys: derived.keys }),
      hostCryptogram: derived.hostCryptogram,
      cardCryptogram: reply.slice(9),
      expectedCard: derived.cardCryptogram,
    };
  }

  async call(name: CommandName, payload: Uint8Array = new Uint8Array(0)): Promise<Uint8Array> {
    return await this.callCode(COMMAND[name], payload);
  }

  async callCode(code: number, payload: Uint8Array = new Uint8Array(0)): Promise<Uint8Array> {
    return await this.callFrame(encodeFrame(code, payload), code);
  }

  /** `inner` may be anything. */
  async callFrame(inner: Uint8Array, code: number): Promise<Uint8Array> {
    const reply = await this.device.exchange(this.channel.wrapCommand(inner));
    const outer = decodeFrame(reply);
    const error = errorOf(outer);
    if (error !== undefined) throw new Refused('outer', error);
    return payloadOrRefusal(this.channel.unwrapResponse(reply), code, 'inner');
  }

  async info(type: ObjectTypeName, id: number): Promise<ObjectInfo> {
    return decodeObjectInfo(
      await this.call('get-object-info', new ByteWriter().u16(id).u8(OBJECT_TYPE[type]).toBytes()),
    );
  }

  /** Puts or generates; gives the id. */
  async create(name: CommandName, wanted: Wanted, key: Uint8Array = new Uint8Array(0)): Promise<number> {
    const reply = await this.call(name, headed(wanted, key));
    return ((reply[0] ?? 0) << 8) | (reply[1] ?? 0);
  }

  async remove(type: ObjectTypeName, id: number): Promise<void> {
    await this.call('delete-object', new ByteWriter().u16(id).u8(OBJECT_TYPE[type]).toBytes());
  }
}

export interface Wanted {
  readonly id?: number;
  readonly label?: string;
  readonly domains?: number;
  readonly can?: readonly CapabilityName[];
  readonly algorithm: AlgorithmName;
  /** Of a type that delegates. */
  readonly delegates?: readonly CapabilityName[];
}

export function headed(wanted: Wanted, key: Uint8Array): Uint8Array {
  const { id = 0, label = 'a test object', domains = 0xffff, can = [], algorithm, delegates } = wanted;
  const header = {
    id,
    label: labelOf(label),
    domains,
    capabilities: capabilityMask(can),
    algorithm: ALGORITHM[algorithm],
  };
  const writer = writeObjectHeader(new ByteWriter(), header);
  if (delegates !== undefined) writer.u64(capabilityMask(delegates));
  return writer.bytes(key).toBytes();
}

/** An id, then bytes: what most commands on a key take. */
export const withId = (id: number, ...rest: Uint8Array[]): Uint8Array =>
  new ByteWriter().u16(id).bytes(Buffer.concat(rest)).toBytes();

/** Puts an authentication key with that password and logs in with it. */
export async function loginAs(
  client: DeviceClient,
  wanted: Omit<Wanted, 'algorithm'>,
  password = 'another password',
): Promise<DeviceClient> {
  const { enc, mac } = await staticKeysFromPassword(password);
  const algorithm = 'aes128-yubico-authentication';
  const id = await client.create(
    'put-authentication-key',
    { delegates: [], ...wanted, algorithm },
    Buffer.concat([enc, mac]),
  );
  return await DeviceClient.open(client.device, { id, password });
}
