/**
 * KMS devices for tests: the adapter over the simulated service, through the real SDK. A test may bend single calls: what happens between
 * the SDK and the service, as a network or a service would do it.
 */
import {
  constants,
  createCipheriv,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import type { ActionCall, ActionResult, Device, DeviceSettings, OpenContext } from '../../src/adapters/adapter.ts';
import { openTransport } from '../../src/adapters/kms/client.ts';
import { type Comparison, KmsConnection, type Settle } from '../../src/adapters/kms/connection.ts';
import { KmsDevice } from '../../src/adapters/kms/device.ts';
import { inProcessHandler } from '../../src/adapters/kms/in-process-handler.ts';
import { openKmsDevice } from '../../src/adapters/kms/open-device.ts';
import {
  DroppedConnection,
  type HttpRequest,
  type HttpResponse,
  type KmsService,
  type KmsServiceOptions,
  openKmsService,
} from '../../src/adapters/kms/simulator/kms-service.ts';
import type { ImportParameters } from '../../src/keys/import-parameters.ts';
import type { KeyRecord, KeyRef } from '../../src/keys/key-record.ts';
import type { KeyType } from '../../src/keys/key-spec.ts';
import { labelHex } from '../../src/keys/locator.ts';
import type { PublicKey } from '../../src/keys/public-key.ts';
import type { WrappedKey } from '../../src/keys/wrapped-key.ts';

export const kmsSettings = (
  values: Readonly<Record<string, unknown>> = {},
  driver: 'simulated' | 'aws' = 'simulated',
): DeviceSettings => ({ name: 'account', adapter: 'kms', driver, values });

export const kmsContext: OpenContext = {
  secret: async () => {
    throw new Error('AWS KMS asks keyferry for no secret');
  },
  home: '/nowhere',
  retryPin: false,
  sessions: 8,
};

export const openKms = (values: Readonly<Record<string, unknown>> = {}): Promise<Device> =>
  openKmsDevice(kmsSettings({ 'wrapping-keys': 1, 'settle-interval': '1ms', ...values }), kmsContext);

/** Called for each request before it reaches the service. What it gives is the answer; null: the service answers. */
export type Bend = (
  operation: string,
  nth: number,
  carryOut: () => Promise<HttpResponse>,
) => Promise<HttpResponse | null>;

/** Made once per test file: making one for each device would be most of the time. */
const WRAPPING_KEYS = [2048, 2048, 3072].map(
  (modulusLength) =>
    generateKeyPairSync('rsa', {
      modulusLength,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }).privateKey,
);

export interface BentKms {
  readonly device: Device;
  readonly service: KmsService;
  /** Every operation that reached the wire, in order. */
  readonly sent: string[];
}

export interface BentOptions {
  readonly bend?: Bend;
  readonly service?: Partial<KmsServiceOptions>;
  readonly settle?: Settle;
  readonly account?: string | null;
  readonly comparison?: Comparison;
}

export async function openBentKms(options: BentOptions = {}): Promise<BentKms> {
  const service = await openKmsService({
    stateDir: null,
    region: 'eu-west-1',
    signatures: 'off',
    poolSize: 2,
    wrappingKeys: WRAPPING_KEYS,
    ...options.service,
  });
  const sent: string[] = [];
  const respond = async (request: HttpRequest): Promise<HttpResponse> => {
    const operation = request.headers['x-amz-target']?.split('.')[1] ?? '';
    sent.push(operation);
    const nth = sent.filter((each) => each === operation).length;
    const carryOut = () => service.respond(request);
    return (await options.bend?.(operation, nth, carryOut)) ?? (await carryOut());
  };
  const transport = await openTransport({
    config: {
      region: 'eu-west-1',
      credentials: { accessKeyId: 'TEST', secretAccessKey: 'test' },
      endpoint: 'https://kms.eu-west-1.amazonaws.com',
      requestHandler: inProcessHandler({ respond }),
    },
    onClose: () => service.close(),
  });
  const account = options.account === undefined ? service.account : options.account;
  const connection = new KmsConnection({
    name: 'account',
    serial: `aws:${account ?? 'unknown'}:eu-west-1`,
    account,
    region: 'eu-west-1',
    settle: options.settle ?? { reads: 2, intervalMs: 1 },
    parallel: 4,
    transport,
    ...(options.comparison === undefined ? {} : { comparison: options.comparison }),
  });
  const simulated = await openKms();
  const device = new KmsDevice(connection, { ...(await simulated.describe()), serial: connection.serial });
  await simulated.close();
  return { device, service, sent };
}

export const jsonAnswer = (status: number, body: unknown): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': '0' },
  body: Buffer.from(JSON.stringify(body)),
});

export const refusal = (name: string, message = ''): HttpResponse => jsonAnswer(400, { __type: name, message });

/** The nth call of an operation is carried out and its answer lost. */
export const losing =
  (lost: string, which = 1): Bend =>
  async (operation, nth, carryOut) => {
    if (operation !== lost || nth !== which) return null;
    await carryOut();
    throw new DroppedConnection();
  };

/** The nth call of an operation never arrives. */
export const dropping =
  (dropped: string, which = 1): Bend =>
  async (operation, nth) => {
    if (operation === dropped && nth === which) throw new DroppedConnection();
    return null;
  };

/** Every call of an operation, or the nth, is answered so. */
export const answering =
  (answered: string, answer: HttpResponse, which?: number): Bend =>
  async (operation, nth) =>
    operation === answered && (which === undefined || which === nth) ? answer : null;

export interface SourceOptions {
  readonly type?: KeyType;
  readonly class?: 'secret' | 'private' | 'public';
  readonly bits?: number;
  readonly curve?: KeyRecord['curve'];
  readonly label?: string;
  readonly id?: string;
  readonly kcv?: string | null;
  readonly attributes?: KeyRecord['attributes'];
}

/** A key as a source device would hand it over. */
export function sourceKey(options: SourceOptions = {}): KeyRef {
  const {
    type = 'aes',
    class: keyClass = 'secret',
    bits = 256,
    label = 'payments-1',
    id = '0a',
    kcv = 'a1b2c3',
  } = options;
  const locator = { serial: 'SIM1', class: keyClass, type, id, label: labelHex(label), fingerprint: null };
  const record: KeyRecord = {
    locator,
    handle: '1',
    label,
    labelIsHex: false,
    id,
    class: keyClass,
    type,
    bits,
    ...(options.curve === undefined ? {} : { curve: options.curve }),
    kcv,
    attributes: options.attributes ?? { encrypt: true, decrypt: true },
    exportable: true,
    reason: null,
  };
  return { kind: 'key', device: 'source', locator, record };
}

/** As the engine does it: forecast, then the call. */
export async function create(
  device: Device,
  action: string,
  args: Readonly<Record<string, unknown>>,
): Promise<ActionResult> {
  const { expectation } = await device.expect({ action, args }, null);
  return await device.perform({ action, args, expectation });
}

export async function createdKey(device: Device, args: Readonly<Record<string, unknown>> = {}): Promise<KeyRef> {
  const { outputs } = await create(device, 'create-key', { like: sourceKey(), ...args });
  return outputs.key as KeyRef;
}

export interface ParametersOutput {
  readonly publicKey: PublicKey;
  readonly parameters: ImportParameters;
}

export async function parametersFor(
  device: Device,
  key: KeyRef,
  mechanism = 'rsa-oaep-sha256',
  wrapping = 'RSA_2048',
): Promise<ParametersOutput> {
  const args = { key, mechanism, 'wrapping-key-spec': wrapping };
  const { outputs } = await device.perform({ action: 'get-import-parameters', args });
  return { publicKey: outputs.public_key as PublicKey, parameters: outputs.parameters as ImportParameters };
}

const HASHES: Readonly<Record<string, string>> = { sha1: 'sha1', sha256: 'sha256' };

/** What a source device would do with its key. */
export function wrapLikeSource(publicKey: PublicKey, mechanism: string, material: Uint8Array): WrappedKey {
  const oaep = (bytes: Uint8Array): Buffer =>
    publicEncrypt(
      {
        key: createPublicKey(publicKey.pem),
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: HASHES[mechanism.split('-').at(-1) ?? ''] ?? '',
      },
      bytes,
    );
  if (!mechanism.startsWith('rsa-aes')) {
    return { kind: 'wrapped-key', mechanism, bytes: new Uint8Array(oaep(material)), payload: null };
  }
  const kek = randomBytes(32);
  const kwp = createCipheriv('id-aes256-wrap-pad', kek, Buffer.from('a65959a6', 'hex'));
  const bytes = Buffer.concat([oaep(kek), kwp.update(material), kwp.final()]);
  return { kind: 'wrapped-key', mechanism, bytes: new Uint8Array(bytes), payload: null };
}

export interface ImportOptions {
  readonly mechanism?: string;
  readonly wrapping?: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

export async function importCall(
  device: Device,
  key: KeyRef,
  material: Uint8Array,
  { mechanism = 'rsa-oaep-sha256', wrapping = 'RSA_2048', more = {} }: ImportOptions = {},
): Promise<ActionCall> {
  const { publicKey, parameters } = await parametersFor(device, key, mechanism, wrapping);
  const wrapped = wrapLikeSource(publicKey, mechanism, material);
  return { action: 'import-key-material', args: { key, parameters, 'wrapped-key': wrapped, ...more } };
}

export async function importInto(
  device: Device,
  key: KeyRef,
  material: Uint8Array,
  options: ImportOptions = {},
): Promise<ActionResult> {
  return await device.perform(await importCall(device, key, material, options));
}
