import { describe, expect, it } from 'vitest';
import type { HttpRequest } from '../../../../../src/adapters/kms/simulator/kms-service.ts';
import { aKey, aKmsService, textOf } from '../../../../support/kms-service-client.ts';

const request = (fields: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'POST',
  path: '/',
  headers: { 'x-amz-target': 'TrentService.ListKeys', 'content-type': 'application/x-amz-json-1.1' },
  body: Buffer.from('{}'),
  ...fields,
});

describe('a response', () => {
  it('is JSON with a request id of its own', async () => {
    const { service } = await aKmsService();
    const [one, two] = [await service.respond(request()), await service.respond(request())];
    expect(one.status).toBe(200);
    expect(one.headers['content-type']).toBe('application/x-amz-json-1.1');
    expect(JSON.parse(textOf(one))).toEqual({ Keys: [], Truncated: false });
    expect(one.headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/);
    expect(two.headers['x-amzn-requestid']).not.toBe(one.headers['x-amzn-requestid']);
  });

  it('is empty where the API has no output', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    for (const [operation, input] of [
      ['CreateAlias', { AliasName: 'alias/a', TargetKeyId: KeyId }],
      ['TagResource', { KeyId, Tags: [{ TagKey: 'a', TagValue: '' }] }],
      ['UpdateKeyDescription', { KeyId, Description: '' }],
      ['DisableKey', { KeyId }],
    ] as const) {
      const response = await kms.send(operation, input);
      expect([operation, response.status, response.body.length]).toEqual([operation, 200, 0]);
    }
  });

  it('gives times as seconds', async () => {
    const kms = await aKmsService();
    kms.clock.nowMs += 36;
    const { KeyMetadata } = await kms.call('CreateKey');
    expect(KeyMetadata.CreationDate).toBe(kms.clock.nowMs / 1000);
  });
});

describe('a request that is no call', () => {
  const nameOf = async (fields: Partial<HttpRequest>): Promise<string> => {
    const { service } = await aKmsService();
    const response = await service.respond(request(fields));
    return `${response.status} ${JSON.parse(textOf(response)).__type}`;
  };
  const headers = (change: Record<string, string>) => ({ headers: { ...request().headers, ...change } });

  it.each([
    ['no target', { headers: { 'content-type': 'application/x-amz-json-1.1' } }],
    ['another service', headers({ 'x-amz-target': 'DynamoDB_20120810.ListTables' })],
    ['an operation that does not exist', headers({ 'x-amz-target': 'TrentService.StealKeys' })],
    ['a name of every object', headers({ 'x-amz-target': 'TrentService.constructor' })],
    ['GET', { method: 'GET' }],
    ['another path', { path: '/keys' }],
    ['another content type', headers({ 'content-type': 'text/plain' })],
  ])('%s: unknown operation', async (_what, fields) => {
    expect(await nameOf(fields)).toBe('400 UnknownOperationException');
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['null', 'null'],
    ['a number for a text', '{"Marker":1}'],
    ['a text for a number', '{"Limit":"1"}'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('%s: SerializationException', async (_what, body) => {
    expect(await nameOf({ body: Buffer.from(body) })).toBe('400 SerializationException');
  });

  it('an operation that is not simulated says so', async () => {
    expect(await nameOf(headers({ 'x-amz-target': 'TrentService.CreateCustomKeyStore' }))).toBe(
      '400 UnsupportedOperationException',
    );
  });

  it('an empty body stands for no input', async () => {
    const { service } = await aKmsService();
    expect((await service.respond(request({ body: Buffer.alloc(0) }))).status).toBe(200);
  });
});

describe('input that the service model forbids', () => {
  it.each([
    [
      'DescribeKey',
      {},
      "ValidationException: 1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null",
    ],
    [
      'ListKeys',
      { Limit: 1001 },
      "ValidationException: 1 validation error detected: Value '1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000",
    ],
    [
      'GetParametersForImport',
      { KeyId: 'x', WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_1024' },
      "ValidationException: 1 validation error detected: Value 'RSA_1024' at 'wrappingKeySpec' failed to satisfy constraint: Member must satisfy enum value set: [RSA_2048, RSA_3072, RSA_4096, SM2]",
    ],
    [
      'CreateAlias',
      { AliasName: 'alias/a b', TargetKeyId: 'x' },
      "ValidationException: 1 validation error detected: Value 'alias/a b' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
    ],
  ])('%s %j', async (operation, input, expected) => {
    expect(await (await aKmsService()).refusalText(operation, input)).toBe(expected);
  });

  it('is told all at once', async () => {
    const kms = await aKmsService();
    const text = await kms.refusalText('CreateKey', { KeySpec: 'X', Tags: [{ TagKey: '', TagValue: 'v' }] });
    expect(text).toContain('2 validation errors detected');
    expect(text).toContain("at 'keySpec'");
    expect(text).toContain("at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length greater");
  });

  it('never repeats bytes that may be secret', async () => {
    const kms = await aKmsService();
    const Plaintext = Buffer.alloc(5000, 'secret').toString('base64');
    const text = await kms.refusalText('Encrypt', { KeyId: 'x', Plaintext });
    expect(text).toContain(
      "at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
    );
    expect(text).not.toContain('c2Vjc');
  });

  it('base64 that is none is refused', async () => {
    const kms = await aKmsService();
    expect(await kms.refusal('Encrypt', { KeyId: 'x', Plaintext: 'not base64!' })).toBe('SerializationException');
  });
});
