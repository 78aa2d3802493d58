/**
 * A session over a port that calls every operation of the simulated AWS KMS as programs do that look through an account, use keys and take
 * care of them; every answer is held to the service's own model, and none is left out.
 */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type KmsServer, serveKms } from '../../src/adapters/kms/simulator/kms-server.ts';
import { type KmsService, openKmsService } from '../../src/adapters/kms/simulator/kms-service.ts';
import { OPERATIONS } from '../../src/adapters/kms/simulator/operations/operations.ts';
import { type Answer, base64, WRAPPING_KEY, wrapFor } from '../support/kms-service-client.ts';
import { answerProblems, operationOf } from '../support/kms-service-model.ts';

/** Refused whatever the request says, as docs/kms-simulator.md tells. */
const ALWAYS_REFUSED = ['ReplicateKey', 'UpdatePrimaryRegion'];

let service: KmsService;
let server: KmsServer;
const answered = new Set<string>();
const findings: string[] = [];

beforeAll(async () => {
  service = await openKmsService({
    ...{ stateDir: null, region: 'eu-west-1', signatures: 'off', wrappingKeys: [WRAPPING_KEY], poolSize: 1 },
  });
  server = await serveKms(service, { port: 0 });
});
afterAll(async () => {
  await server.close();
  await service.close();
});

async function send(operation: string, input: unknown): Promise<{ status: number; body: string }> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'x-amz-target': `TrentService.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify(input),
  });
  const body = await response.text();
  findings.push(...answerProblems(operation, response.status, body));
  if (response.headers.get('content-type') !== 'application/x-amz-json-1.1')
    findings.push(`${operation}: content type`);
  if (!/^[0-9a-f-]{36}$/.test(response.headers.get('x-amzn-requestid') ?? ''))
    findings.push(`${operation}: request id`);
  return { status: response.status, body };
}

/** Fails the test unless the answer is a success. */
async function call(operation: string, input: Answer = {}): Promise<Answer> {
  const { status, body } = await send(operation, input);
  if (status !== 200) throw new Error(`${operation}: ${body}`);
  answered.add(operation);
  return body === '' ? {} : (JSON.parse(body) as Answer);
}

async function refusal(operation: string, input: Answer): Promise<string> {
  const { status, body } = await send(operation, input);
  return status === 200 ? 'none' : (JSON.parse(body) as { __type: string }).__type;
}

const createKey = async (input: Answer = {}): Promise<string> => (await call('CreateKey', input)).KeyMetadata.KeyId;

/** An external key with material, as an administrator makes one. */
async function importedKey(material: Uint8Array, input: Answer = {}, more: Answer = {}): Promise<string> {
  const KeyId = await createKey({ Origin: 'EXTERNAL', ...input });
  await importInto(KeyId, material, more);
  return KeyId;
}

async function importInto(KeyId: string, material: Uint8Array, more: Answer = {}): Promise<Answer> {
  const isPrivate = material.length > 130;
  const WrappingAlgorithm = isPrivate ? 'RSA_AES_KEY_WRAP_SHA_256' : 'RSAES_OAEP_SHA_256';
  const way = { WrappingAlgorithm, WrappingKeySpec: 'RSA_2048' };
  const { ImportToken, PublicKey } = await call('GetParametersForImport', { KeyId, ...way });
  return await call('ImportKeyMaterial', {
    KeyId,
    ImportToken,
    EncryptedKeyMaterial: base64(wrapFor(PublicKey, WrappingAlgorithm, material)),
    ...(more.ValidTo === undefined ? { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } : {}),
    ...more,
  });
}

const ME = 'arn:aws:iam::123456789012:user/keyferry';
const hello = base64(Buffer.from('hello'));

it('answers every operation as its model says', async () => {
  const symmetric = await importedKey(randomBytes(32), {
    Description: 'payments é',
    Tags: [{ TagKey: 'run', TagValue: '' }],
  });
  const AliasName = 'alias/payments';
  await call('CreateAlias', { AliasName, TargetKeyId: symmetric });
  const { KeyMetadata } = await call('DescribeKey', { KeyId: AliasName });
  for (const KeyId of [symmetric, KeyMetadata.Arn, KeyMetadata.Arn.replace(`key/${symmetric}`, AliasName)])
    expect((await call('DescribeKey', { KeyId })).KeyMetadata.KeyId).toBe(symmetric);

  // Use of a symmetric key.
  const context = { EncryptionContext: { purpose: 'test' } };
  const { CiphertextBlob } = await call('Encrypt', { KeyId: AliasName, Plaintext: hello, ...context });
  expect((await call('Decrypt', { CiphertextBlob, ...context })).Plaintext).toBe(hello);
  const other = await createKey();
  const moving = { CiphertextBlob, SourceEncryptionContext: context.EncryptionContext, DestinationKeyId: other };
  await call('ReEncrypt', moving);
  await call('GenerateDataKey', { KeyId: symmetric, KeySpec: 'AES_256' });
  await call('GenerateDataKeyWithoutPlaintext', { KeyId: symmetric, NumberOfBytes: 64 });
  const pair = { KeyId: symmetric, KeyPairSpec: 'ECC_NIST_P256' };
  await call('GenerateDataKeyPair', pair);
  await call('GenerateDataKeyPairWithoutPlaintext', pair);
  await call('GenerateRandom', { NumberOfBytes: 32 });

  // Private keys and HMAC keys from outside.
  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const pkcs8 = ec.privateKey.export({ type: 'pkcs8', format: 'der' });
  const spki = base64(ec.publicKey.export({ type: 'spki', format: 'der' }));
  const signing = await importedKey(pkcs8, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  expect((await call('GetPublicKey', { KeyId: signing })).PublicKey).toBe(spki);
  const signed = { KeyId: signing, SigningAlgorithm: 'ECDSA_SHA_256', MessageType: 'DIGEST' };
  const Message = base64(createHash('sha256').update('hello').digest());
  const { Signature } = await call('Sign', { ...signed, Message });
  await call('Verify', { ...signed, Message, Signature });
  const agreeing = await importedKey(pkcs8, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' });
  await call('DeriveSharedSecret', { KeyId: agreeing, KeyAgreementAlgorithm: 'ECDH', PublicKey: spki });
  await call('GetPublicKey', { KeyId: agreeing });
  const hmac = await importedKey(randomBytes(64), { KeySpec: 'HMAC_512', KeyUsage: 'GENERATE_VERIFY_MAC' });
  const mac = { KeyId: hmac, Message: hello, MacAlgorithm: 'HMAC_SHA_512' };
  const { Mac } = await call('GenerateMac', mac);
  await call('VerifyMac', { ...mac, Mac });
  const rsa = await createKey({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT', MultiRegion: true });
  const oaep = { KeyId: rsa, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' };
  const sealed = await call('Encrypt', { ...oaep, Plaintext: hello });
  await call('Decrypt', { ...oaep, CiphertextBlob: sealed.CiphertextBlob });
  await call('GetPublicKey', { KeyId: rsa });

  // What programs ask in passing, with pages of one.
  for (const [operation, input] of [
    ['ListKeys', {}],
    ['ListAliases', {}],
    ['ListAliases', { KeyId: symmetric }],
    ['ListResourceTags', { KeyId: symmetric }],
    ['ListKeyPolicies', { KeyId: symmetric }],
    ['DescribeCustomKeyStores', {}],
  ] as const) {
    for (let Marker: string | undefined; ; ) {
      const page = await call(operation, { ...input, Limit: 1, ...(Marker === undefined ? {} : { Marker }) });
      if (page.Truncated === false) break;
      Marker = page.NextMarker;
    }
  }
  const { Policy, PolicyName } = await call('GetKeyPolicy', { KeyId: symmetric });
  await call('PutKeyPolicy', { KeyId: symmetric, Policy, PolicyName });

  // Care of keys.
  await call('TagResource', { KeyId: symmetric, Tags: [{ TagKey: 'stage', TagValue: 'test' }] });
  await call('UntagResource', { KeyId: symmetric, TagKeys: ['stage'] });
  await call('UpdateKeyDescription', { KeyId: symmetric, Description: '' });
  const grant = { KeyId: symmetric, GranteePrincipal: ME, RetiringPrincipal: ME, Operations: ['Decrypt'] };
  const Constraints = { EncryptionContextSubset: { purpose: 'test' } };
  const { GrantToken } = await call('CreateGrant', { ...grant, Name: 'job', Constraints });
  const { GrantId } = await call('CreateGrant', grant);
  await call('ListGrants', { KeyId: symmetric, Limit: 1 });
  await call('ListRetirableGrants', { RetiringPrincipal: ME });
  await call('RetireGrant', { GrantToken });
  await call('RevokeGrant', { KeyId: symmetric, GrantId });
  await call('EnableKeyRotation', { KeyId: other });
  await call('GetKeyRotationStatus', { KeyId: other });
  await call('DisableKeyRotation', { KeyId: other });
  for (const KeyId of [symmetric, other, hmac]) await call('GetKeyRotationStatus', { KeyId });
  const ValidTo = Math.floor(Date.now() / 1000) + 3600.5;
  const more = { ImportType: 'NEW_KEY_MATERIAL', KeyMaterialDescription: 'second', ValidTo };
  await importInto(symmetric, randomBytes(32), more);
  const everything = { KeyId: symmetric, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' };
  await call('ListKeyRotations', everything);
  await call('RotateKeyOnDemand', { KeyId: symmetric });
  await call('RotateKeyOnDemand', { KeyId: other });
  for (const KeyId of [symmetric, other]) await call('ListKeyRotations', { ...everything, KeyId });
  await call('DescribeKey', { KeyId: symmetric });
  await call('UpdateAlias', { AliasName, TargetKeyId: other });
  await call('DeleteAlias', { AliasName });
  await call('DisableKey', { KeyId: symmetric });
  await call('EnableKey', { KeyId: symmetric });
  for (const KeyId of [symmetric, signing]) await call('DeleteImportedKeyMaterial', { KeyId });
  await call('ListKeyRotations', everything);
  await call('ScheduleKeyDeletion', { KeyId: symmetric, PendingWindowInDays: 7 });
  await call('DescribeKey', { KeyId: symmetric });
  await call('CancelKeyDeletion', { KeyId: symmetric });

  expect(await refusal('ReplicateKey', { KeyId: rsa, ReplicaRegion: 'us-east-1' })).toBe(
    'UnsupportedOperationException',
  );
  expect(await refusal('UpdatePrimaryRegion', { KeyId: rsa, PrimaryRegion: 'us-east-1' })).toBe(
    'UnsupportedOperationException',
  );
  expect(await refusal('Encrypt', { KeyId: 'arn:aws:s3:::bucket', Plaintext: hello })).toBe('NotFoundException');
  expect(await refusal('CreateAlias', { AliasName, TargetKeyId: 'arn:aws:s3:::bucket' })).toBe('NotFoundException');

  expect(findings).toEqual([]);
  const left = [...OPERATIONS.keys()].filter((name) => !answered.has(name) && !ALWAYS_REFUSED.includes(name));
  expect(left).toEqual([]);
  expect([...answered].filter((name) => operationOf(name) === undefined)).toEqual([]);
});
