/** A client of the simulated AWS KMS, for tests: operations by name, refusals by name, and key material wrapped as a client must. */
import {
  constants,
  createCipheriv,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import {
  type HttpResponse,
  type KmsService,
  type KmsServiceOptions,
  openKmsService,
} from '../../src/adapters/kms/simulator/kms-service.ts';
import { answerProblems } from './kms-service-model.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by the tests, field by field
export type Answer = Record<string, any>;

export interface KmsUnderTest {
  readonly service: KmsService;
  /** Rejects unless the answer is 200. */
  call(operation: string, input?: unknown): Promise<Answer>;
  /** The error's name; `none` when there is none. */
  refusal(operation: string, input?: unknown): Promise<string>;
  /** The error's name and text. */
  refusalText(operation: string, input?: unknown): Promise<string>;
  send(operation: string, input?: unknown): Promise<HttpResponse>;
  /** Milliseconds since the epoch; tests set it. */
  clock: { nowMs: number };
}

/** Made once for each test file: generation takes its time. */
export const WRAPPING_KEY = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

export const START_MS = Date.UTC(2026, 10, 22, 8, 0, 0);

export async function aKmsService(options: Partial<KmsServiceOptions> = {}): Promise<KmsUnderTest> {
  const clock = { nowMs: START_MS };
  const service = await openKmsService({
    ...{ stateDir: null, region: 'eu-west-1', signatures: 'off', wrappingKeys: [WRAPPING_KEY], poolSize: 1 },
    clock: () => clock.nowMs,
    ...options,
  });
  const send = async (operation: string, input: unknown = {}): Promise<HttpResponse> => {
    const response = await service.respond({
      method: 'POST',
      path: '/',
      headers: { 'x-amz-target': `TrentService.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
      body: Buffer.from(JSON.stringify(input)),
    });
    // Whatever a test is about, no answer may be other than the service's own model says.
    const problems = answerProblems(operation, response.status, textOf(response));
    if (problems.length > 0) throw new Error(`against the service model: ${problems.join('; ')}`);
    return response;
  };
  const refused = async (operation: string, input: unknown): Promise<{ __type: string; message?: string } | null> => {
    const response = await send(operation, input);
    return response.status === 200 ? null : JSON.parse(textOf(response));
  };
  return {
    service,
    clock,
    send,
    call: async (operation, input) => {
      const response = await send(operation, input);
      if (response.status !== 200) throw new Error(`${operation}: ${textOf(response)}`);
      return textOf(response) === '' ? {} : JSON.parse(textOf(response));
    },
    refusal: async (operation, input) => (await refused(operation, input))?.__type ?? 'none',
    refusalText: async (operation, input) => {
      const error = await refused(operation, input);
      return error === null ? 'none' : `${error.__type}: ${error.message ?? ''}`;
    },
  };
}

export const textOf = ({ body }: HttpResponse): string => Buffer.from(body).toString('utf8');
export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

export async function aKey(kms: KmsUnderTest, input: unknown = {}): Promise<string> {
  return (await kms.call('CreateKey', input)).KeyMetadata.KeyId;
}

export const anExternalKey = (kms: KmsUnderTest, input: Answer = {}): Promise<string> =>
  aKey(kms, { Origin: 'EXTERNAL', ...input });

export const stateOf = async (kms: KmsUnderTest, KeyId: string): Promise<string> =>
  (await kms.call('DescribeKey', { KeyId })).KeyMetadata.KeyState;

export interface Parameters {
  readonly algorithm: string;
  readonly spec: string;
}

export const OAEP_SHA_256: Parameters = { algorithm: 'RSAES_OAEP_SHA_256', spec: 'RSA_2048' };
export const HYBRID_SHA_256: Parameters = { algorithm: 'RSA_AES_KEY_WRAP_SHA_256', spec: 'RSA_2048' };

export const parametersFor = (kms: KmsUnderTest, KeyId: string, { algorithm, spec }: Parameters): Promise<Answer> =>
  kms.call('GetParametersForImport', { KeyId, WrappingAlgorithm: algorithm, WrappingKeySpec: spec });

/** Wraps as the API reference says, with node:crypto alone. */
export function wrapFor(publicKey: string, algorithm: string, material: Uint8Array): Buffer {
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  const hash = algorithm.endsWith('SHA_256') ? 'sha256' : 'sha1';
  if (!algorithm.startsWith('RSA_AES')) return oaep(key, hash, material);
  const ephemeral = randomBytes(32);
  const cipher = createCipheriv('id-aes256-wrap-pad', ephemeral, Buffer.from('a65959a6', 'hex'));
  return Buffer.concat([oaep(key, hash, ephemeral), cipher.update(material), cipher.final()]);
}

const oaep = (key: KeyObject, oaepHash: string, data: Uint8Array): Buffer =>
  publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, data);

/** The input of an ImportKeyMaterial with fresh parameters; without expiry unless `more` says otherwise. */
export async function importInput(
  kms: KmsUnderTest,
  KeyId: string,
  material: Uint8Array,
  { parameters = OAEP_SHA_256, more = {} }: { readonly parameters?: Parameters; readonly more?: Answer } = {},
): Promise<Answer> {
  const { PublicKey, ImportToken } = await parametersFor(kms, KeyId, parameters);
  const EncryptedKeyMaterial = base64(wrapFor(PublicKey, parameters.algorithm, material));
  const expiry = more.ValidTo === undefined ? { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } : {};
  return { KeyId, ImportToken, EncryptedKeyMaterial, ...expiry, ...more };
}

export async function anImportedKey(kms: KmsUnderTest, material: Uint8Array = randomBytes(32)): Promise<string> {
  const id = await anExternalKey(kms);
  await kms.call('ImportKeyMaterial', await importInput(kms, id, material));
  return id;
}
