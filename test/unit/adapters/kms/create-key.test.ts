import { describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import { KeyferryError } from '../../../../src/errors/keyferry-error.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { labelText } from '../../../../src/keys/locator.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  answering,
  create,
  createdKey,
  dropping,
  importInto,
  losing,
  openBentKms,
  refusal,
  sourceKey,
} from '../../../support/kms-device-fixtures.ts';

const AES = new Uint8Array(32).fill(5);

async function keysOf(device: Device): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of device.inventory({})) ids.push(...page.map(({ id }) => id));
  return ids;
}

async function findings(device: Device, args: Readonly<Record<string, unknown>>) {
  const [found = []] = await device.preview('create-key', [args], null);
  return found.map(({ level, reason }) => `${level}: ${reason}`);
}

const RSA = sourceKey({ type: 'rsa', class: 'private', bits: 3072, attributes: { sign: true } });

describe('create-key', () => {
  it('makes the key that the source needs, marked for its source', async () => {
    const { device, sent } = await openBentKms();
    const { outputs, violations } = await create(device, 'create-key', {
      like: RSA,
      tags: { team: 'payments' },
    });
    expect(violations).toEqual([]);
    expect(outputs.arn).toMatch(/^arn:aws:kms:eu-west-1:\d{12}:key\//);
    const key = outputs.key as KeyRef;
    expect(key.locator).toMatchObject({ class: 'private', type: 'rsa' });
    expect(labelText(key.locator.label)).toBe('payments-1');
    const described = await device.perform({ action: 'describe-key', args: { key } });
    expect(described.outputs).toMatchObject({
      state: 'PendingImport',
      spec: 'RSA_3072',
      usage: 'SIGN_VERIFY',
      origin: 'EXTERNAL',
      description: 'payments-1',
    });
    expect(sent.filter((operation) => operation === 'CreateKey')).toHaveLength(1);
    await device.close();
  });

  it.each([
    ['AES-128', sourceKey({ bits: 128 }), /AES-128 has no counterpart/],
    ['AES-192', sourceKey({ bits: 192 }), /AES-192 has no counterpart/],
    ['triple DES', sourceKey({ type: 'des3', bits: 192 }), /triple DES/],
    ['an odd secret', sourceKey({ type: 'generic-secret', bits: 264 }), /no HMAC spec follows from a secret of 264/],
    ['RSA-1024', sourceKey({ type: 'rsa', class: 'private', bits: 1024 }), /no RSA key of 1024/],
    ['an unknown curve', sourceKey({ type: 'ec', class: 'private', bits: 0 }), /curve/],
    ['a public key', sourceKey({ type: 'rsa', class: 'public', bits: 2048 }), /not public ones/],
    ['another type', sourceKey({ type: 'other', bits: 0 }), /does not know/],
    [
      'RSA for two uses',
      sourceKey({ type: 'rsa', class: 'private', bits: 2048, attributes: { sign: true, decrypt: true } }),
      /usage:/,
    ],
  ])('blocks %s in the plan and refuses it in the run', async (_name, like, reason) => {
    const { device, sent } = await openBentKms();
    const [found] = await findings(device, { like });
    expect(found).toMatch(/^block: /);
    expect(found).toMatch(reason);
    const error = await caught(device.perform({ action: 'create-key', args: { like } }));
    expect(error).toMatchObject({ code: 'argument-invalid', outcome: 'not-applied' });
    expect(sent).not.toContain('CreateKey');
    await device.close();
  });

  it.each([
    ['a spec that does not fit', { spec: 'HMAC_256' }, /cannot become HMAC_256/],
    ['a usage that does not fit', { usage: 'SIGN_VERIFY' }, /cannot be for SIGN_VERIFY/],
    ['a reserved tag', { tags: { 'aws:x': '1' } }, /aws: is reserved/],
    ['an own tag', { tags: { 'keyferry:source': '1' } }, /keyferry: is its own/],
    ['a tag value that is none', { tags: { a: '<b>' } }, /no tag can hold/],
    ['an alias of AWS', { alias: 'alias/aws/mine' }, /alias/],
    ['both policies', { policy: { Statement: [] }, users: ['arn:aws:iam::123456789012:role/x'] }, /not both/],
    ['what is no ARN', { users: ['payments'] }, /no ARN of a principal/],
    [
      'a policy that locks its author out',
      {
        policy: {
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: 'arn:aws:iam::123456789012:role/x' },
              Action: 'kms:Encrypt',
              Resource: '*',
            },
          ],
        },
      },
      /lock its author out/,
    ],
  ])('blocks %s', async (_name, more, reason) => {
    const { device } = await openBentKms();
    const [found] = await findings(device, { like: sourceKey(), ...more });
    expect(found).toMatch(/^block: /);
    expect(found).toMatch(reason);
    await device.close();
  });

  it('notes what it guessed', async () => {
    const { device } = await openBentKms();
    const like = sourceKey({ type: 'ec', class: 'private', bits: 256, attributes: { sign: true } });
    expect(await findings(device, { like })).toEqual([expect.stringMatching(/^note: taken for a key on P-256/)]);
    await device.close();
  });

  it.each([
    ['P-256', 256, 'ECC_NIST_P256'],
    ['P-384', 384, 'ECC_NIST_P384'],
    ['P-521', 521, 'ECC_NIST_P521'],
    ['secp256k1', 256, 'ECC_SECG_P256K1'],
  ] as const)('takes the spec from the curve %s where the source names it', async (curve, bits, spec) => {
    const { device } = await openBentKms();
    const like = sourceKey({ type: 'ec', class: 'private', bits, curve, attributes: { sign: true } });
    expect(await findings(device, { like })).toEqual([]);
    const { outputs } = await create(device, 'create-key', { like });
    expect((await device.read(outputs.key as KeyRef)).curve).toBe(curve);
    expect(await findings(device, { like, spec: 'ECC_NIST_P256' })).toEqual(
      spec === 'ECC_NIST_P256' ? [] : [expect.stringMatching(/^block: a key on .* cannot become ECC_NIST_P256/)],
    );
    await device.close();
  });

  it('blocks where a lost reply could not be settled', async () => {
    const { device } = await openBentKms({ bend: answering('ListResourceTags', refusal('AccessDeniedException')) });
    expect(await findings(device, { like: sourceKey() })).toEqual([
      expect.stringMatching(/^block: the plan cannot prove .*kms:ListResourceTags/),
    ]);
    await device.close();
  });

  it('writes the policy of the console for administrators and users', async () => {
    const { device, service } = await openBentKms();
    const administrators = [`arn:aws:iam::${service.account}:role/admins`];
    const { outputs } = await create(device, 'create-key', {
      like: sourceKey(),
      administrators,
      users: administrators,
    });
    expect(outputs.key).toBeDefined();
    await device.close();
  });

  it('finds the enabled key of the same source and makes no second one', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    const args = { like: sourceKey() };
    expect((await device.expect({ action: 'create-key', args }, null)).already).toBeNull();
    await importInto(device, key, AES);
    expect((await device.expect({ action: 'create-key', args }, null)).already?.locator.id).toBe(key.locator.id);
    expect(await findings(device, args)).toEqual([expect.stringMatching(/^duplicate: /)]);
    expect(await findings(device, { like: sourceKey({ kcv: '000000' }) })).toEqual([]);
    await device.close();
  });
});

describe('an answer to CreateKey that never comes', () => {
  const call = async (device: Device, more: Readonly<Record<string, unknown>> = {}) => {
    const args = { like: sourceKey(), ...more };
    const { expectation } = await device.expect({ action: 'create-key', args }, null);
    return { action: 'create-key', args, expectation };
  };

  it('is unknown, sent once, and settled by the mark', async () => {
    const { device, sent } = await openBentKms({ bend: losing('CreateKey') });
    const request = await call(device);
    const error = await caught(device.perform(request));
    expect(error).toMatchObject({ code: 'outcome-unknown', outcome: 'unknown' });
    expect(sent.filter((operation) => operation === 'CreateKey')).toHaveLength(1);
    const settled = await device.reconcile(request, null);
    const [id] = await keysOf(device);
    expect(settled).toMatchObject({ state: 'done', violations: [], outputs: { key: { locator: { id } } } });
    await device.close();
  });

  it('is absent when it never arrived', async () => {
    const { device } = await openBentKms({ bend: dropping('CreateKey') });
    await createdKey(device, { label: 'other' }).catch(() => undefined);
    const request = await call(device);
    await createdKey(device, { label: 'another' });
    expect(await device.reconcile(request, null)).toEqual({ state: 'absent' });
    await device.close();
  });

  it('is found by another process, and through stale reads', async () => {
    const bend = losing('CreateKey');
    const { device } = await openBentKms({
      bend,
      settle: { reads: 4, intervalMs: 1 },
      service: { faults: { faults: [{ operation: 'CreateKey', kind: 'stale', reads: 2, isFlipping: true }] } },
    });
    const request = await call(device);
    await caught(device.perform(request));
    expect(await device.reconcile(request, null)).toMatchObject({ state: 'done' });
    await device.close();
  });

  it('is ambiguous when two keys bear the mark', async () => {
    const { device } = await openBentKms();
    const request = await call(device);
    await device.perform(request);
    await device.perform(request);
    const settled = await device.reconcile(request, null);
    expect(settled.state).toBe('ambiguous');
    for (const id of await keysOf(device)) expect(JSON.stringify(settled)).toContain(id);
    await device.close();
  });

  it('is absent when the only key with the mark is on its way out', async () => {
    const { device } = await openBentKms();
    const request = await call(device);
    const { outputs } = await device.perform(request);
    await device.perform({ action: 'schedule-deletion', args: { key: outputs.key } });
    expect(await device.reconcile(request, null)).toEqual({ state: 'absent' });
    await device.close();
  });

  it('is ambiguous without a mark', async () => {
    const { device } = await openBentKms();
    const request = { action: 'create-key', args: { like: sourceKey() } };
    expect((await device.reconcile(request, null)).state).toBe('ambiguous');
    await device.close();
  });
});

describe('a CreateKey that is refused', () => {
  it.each([
    ['ThrottlingException', 'device-busy', 'transient'],
    ['LimitExceededException', 'device-refused', 'item'],
    ['AccessDeniedException', 'permission-missing', 'run'],
    ['MalformedPolicyDocumentException', 'argument-invalid', 'item'],
    ['ExpiredTokenException', 'credentials-refused', 'run'],
  ])('%s made nothing and is sent once', async (name, code, scope) => {
    const { device, sent } = await openBentKms({ bend: answering('CreateKey', refusal(name)) });
    const error = await caught(create(device, 'create-key', { like: sourceKey() }));
    expect(error).toMatchObject({ code, scope, outcome: 'not-applied', native: { name } });
    expect(sent.filter((operation) => operation === 'CreateKey')).toHaveLength(1);
    expect(await keysOf(device)).toEqual([]);
    await device.close();
  });

  it('names the permission that is missing', async () => {
    const { device } = await openBentKms({ bend: answering('CreateKey', refusal('AccessDeniedException')) });
    const error = await caught(create(device, 'create-key', { like: sourceKey() }));
    expect(error.hint).toContain('kms:CreateKey and kms:TagResource');
    await device.close();
  });

  it('KMSInternalException may have made it', async () => {
    const { device } = await openBentKms({
      bend: answering('CreateKey', { ...refusal('KMSInternalException'), status: 500 }),
    });
    const error = await caught(create(device, 'create-key', { like: sourceKey() }));
    expect(error).toMatchObject({ code: 'outcome-unknown', outcome: 'unknown' });
    await device.close();
  });
});

describe('create-key with an alias', () => {
  const alias = 'alias/payments';
  const withAlias = { like: sourceKey(), alias };
  const target = async (device: Device) => {
    const { outputs } = await device.perform({ action: 'find-keys', args: { alias } });
    return (outputs.keys as KeyRef[]).map(({ locator }) => locator.id);
  };

  it('creates both, and gives what takes both back', async () => {
    const { device } = await openBentKms();
    const { outputs } = await create(device, 'create-key', withAlias);
    const key = outputs.key as KeyRef;
    expect(outputs.cut_over).toEqual({ alias, key: key.locator.id, previous: '' });
    expect(await target(device)).toEqual([key.locator.id]);
    await device.perform({ action: 'restore-alias', args: { 'cut-over': outputs.cut_over } });
    await device.perform({ action: 'schedule-deletion', args: { key } });
    expect(await target(device)).toEqual([]);
    const described = await device.perform({ action: 'describe-key', args: { key } });
    expect(described.outputs.state).toBe('PendingDeletion');
    await device.close();
  });

  it('settles a lost CreateAlias by itself', async () => {
    const { device } = await openBentKms({ bend: losing('CreateAlias') });
    const { outputs } = await create(device, 'create-key', withAlias);
    expect(await target(device)).toEqual([(outputs.key as KeyRef).locator.id]);
    await device.close();
  });

  it('repeats a CreateAlias that never arrived', async () => {
    const { device } = await openBentKms({ bend: dropping('CreateAlias') });
    const { outputs } = await create(device, 'create-key', withAlias);
    expect(await target(device)).toEqual([(outputs.key as KeyRef).locator.id]);
    await device.close();
  });

  it('is blocked, and in the run cleaned up, where the alias points elsewhere', async () => {
    const { device } = await openBentKms();
    const other = await create(device, 'create-key', { ...withAlias, like: sourceKey({ label: 'other' }) });
    const otherId = (other.outputs.key as KeyRef).locator.id;
    expect(await findings(device, withAlias)).toEqual([`block: ${alias} exists and points to the key ${otherId}`]);
    const error = await caught(create(device, 'create-key', withAlias));
    expect(error).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
    expect(error.message).toContain(otherId);
    expect(await target(device)).toEqual([otherId]);
    const states: (string | null)[] = [];
    for await (const page of device.inventory({})) states.push(...page.map(({ reason }) => reason));
    expect(states.filter((reason) => reason?.startsWith('pending deletion'))).toHaveLength(1);
    await device.close();
  });

  it('says unknown where the orphan could not be scheduled, and finds it', async () => {
    const { device } = await openBentKms({ bend: answering('ScheduleKeyDeletion', refusal('AccessDeniedException')) });
    await create(device, 'create-key', { ...withAlias, like: sourceKey({ label: 'other' }) });
    const { expectation } = await device.expect({ action: 'create-key', args: withAlias }, null);
    const request = { action: 'create-key', args: withAlias, expectation };
    expect(await caught(device.perform(request))).toMatchObject({ outcome: 'unknown' });
    const settled = await device.reconcile(request, null);
    expect(settled).toMatchObject({ state: 'done', violations: [{ code: 'attribute-mismatch' }] });
    await device.close();
  });
});

it('refuses a key of another account or region', async () => {
  const { device } = await openBentKms();
  const key = await createdKey(device);
  const elsewhere = { ...key, locator: { ...key.locator, serial: 'aws:210987654321:us-east-1' } };
  const error = await caught(device.read(elsewhere));
  expect(error).toBeInstanceOf(KeyferryError);
  expect(error).toMatchObject({ code: 'key-not-found' });
  expect(error.message).toContain('aws:210987654321:us-east-1');
  await device.close();
});
