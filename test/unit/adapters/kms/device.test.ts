import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import type { KeyRecord } from '../../../../src/keys/key-record.ts';
import { ADAPTERS } from '../../../support/adapters.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  answering,
  createdKey,
  importInto,
  jsonAnswer,
  kmsContext,
  kmsSettings,
  openBentKms,
  openKms,
  refusal,
  sourceKey,
} from '../../../support/kms-device-fixtures.ts';

const SALT = new Uint8Array(16).fill(9);

async function inventory(device: Device, query: Parameters<Device['inventory']>[0] = {}): Promise<KeyRecord[]> {
  const all: KeyRecord[] = [];
  for await (const page of device.inventory(query)) all.push(...page);
  return all;
}

describe('a simulated account', () => {
  it('says what it is', async () => {
    const device = await openKms({
      account: '210987654321',
      region: 'us-east-1',
      quotas: { CreateKey: 50, ListKeys: 0 },
    });
    const described = await device.describe();
    expect(described).toMatchObject({ trust: 'simulated', serial: 'aws:210987654321:us-east-1' });
    expect(described).toMatchObject({ manufacturer: 'keyferry simulator', model: 'AWS KMS (simulated)' });
    expect(described.capabilities).toMatchObject({
      wrap: [],
      generate: [],
      unwrap: ['rsa-oaep-sha1', 'rsa-oaep-sha256', 'rsa-aes-kwp-sha1', 'rsa-aes-kwp-sha256'],
      fingerprints: ['mac', 'public-key'],
      rates: { CreateKey: 50, GetParametersForImport: 0.25 },
    });
    expect(described.capabilities.rates).not.toHaveProperty('ListKeys');
    await device.close();
  });

  it('is one adapter among others, without the SDK until it is opened', async () => {
    expect(ADAPTERS.kms?.drivers).toHaveProperty('aws');
    expect(ADAPTERS.kms?.actions).not.toHaveProperty('delete-key');
    const device = await ADAPTERS.kms?.open(kmsSettings(), kmsContext);
    expect((await device?.describe())?.adapter).toBe('kms');
    await device?.close();
  });

  it('knows its actions and no others', async () => {
    const device = await openKms();
    expect(await caught(device.perform({ action: 'wrap-key', args: {} }))).toMatchObject({ code: 'argument-invalid' });
    expect(await caught(device.expect({ action: 'describe-key', args: {} }, null))).toMatchObject({
      code: 'argument-invalid',
    });
    expect(await caught(device.reconcile({ action: 'describe-key', args: {} }, null))).toMatchObject({
      code: 'argument-invalid',
    });
    await device.close();
  });
});

describe('the inventory', () => {
  it('has every customer key with its state and no way out', async () => {
    const { device } = await openBentKms();
    const pending = await createdKey(device);
    const ready = await createdKey(device, { like: sourceKey({ label: 'ready' }) });
    await importInto(device, ready, new Uint8Array(32).fill(1));
    const leaving = await createdKey(device, { like: sourceKey({ label: 'leaving' }) });
    await device.perform({ action: 'schedule-deletion', args: { key: leaving } });
    const records = new Map((await inventory(device)).map((record) => [record.id, record]));
    expect(records.size).toBe(3);
    expect(records.get(pending.locator.id)).toMatchObject({
      label: 'payments-1',
      kcv: null,
      exportable: false,
      bits: 256,
    });
    expect(records.get(pending.locator.id)?.reason).toContain('pending import');
    expect(records.get(ready.locator.id)?.reason).toBe('keys never leave AWS KMS');
    expect(records.get(leaving.locator.id)?.reason).toMatch(/^pending deletion on \d{4}-\d{2}-\d{2}; keys never leave/);
    await device.close();
  });

  it('pages, filters by class and fingerprints what can be', async () => {
    const { device } = await openBentKms();
    for (let at = 0; at < 3; at += 1) await createdKey(device, { like: sourceKey({ label: `k${at}` }) });
    const mac = await createdKey(device, { like: sourceKey({ type: 'generic-secret', label: 'mac' }) });
    await importInto(device, mac, new Uint8Array(32).fill(2));
    const fingerprint = { salt: SALT, methods: ['mac', 'public-key'] as const };
    const records = await inventory(device, { classes: ['secret'], fingerprint });
    expect(records).toHaveLength(4);
    expect(records.filter(({ locator }) => locator.fingerprint !== null).map(({ id }) => id)).toEqual([mac.locator.id]);
    expect(await inventory(device, { classes: ['private'] })).toEqual([]);
    await device.close();
  });

  it('leaves out what cannot be described yet', async () => {
    const { device } = await openBentKms({ bend: answering('DescribeKey', refusal('NotFoundException'), 1) });
    await createdKey(device);
    expect(await inventory(device)).toEqual([]);
    expect(await inventory(device)).toHaveLength(1);
    await device.close();
  });

  it('rejects when the caller may not list', async () => {
    const { device } = await openBentKms({ bend: answering('ListKeys', refusal('AccessDeniedException')) });
    expect(await caught(inventory(device))).toMatchObject({ code: 'permission-missing', scope: 'run' });
    await device.close();
  });
});

it('has no challenges, no public key of a secret key, and no key that is gone', async () => {
  const { device } = await openBentKms();
  const key = await createdKey(device);
  const data = new Uint8Array(32);
  expect(await device.challenge({ key, kind: 'encrypt', data })).toBeNull();
  expect(await device.answer({ key, kind: 'encrypt', challenge: data, data })).toBeNull();
  expect(await caught(device.publicKey(key))).toMatchObject({ code: 'capability-missing' });
  const gone = { ...key, locator: { ...key.locator, id: '11111111-2222-4333-8444-555555555555' } };
  expect(await caught(device.read(gone))).toMatchObject({ code: 'key-not-found' });
  await device.close();
});

it.each([
  ['none', {}],
  ['bytes that are none', { PublicKey: 'AAAA' }],
])('says so when the answer to GetPublicKey has %s', async (_what, answer) => {
  const { device } = await openBentKms({ bend: answering('GetPublicKey', jsonAnswer(200, answer)) });
  const key = await createdKey(device, { like: undefined, spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' });
  const error = await caught(device.publicKey(key));
  expect(error).toMatchObject({ code: 'device-refused', device: 'account', outcome: 'not-applied' });
  expect(error.message).toContain('the answer has no public key in it');
  await device.close();
});

describe('the driver aws', () => {
  const opened: (() => void)[] = [];
  afterEach(() => {
    vi.unstubAllEnvs();
    for (const close of opened.splice(0)) close();
  });

  /** A host on this machine that answers every request so. */
  async function answeringHost(status: number, body: string, type: string): Promise<string> {
    const server = createServer((_request, response) => response.writeHead(status, { 'content-type': type }).end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** A host that has no keys, and answers these operations so. */
  async function kmsHost(answers: Readonly<Record<string, readonly [number, string]>>): Promise<string> {
    const server = createServer((request, response) => {
      const operation = `${request.headers['x-amz-target']}`.replace('TrentService.', '');
      const [status, body] = answers[operation] ?? [400, '{"__type":"NotFoundException"}'];
      response.writeHead(status, { 'content-type': JSON_TYPE }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const open = (endpoint: string, more: Readonly<Record<string, unknown>> = {}) => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'TEST');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    const values = { region: 'eu-west-1', endpoint, ...more };
    return ADAPTERS.kms?.open(kmsSettings(values, 'aws'), kmsContext) ?? Promise.reject(new Error('no adapter'));
  };

  const JSON_TYPE = 'application/x-amz-json-1.1';
  const aliases = (region: string) =>
    JSON.stringify({
      Aliases: [{ AliasName: 'alias/aws/ebs', AliasArn: `arn:aws:kms:${region}:210987654321:alias/aws/ebs` }],
      Truncated: false,
    });

  it('names the profile that gives no credentials, and lets the SDK write nothing on the console', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
    const host = await answeringHost(200, aliases('eu-west-1'), JSON_TYPE);
    expect(await caught(open(host, { profile: 'nobody' }))).toMatchObject({
      code: 'credentials-refused',
      message: expect.stringContaining('(profile nobody, region eu-west-1)'),
    });
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  it('counts an endpoint that is not AWS as software, and reads the account from it', async () => {
    const device = await open(await answeringHost(200, aliases('eu-west-1'), JSON_TYPE));
    expect(await device.describe()).toMatchObject({
      trust: 'software',
      serial: 'aws:210987654321:eu-west-1',
      manufacturer: 'unknown',
      model: 'service with the API of AWS KMS, not of Amazon',
      firmware: '',
    });
    await device.close();
  });

  it('does without an account, and takes one from the devices file', async () => {
    const host = await kmsHost({ ListAliases: [200, '{"Aliases":[],"Truncated":false}'] });
    const device = await open(host);
    expect(await device.describe()).toMatchObject({
      serial: 'aws:unknown:eu-west-1',
      label: expect.stringContaining('account:'),
    });
    await device.close();
    const told = await open(host, { account: '123456789012' });
    expect((await told.describe()).serial).toBe('aws:123456789012:eu-west-1');
    await told.close();
  });

  it('says when what answers is another region', async () => {
    const error = await caught(open(await answeringHost(200, aliases('us-east-1'), JSON_TYPE)));
    expect(error).toMatchObject({ code: 'devices-invalid' });
    expect(error.message).toMatch(/us-east-1.*eu-west-1/);
  });

  it('says so before it asks, where the endpoint names another region', async () => {
    const error = await caught(open('https://kms.us-east-1.amazonaws.com'));
    expect(error).toMatchObject({ code: 'devices-invalid' });
  });

  it.each([
    [200, '<html>welcome</html>', 'text/html'],
    [502, '<html>bad gateway</html>', 'text/html'],
    [200, '{}', 'application/json'],
    [200, '', 'text/plain'],
    [404, '{"message":"Not Found"}', 'application/json'],
    [302, '', 'text/plain'],
    [400, '{"__type":"UnknownOperationException"}', 'application/x-amz-json-1.0'],
  ])('says when what answers is not KMS: %i', async (status, body, type) => {
    const host = await answeringHost(status, body, type);
    const error = await caught(open(host));
    expect(error).toMatchObject({ code: 'device-unreachable', outcome: 'not-applied' });
    expect(error.message).toContain('is not AWS KMS');
    expect(error.message).toContain(new URL(host).host);
  });

  it('says when nobody answers', async () => {
    const error = await caught(open('http://127.0.0.1:1'));
    expect(error).toMatchObject({ code: 'device-unreachable', native: { name: 'ECONNREFUSED' } });
  });

  it('says when the credentials are refused', async () => {
    const body =
      '{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}';
    const error = await caught(open(await answeringHost(400, body, JSON_TYPE)));
    expect(error).toMatchObject({
      code: 'credentials-refused',
      scope: 'run',
      native: { name: 'UnrecognizedClientException' },
    });
    expect(error.hint).toContain('credentials');
  });

  it('says which permission is missing', async () => {
    const body = '{"__type":"AccessDeniedException","Message":"no"}';
    const error = await caught(open(await answeringHost(400, body, JSON_TYPE)));
    expect(error).toMatchObject({ code: 'permission-missing', hint: expect.stringContaining('kms:ListAliases') });
  });

  it('goes on without ListAliases where the rest is KMS: a plan says what lacks', async () => {
    const denied = [400, '{"__type":"AccessDeniedException"}'] as const;
    const host = await kmsHost({ ListAliases: denied, ListKeys: [200, '{"Keys":[]}'] });
    const device = await open(host, { account: '123456789012' });
    expect((await device.describe()).serial).toBe('aws:123456789012:eu-west-1');
    const [findings] = await device.preview('create-key', [{ like: sourceKey() }], new Uint8Array(32));
    expect(findings).toEqual([{ level: 'block', reason: expect.stringContaining('lacks kms:ListAliases') }]);
    await device.close();
  });

  it('does not take another account for the one in the devices file', async () => {
    const host = await answeringHost(200, aliases('eu-west-1'), JSON_TYPE);
    const error = await caught(open(host, { account: '123456789012' }));
    expect(error).toMatchObject({ code: 'devices-invalid' });
    expect(error.message).toMatch(/210987654321.*123456789012/);
  });

  it('finds the account behind the first page of aliases', async () => {
    const pages = ['{"Aliases":[{"AliasName":"alias/a"}],"Truncated":true,"NextMarker":"1"}', aliases('eu-west-1')];
    const server = createServer((request, response) => {
      const isAliases = request.headers['x-amz-target'] === 'TrentService.ListAliases';
      response.writeHead(isAliases ? 200 : 400, { 'content-type': JSON_TYPE });
      response.end(isAliases ? pages.shift() : '{"__type":"NotFoundException"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(() => server.close());
    const device = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect((await device.describe()).serial).toBe('aws:210987654321:eu-west-1');
    await device.close();
  });

  it('reads the region from a refusal too', async () => {
    const text = "Key 'arn:aws:kms:us-east-1:210987654321:key/0' does not exist";
    const host = await kmsHost({
      ListAliases: [200, '{"Aliases":[]}'],
      DescribeKey: [404, JSON.stringify({ __type: 'NotFoundException', message: text })],
    });
    expect(await caught(open(host))).toMatchObject({ code: 'devices-invalid' });
  });

  it.each(['http://', 'https://host:99999'])('refuses what is no address: %s', async (endpoint) => {
    expect(await caught(open(endpoint))).toMatchObject({ code: 'devices-invalid' });
  });

  it.each([
    ['GenerateMac', ['public-key']],
    ['GetPublicKey', ['mac']],
  ])('offers no comparison that the endpoint cannot do: %s', async (operation, left) => {
    const host = await kmsHost({
      ListAliases: [200, '{"Aliases":[]}'],
      [operation]: [400, '{"__type":"UnsupportedOperationException"}'],
    });
    const device = await open(host);
    expect((await device.describe()).capabilities.fingerprints).toEqual(left);
    await device.close();
  });
});
