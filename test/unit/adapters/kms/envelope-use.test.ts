import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Device, notYet } from '../../../../src/adapters/adapter.ts';
import { DroppedConnection, type KmsService } from '../../../../src/adapters/kms/simulator/kms-service.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  answering,
  type Bend,
  type BentKms,
  createdKey,
  dropping,
  importInto,
  jsonAnswer,
  losing,
  openBentKms,
  refusal,
  sourceKey,
} from '../../../support/kms-device-fixtures.ts';

interface Checked extends BentKms {
  readonly key: KeyRef;
}

async function ready(bend?: Bend): Promise<Checked> {
  const opened = await openBentKms(bend === undefined ? {} : { bend });
  const key = await createdKey(opened.device);
  await importInto(opened.device, key, randomBytes(32));
  opened.sent.length = 0;
  return { ...opened, key };
}

const check = (device: Device, key: KeyRef, more: Readonly<Record<string, unknown>> = {}) =>
  device.perform({ action: 'check-envelope-use', args: { key, ...more } });

/** Asked past the adapter. */
async function grants(service: KmsService, key: KeyRef): Promise<readonly unknown[]> {
  const { body } = await service.respond({
    method: 'POST',
    path: '/',
    headers: { 'x-amz-target': 'TrentService.ListGrants', 'content-type': 'application/x-amz-json-1.1' },
    body: Buffer.from(JSON.stringify({ KeyId: key.locator.id })),
  });
  return (JSON.parse(Buffer.from(body).toString()) as { Grants: unknown[] }).Grants;
}

describe('check-envelope-use', () => {
  it('shows that the key works, claims no more, and leaves no grant', async () => {
    const { device, service, sent, key } = await ready();
    const { outputs, violations } = await check(device, key);
    expect(outputs).toEqual({ method: 'functional', strength: 'none' });
    expect(violations).toEqual([]);
    expect(sent).toEqual([
      'DescribeKey',
      'CreateGrant',
      'GenerateDataKeyWithoutPlaintext',
      'Decrypt',
      'Decrypt',
      'RevokeGrant',
    ]);
    expect(await grants(service, key)).toEqual([]);
    await device.close();
  });

  it('grants the two operations with the context to the account, or to whom it is told', async () => {
    const seen: unknown[] = [];
    const { device, service, key } = await ready(async (operation, _nth, carryOut) => {
      if (operation !== 'GenerateDataKeyWithoutPlaintext') return null;
      seen.push(...(await grants(service, key)));
      return await carryOut();
    });
    await check(device, key);
    const grantee = 'arn:aws:iam::123456789012:role/volumes';
    await check(device, key, { grantee });
    const context = { 'aws:ebs:id': `vol-keyferry-check-${key.locator.id}` };
    expect(seen).toMatchObject([
      {
        GranteePrincipal: `arn:aws:iam::${service.account}:root`,
        RetiringPrincipal: `arn:aws:iam::${service.account}:root`,
        Operations: ['Decrypt', 'GenerateDataKeyWithoutPlaintext'],
        Constraints: { EncryptionContextSubset: context },
      },
      { GranteePrincipal: grantee, RetiringPrincipal: grantee },
    ]);
    expect(await caught(check(device, key, { grantee: 'somebody' }))).toMatchObject({ code: 'argument-invalid' });
    await device.close();
  });

  it('fails when the context does not matter, and leaves no grant', async () => {
    const opened = jsonAnswer(200, { Plaintext: randomBytes(64).toString('base64') });
    const { device, service, key } = await ready(answering('Decrypt', opened, 2));
    const error = await caught(check(device, key));
    expect(error).toMatchObject({ code: 'verification-failed', outcome: 'not-applied' });
    expect(error.message).toContain('without its encryption context');
    expect(await grants(service, key)).toEqual([]);
    await device.close();
  });

  it('takes a refusal by the grant for one, too', async () => {
    const { device, key } = await ready(answering('Decrypt', refusal('AccessDeniedException'), 2));
    expect((await check(device, key)).outputs.method).toBe('functional');
    await device.close();
  });

  it.each([
    ['GenerateDataKeyWithoutPlaintext', 'AccessDeniedException', 'permission-missing'],
    ['Decrypt', 'InvalidCiphertextException', 'device-refused'],
    ['Decrypt', 'ThrottlingException', 'device-busy'],
  ])('fails when %s answers %s, and leaves no grant', async (operation, name, code) => {
    const { device, service, key } = await ready(answering(operation, refusal(name)));
    expect(await caught(check(device, key))).toMatchObject({ code, outcome: 'not-applied' });
    expect(await grants(service, key)).toEqual([]);
    await device.close();
  });

  it('fails when what comes back is not as long as what was asked for', async () => {
    const { device, service, key } = await ready(answering('Decrypt', jsonAnswer(200, { Plaintext: 'AAAA' }), 1));
    expect(await caught(check(device, key))).toMatchObject({ code: 'verification-failed' });
    expect(await grants(service, key)).toEqual([]);
    await device.close();
  });

  it.each([
    ['lost', losing('CreateGrant')],
    ['dropped', dropping('CreateGrant')],
    ['throttled', answering('CreateGrant', refusal('ThrottlingException'), 1)],
  ])('makes one grant and removes it when the reply was %s', async (_name, bend) => {
    const { device, service, key } = await ready(bend);
    expect((await check(device, key)).violations).toEqual([]);
    expect(await grants(service, key)).toEqual([]);
    await device.close();
  });

  it.each([
    ['lost', losing('RevokeGrant')],
    ['dropped', dropping('RevokeGrant')],
    ['stale', answering('RevokeGrant', refusal('NotFoundException'), 1)],
  ])('revokes until it is known to be gone: %s', async (_name, bend) => {
    const { device, service, key } = await ready(bend);
    expect((await check(device, key)).violations).toEqual([]);
    expect(await grants(service, key)).toEqual([]);
    await device.close();
  });

  it('says loudly when the grant stays', async () => {
    const { device, service, key } = await ready(answering('RevokeGrant', refusal('AccessDeniedException')));
    const { violations } = await check(device, key);
    const [{ GrantId: id }] = (await grants(service, key)) as [{ GrantId: string }];
    expect(violations).toEqual([
      {
        code: 'attribute-mismatch',
        message: expect.stringContaining(`aws kms revoke-grant --key-id ${key.locator.id} --grant-id ${id}`),
      },
    ]);
    await device.close();
  });

  it('says both when the key fails and the grant stays', async () => {
    const bend: Bend = async (operation) => {
      if (operation === 'RevokeGrant') return refusal('AccessDeniedException');
      return operation === 'Decrypt' ? refusal('DisabledException') : null;
    };
    const { device, key } = await ready(bend);
    const error = await caught(check(device, key));
    expect(error).toMatchObject({ code: 'key-not-permitted', outcome: 'applied' });
    expect(error.message).toMatch(/disabled\. Besides, the grant .* may still be there/);
    await device.close();
  });

  it('does not know when nobody ever answers; the next try takes over the grant that was made', async () => {
    let isOut = true;
    const { device, service, key } = await ready(async (operation, _nth, carryOut) => {
      if (!isOut || operation !== 'CreateGrant') return null;
      await carryOut();
      throw new DroppedConnection();
    });
    expect(await caught(check(device, key))).toMatchObject({ code: 'outcome-unknown', outcome: 'unknown' });
    // However often it was asked for.
    expect(await grants(service, key)).toHaveLength(1);
    expect(await device.reconcile({ action: 'check-envelope-use', args: { key } }, null)).toEqual({ state: 'absent' });
    isOut = false;
    await check(device, key);
    expect(await grants(service, key)).toEqual([]);
    await device.close();
  });

  it('makes no grant where it may not', async () => {
    const { device, service, key } = await ready(answering('CreateGrant', refusal('AccessDeniedException')));
    const error = await caught(check(device, key));
    expect(error).toMatchObject({ code: 'permission-missing', outcome: 'not-applied', scope: 'item' });
    expect(error.hint).toContain('kms:CreateGrant');
    expect(await grants(service, key)).toEqual([]);
    await device.close();
  });

  it('is for symmetric keys with material', async () => {
    const { device, sent, key } = await ready();
    const hmac = await createdKey(device, { like: sourceKey({ type: 'generic-secret' }) });
    expect(await caught(check(device, hmac))).toMatchObject({ code: 'capability-missing' });
    const findings = await device.preview('check-envelope-use', [{ key: hmac }, { key }, { key: notYet('key') }], null);
    expect(findings.map((list) => list.map(({ level }) => level))).toEqual([['block'], [], []]);
    expect(sent).not.toContain('CreateGrant');
    const empty = await createdKey(device, { like: sourceKey({ label: 'empty' }) });
    expect(await caught(check(device, empty))).toMatchObject({ code: 'device-refused' });
    await device.close();
  });
});
