import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, PROBE_MESSAGE } from '../../../../src/keys/fingerprint.ts';
import { ImportParameters } from '../../../../src/keys/import-parameters.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  answering,
  create,
  createdKey,
  dropping,
  importCall,
  importInto,
  losing,
  openBentKms,
  parametersFor,
  refusal,
  sourceKey,
  wrapLikeSource,
} from '../../../support/kms-device-fixtures.ts';

const AES = randomBytes(32);
const SALT = new Uint8Array(16).fill(3);
const pkcs8 = (key: KeyObject) => new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

describe('import-key-material', () => {
  it('brings an AES key in, ready for use', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    const { outputs, violations } = await importInto(device, key, AES);
    expect(violations).toEqual([]);
    expect(outputs.key_material_id).toMatch(/^[0-9a-f]{64}$/);
    const described = await device.perform({ action: 'describe-key', args: { key } });
    expect(described.outputs).toMatchObject({
      enabled: true,
      expires: '',
      key_material_id: outputs.key_material_id,
    });
    await device.close();
  });

  it.each([
    ['rsa-oaep-sha1', 'RSA_2048'],
    ['rsa-oaep-sha256', 'RSA_3072'],
  ])('by %s under %s', async (mechanism, wrapping) => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    const { violations } = await importInto(device, key, AES, { mechanism, wrapping });
    expect(violations).toEqual([]);
    await device.close();
  });

  it.each([
    ['P-256 by OAEP', ec('P-256'), 256, 'rsa-oaep-sha256', 'RSA_2048'],
    ['P-384 by the hybrid', ec('P-384'), 384, 'rsa-aes-kwp-sha256', 'RSA_2048'],
    ['P-521 under a larger key', ec('P-521'), 521, 'rsa-oaep-sha1', 'RSA_3072'],
    ['RSA by the hybrid', rsa, 2048, 'rsa-aes-kwp-sha1', 'RSA_2048'],
  ])('%s: the public key is that of the source', async (_name, secret, bits, mechanism, wrapping) => {
    const { device } = await openBentKms();
    const type = secret.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec';
    const like = sourceKey({ type, class: 'private', bits, attributes: { sign: true } });
    const key = await createdKey(device, { like });
    const { violations } = await importInto(device, key, pkcs8(secret), { mechanism, wrapping });
    expect(violations).toEqual([]);
    const spki = createPublicKey(secret).export({ type: 'spki', format: 'der' });
    expect(Buffer.compare(await device.publicKey(key), spki)).toBe(0);
    const methods = ['mac', 'public-key'] as const;
    expect(await device.fingerprint({ key, salt: SALT, methods })).toEqual(fingerprintOf('public-key', SALT, spki));
    await device.close();
  });

  it('an HMAC key answers with the MAC of its source', async () => {
    const { device } = await openBentKms();
    const secret = randomBytes(32);
    const key = await createdKey(device, { like: sourceKey({ type: 'generic-secret', bits: 256 }) });
    expect((await importInto(device, key, secret)).violations).toEqual([]);
    const made = createHmac('sha256', secret).update(PROBE_MESSAGE).digest();
    const found = await device.fingerprint({ key, salt: SALT, methods: ['encrypt-ecb', 'mac'] });
    expect(found).toEqual(fingerprintOf('mac', SALT, made));
    await device.close();
  });

  it('an AES key has no fingerprint', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    await importInto(device, key, AES);
    expect(await device.fingerprint({ key, salt: SALT, methods: ['encrypt-ecb', 'mac', 'public-key'] })).toBeNull();
    await device.close();
  });

  it('sets the expiry and the description, and reads the expiry back', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    const more = { expires: '30d', description: 'from the partition' };
    expect((await importInto(device, key, AES, { more })).violations).toEqual([]);
    const { outputs } = await device.perform({ action: 'describe-key', args: { key } });
    const days = (Date.parse(String(outputs.expires)) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29.99);
    expect(days).toBeLessThanOrEqual(30);
    await device.close();
  });

  it.each([
    [{ expires: '0d' }, /at most 365 days/],
    [{ expires: '400d' }, /at most 365 days/],
    [{ expires: '2020-01-01T00:00:00Z' }, /past/],
    [{ expires: 'tomorrow' }, /write 90d/],
    [{ description: 'a*b' }, /description of key material/],
  ])('blocks %j in the plan', async (args, reason) => {
    const { device } = await openBentKms();
    const [found = []] = await device.preview('import-key-material', [args], null);
    expect(found).toEqual([{ level: 'block', reason: expect.stringMatching(reason) }]);
    await device.close();
  });
});

describe('what is refused before anything is sent', () => {
  const broken = async (change: (args: Record<string, unknown>) => void | Promise<void>) => {
    const { device, sent } = await openBentKms();
    const key = await createdKey(device);
    const call = await importCall(device, key, AES);
    const args = { ...call.args };
    await change(args);
    const error = await caught(device.perform({ ...call, args }));
    expect(sent).not.toContain('ImportKeyMaterial');
    expect(error.outcome).toBe('not-applied');
    await device.close();
    return error;
  };
  const bytesInstead = (bytes: Uint8Array) => (args: Record<string, unknown>) => {
    args['wrapped-key'] = { kind: 'wrapped-key', mechanism: 'rsa-oaep-sha256', bytes, payload: null };
  };

  it('parameters of another key', async () => {
    const error = await broken((args) => {
      const given = args.parameters as ImportParameters;
      args.parameters = new ImportParameters({ ...given, token: given.token(), keyId: 'another' });
    });
    expect(error).toMatchObject({ code: 'argument-invalid' });
    expect(error.message).toContain('for the key another');
  });

  it('parameters that end in four minutes, as something to be made anew', async () => {
    const error = await broken((args) => {
      const given = args.parameters as ImportParameters;
      args.parameters = new ImportParameters({ ...given, token: given.token(), validUntilMs: Date.now() + 240_000 });
    });
    expect(error).toMatchObject({ code: 'import-parameters-expired', scope: 'transient' });
  });

  it('a key wrapped with another mechanism', async () => {
    const error = await broken((args) => {
      args['wrapped-key'] = {
        kind: 'wrapped-key',
        mechanism: 'rsa-oaep-sha1',
        bytes: new Uint8Array(256),
        payload: null,
      };
    });
    expect(error.message).toContain('rsa-oaep-sha1');
  });

  it.each([
    ['AES-128', { class: 'secret', type: 'aes', bits: 128 }, /AES-128/],
    ['a private key', { class: 'private', type: 'rsa', bits: 2048 }, /cannot become/],
  ])('a wrapped key of %s', async (_name, payload, reason) => {
    const error = await broken((args) => {
      args['wrapped-key'] = { kind: 'wrapped-key', mechanism: 'rsa-oaep-sha256', bytes: new Uint8Array(256), payload };
    });
    expect(error.message).toMatch(reason);
  });

  it.each([
    ['hex', Buffer.from('ab'.repeat(256)), /look like hex text/],
    ['base64', Buffer.from('q8/+'.repeat(80)), /look like base64 text/],
    ['PEM', Buffer.from('-----BEGIN X-----'), /look like PEM/],
    ['another length', new Uint8Array(255), /has 255 bytes; /],
  ])('%s', async (_name, bytes, reason) => {
    expect((await broken(bytesInstead(bytes))).message).toMatch(reason);
  });

  it('what is no wrapped key, no parameters', async () => {
    const noKey = await broken((args) => {
      args['wrapped-key'] = 'text';
    });
    expect(noKey).toMatchObject({ code: 'argument-invalid' });
    const noParameters = await broken((args) => {
      args.parameters = { token: 1 };
    });
    expect(noParameters).toMatchObject({ code: 'argument-invalid' });
  });
});

describe('what KMS refuses', () => {
  it('other material than the first', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    await importInto(device, key, AES);
    const error = await caught(importInto(device, key, randomBytes(32)));
    expect(error).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
    expect(error.hint).toContain('new KMS key');
    await device.close();
  });

  it('what was wrapped under another key: likely causes are named', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    const first = await parametersFor(device, key);
    const { parameters } = await parametersFor(device, key);
    const wrapped = wrapLikeSource(first.publicKey, 'rsa-oaep-sha256', AES);
    const error = await caught(
      device.perform({ action: 'import-key-material', args: { key, parameters, 'wrapped-key': wrapped } }),
    );
    expect(error).toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
      native: { name: 'InvalidCiphertextException' },
    });
    expect(error.hint).toMatch(/MGF1.*PKCS#8/);
    await device.close();
  });

  it('a token that was used, as something to be made anew', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    const call = await importCall(device, key, AES);
    await device.perform(call);
    const error = await caught(device.perform(call));
    expect(error).toMatchObject({ code: 'import-parameters-expired', scope: 'transient', outcome: 'not-applied' });
    await device.close();
  });

  it.each([
    'ExpiredImportTokenException',
    'InvalidImportTokenException',
    'ValidationException',
    'IncorrectKeyMaterialException',
  ])('%s: no token, no ciphertext in the error, whatever the service says', async (name) => {
    let leak = '';
    const { device } = await openBentKms({
      bend: async (operation) => (operation === 'ImportKeyMaterial' ? refusal(name, `Value '${leak}' is wrong`) : null),
    });
    const key = await createdKey(device);
    const call = await importCall(device, key, AES);
    const token = Buffer.from((call.args.parameters as ImportParameters).token()).toString('base64');
    const blob = Buffer.from((call.args['wrapped-key'] as { bytes: Uint8Array }).bytes).toString('base64');
    leak = `${token} ${blob}`;
    const error = await caught(device.perform(call));
    const shown = `${JSON.stringify(error.toRecord())} ${inspect(error, { depth: 9, showHidden: true })}`;
    expect(shown).not.toContain(token.slice(0, 24));
    expect(shown).not.toContain(blob.slice(0, 24));
    await device.close();
  });
});

describe('an answer to ImportKeyMaterial that never comes', () => {
  it('landed: the key is enabled, and it was sent once', async () => {
    const { device, sent } = await openBentKms({ bend: losing('ImportKeyMaterial') });
    const key = await createdKey(device);
    const call = await importCall(device, key, AES);
    expect(await caught(device.perform(call))).toMatchObject({ code: 'outcome-unknown', outcome: 'unknown' });
    expect(sent.filter((operation) => operation === 'ImportKeyMaterial')).toHaveLength(1);
    expect(await device.reconcile(call, null)).toMatchObject({
      state: 'done',
      violations: [],
      outputs: { key: { locator: key.locator }, key_material_id: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    await device.close();
  });

  it('did not land: the key is still pending, and the same call works', async () => {
    const { device } = await openBentKms({ bend: dropping('ImportKeyMaterial') });
    const key = await createdKey(device);
    const call = await importCall(device, key, AES);
    expect(await caught(device.perform(call))).toMatchObject({ outcome: 'unknown' });
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    expect((await device.perform(call)).violations).toEqual([]);
    await device.close();
  });

  it('of a renewal: told by the expiry', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    await importInto(device, key, AES, { more: { expires: '1h' } });
    const renewal = { action: 'import-key-material', args: { key, expires: '90d' } };
    expect(await device.reconcile(renewal, null)).toEqual({ state: 'absent' });
    await importInto(device, key, AES, { more: { expires: '90d' } });
    expect(await device.reconcile(renewal, null)).toMatchObject({ state: 'done' });
    expect(await device.reconcile({ ...renewal, args: { key } }, null)).toEqual({ state: 'absent' });
    await device.close();
  });

  it('is ambiguous for a key that is pending deletion', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    await device.perform({ action: 'schedule-deletion', args: { key } });
    const { state } = await device.reconcile({ action: 'import-key-material', args: { key } }, null);
    expect(state).toBe('ambiguous');
    await device.close();
  });
});

it('waits through stale reads after the import, and tells a key that stays pending', async () => {
  const stale = [{ operation: 'ImportKeyMaterial', kind: 'stale', reads: 2, isFlipping: true }] as const;
  const patient = await openBentKms({ service: { faults: { faults: stale } } });
  const key = await createdKey(patient.device);
  expect((await importInto(patient.device, key, AES)).violations).toEqual([]);
  await patient.device.close();

  const { device } = await openBentKms({
    bend: answering('ImportKeyMaterial', { status: 200, headers: {}, body: Buffer.from('{}') }),
  });
  const pending = await createdKey(device);
  const { violations } = await importInto(device, pending, AES);
  expect(violations).toMatchObject([{ code: 'attribute-mismatch', message: expect.stringContaining('PendingImport') }]);
  await device.close();
});

describe('get-import-parameters', () => {
  it('gives the key, the token and how long they hold', async () => {
    const { device, sent } = await openBentKms();
    const key = await createdKey(device);
    const args = { key, mechanism: 'rsa-oaep-sha1', 'wrapping-key-spec': 'RSA_3072' };
    const { outputs } = await device.perform({ action: 'get-import-parameters', args });
    expect(createPublicKey((outputs.public_key as { pem: string }).pem).asymmetricKeyDetails?.modulusLength).toBe(3072);
    expect(outputs.parameters).toMatchObject({
      keyId: key.locator.id,
      mechanism: 'rsa-oaep-sha1',
      spkiSha256: outputs.spki_sha256,
    });
    expect(Date.parse(String(outputs.valid_until)) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    expect(JSON.stringify(outputs)).not.toContain(
      Buffer.from((outputs.parameters as ImportParameters).token())
        .toString('base64')
        .slice(0, 24),
    );
    expect(sent.filter((operation) => operation === 'GetParametersForImport')).toHaveLength(1);
    await device.close();
  });

  it.each([
    [sourceKey(), 'rsa-aes-kwp-sha256', 'RSA_2048', /private keys only/],
    [sourceKey({ type: 'rsa', class: 'private', bits: 2048 }), 'rsa-oaep-sha256', 'RSA_4096', /longer than RSA-OAEP/],
    [sourceKey({ type: 'ec', class: 'private', bits: 521 }), 'rsa-oaep-sha1', 'RSA_2048', /does not fit/],
  ])('blocks a route that KMS does not have', async (like, mechanism, wrapping, reason) => {
    const { device } = await openBentKms();
    const calls = [{ like, mechanism, 'wrapping-key-spec': wrapping }];
    const [found = []] = await device.preview('get-import-parameters', calls, null);
    expect(found).toEqual([{ level: 'block', reason: expect.stringMatching(reason) }]);
    await device.close();
  });

  it('spends no quota on a route that KMS does not have', async () => {
    const { device, sent } = await openBentKms();
    const key = await createdKey(device);
    expect(await caught(parametersFor(device, key, 'rsa-aes-kwp-sha1'))).toMatchObject({ code: 'capability-missing' });
    expect(await caught(parametersFor(device, key, 'rsa-pkcs1'))).toMatchObject({ code: 'argument-invalid' });
    expect(await caught(parametersFor(device, key, 'rsa-oaep-sha1', 'RSA_1024'))).toMatchObject({
      code: 'argument-invalid',
    });
    expect(sent).not.toContain('GetParametersForImport');
    await device.close();
  });

  it.each([
    ['ThrottlingException', 'device-busy', 'transient'],
    ['AccessDeniedException', 'permission-missing', 'item'],
  ])('is asked once: %s', async (name, code, scope) => {
    const { device, sent } = await openBentKms({ bend: answering('GetParametersForImport', refusal(name)) });
    const key = await createdKey(device);
    expect(await caught(parametersFor(device, key))).toMatchObject({ code, scope, outcome: 'not-applied' });
    expect(sent.filter((operation) => operation === 'GetParametersForImport')).toHaveLength(1);
    await device.close();
  });

  it('waits for a key that is not seen everywhere yet', async () => {
    const { device } = await openBentKms({
      service: { faults: { faults: [{ operation: 'CreateKey', kind: 'stale', reads: 3 }] } },
    });
    const { outputs } = await create(device, 'create-key', { like: sourceKey() });
    expect((await parametersFor(device, outputs.key as never)).parameters.mechanism).toBe('rsa-oaep-sha256');
    await device.close();
  });
});
