import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Device, notYet } from '../../../../src/adapters/adapter.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { labelHex } from '../../../../src/keys/locator.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  answering,
  type BentOptions,
  createdKey,
  importInto,
  jsonAnswer,
  openBentKms,
  refusal,
  sourceKey,
} from '../../../support/kms-device-fixtures.ts';

const ALIAS = 'alias/keyferry/payments-1';

async function aliased(options: BentOptions = {}): Promise<{ device: Device; key: KeyRef; sent: string[] }> {
  const { device, sent } = await openBentKms(options);
  const key = await createdKey(device, { alias: ALIAS });
  return { device, key, sent };
}

const find = (device: Device, args: Readonly<Record<string, unknown>> = { alias: ALIAS }) =>
  device.perform({ action: 'find-key', args });
const reasons = async (device: Device, args: Readonly<Record<string, unknown>>): Promise<readonly string[]> =>
  (await device.preview('find-key', [args], null)).flatMap((list) =>
    list.map(({ level, reason }) => `${level}: ${reason}`),
  );

const answeringKey = (metadata: Readonly<Record<string, unknown>>): BentOptions => ({
  bend: answering(
    'DescribeKey',
    jsonAnswer(200, { KeyMetadata: { KeyId: 'k', KeySpec: 'SYMMETRIC_DEFAULT', ...metadata } }),
  ),
});

describe('find-key', () => {
  it.each(['PendingImport', 'Enabled'])('gives the key with its label: %s', async (state) => {
    const { device, key } = await aliased();
    if (state === 'Enabled') await importInto(device, key, randomBytes(32));
    const { outputs, violations } = await find(device, { alias: ALIAS, like: sourceKey() });
    expect(outputs.key).toMatchObject({ kind: 'key', locator: { id: key.locator.id, label: labelHex('payments-1') } });
    expect(violations).toEqual([]);
    expect(await reasons(device, { alias: ALIAS, like: sourceKey() })).toEqual([]);
    await device.close();
  });

  it('says when there is none, after as many reads as the settle rule wants', async () => {
    const { device, sent } = await aliased();
    sent.length = 0;
    expect(await caught(find(device, { alias: 'alias/other' }))).toMatchObject({
      code: 'key-not-found',
      message: expect.stringContaining('alias/other'),
    });
    expect(sent).toEqual(['DescribeKey', 'DescribeKey']);
    expect(await reasons(device, { alias: 'alias/other' })).toEqual(['block: there is no alias/other in eu-west-1']);
    await device.close();
  });

  it('believes no single read that an alias is not there', async () => {
    const { device, key } = await aliased({ bend: answering('DescribeKey', refusal('NotFoundException'), 4) });
    const ids = [];
    for (let time = 0; time < 3; time += 1) ids.push(((await find(device)).outputs.key as KeyRef).locator.id);
    expect(new Set(ids)).toEqual(new Set([key.locator.id]));
    await device.close();
  });

  it.each([
    ['AWS_KMS', { Origin: 'AWS_KMS', KeyState: 'Enabled' }, /origin AWS_KMS/],
    ['managed by AWS', { Origin: 'AWS_KMS', KeyManager: 'AWS', KeyState: 'Enabled' }, /which AWS manages/],
    ['pending deletion', { Origin: 'EXTERNAL', KeyState: 'PendingDeletion' }, /pending deletion/],
  ])('refuses a key that takes no material: %s', async (_name, metadata, why) => {
    const { device } = await openBentKms(answeringKey(metadata));
    const error = await caught(find(device));
    expect(error).toMatchObject({ code: 'capability-missing', outcome: 'not-applied' });
    expect(error.message).toMatch(why);
    expect(await reasons(device, { alias: ALIAS })).toEqual([expect.stringMatching(why)]);
    await device.close();
  });

  it.each([
    ['another kind', sourceKey({ type: 'generic-secret' })],
    ['another size', sourceKey({ bits: 128 })],
    ['a key pair', sourceKey({ class: 'private', type: 'rsa', bits: 2048 })],
  ])('blocks a source key that the key cannot take: %s', async (_name, like) => {
    const { device } = await aliased();
    expect(await reasons(device, { alias: ALIAS, like })).toEqual([
      expect.stringMatching(/^block: alias.*: a .*key .*cannot become SYMMETRIC_DEFAULT/),
    ]);
    expect(await caught(find(device, { alias: ALIAS, like }))).toMatchObject({ code: 'capability-missing' });
    await device.close();
  });

  it('takes any length that an HMAC key may have, and no other curve', async () => {
    const { device } = await openBentKms(
      answeringKey({ KeySpec: 'HMAC_384', Origin: 'EXTERNAL', KeyState: 'Enabled' }),
    );
    const hmac = (bits: number) => ({ alias: ALIAS, like: sourceKey({ type: 'generic-secret', bits }) });
    expect(await reasons(device, hmac(512))).toEqual([]);
    expect(await reasons(device, hmac(256))).toHaveLength(1);
    await device.close();
    const ec = await openBentKms(answeringKey({ KeySpec: 'ECC_NIST_P256', Origin: 'EXTERNAL', KeyState: 'Enabled' }));
    const key = sourceKey({ class: 'private', type: 'ec', bits: 256 });
    const on = (curve: 'P-256' | 'secp256k1') => ({
      alias: ALIAS,
      like: { ...key, record: key.record === undefined ? undefined : { ...key.record, curve } },
    });
    expect(await reasons(ec.device, on('P-256'))).toEqual([]);
    expect(await reasons(ec.device, on('secp256k1'))).toHaveLength(1);
    await ec.device.close();
  });

  it('notes a key that was made from another source key', async () => {
    const { device } = await aliased();
    expect(await reasons(device, { alias: ALIAS, like: sourceKey({ label: 'payments-2' }) })).toEqual([
      expect.stringMatching(/^note: .*another name/),
    ]);
    await device.close();
  });

  it('leaves what is not known yet to the run, and AWS’s own aliases alone', async () => {
    const { device } = await aliased();
    expect(await reasons(device, { alias: notYet('string') })).toEqual([]);
    expect(await caught(find(device, { alias: 'alias/aws/ebs' }))).toMatchObject({ code: 'argument-invalid' });
    await device.close();
  });
});
