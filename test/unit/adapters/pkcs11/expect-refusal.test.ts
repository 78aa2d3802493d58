import { describe, expect, it } from 'vitest';
import { CKR } from '../../../../src/adapters/pkcs11/constants.ts';
import { CryptokiError } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import { listKeys, makeKey, openBent } from '../../../support/pkcs11-devices.ts';

const both = { wrap: true, unwrap: true };
const wrapOnly = { wrap: true, unwrap: false };
const unwrapOnly = { wrap: false, unwrap: true };

const call = (key: unknown, operation: string, mechanism = 'aes-kwp') => ({
  action: 'expect-refusal',
  args: { key, operation, mechanism },
});

describe('expect-refusal', () => {
  it.each([
    ['wrap', unwrapOnly],
    ['unwrap', wrapOnly],
  ])('passes when the device refuses to %s, and leaves nothing behind', async (operation, attributes) => {
    const { device, module } = await openBent();
    const key = await makeKey(device, { attributes });
    expect((await device.perform(call(key, operation))).outputs).toEqual({ code: 'CKR_KEY_FUNCTION_NOT_PERMITTED' });
    expect(await listKeys(device)).toHaveLength(1);
    expect(sessionObjects(module)).toBe(0);
    await device.close();
  });

  it.each(['wrap', 'unwrap'])('fails when the device does %s, and leaves nothing behind', async (operation) => {
    const { device, module } = await openBent();
    const key = await makeKey(device, { attributes: both });
    await expect(device.perform(call(key, operation))).rejects.toMatchObject({
      code: 'attribute-mismatch',
      outcome: 'not-applied',
    });
    expect(await listKeys(device)).toHaveLength(1);
    expect(sessionObjects(module)).toBe(0);
    await device.close();
  });

  it('takes no other refusal for a proof', async () => {
    const { device } = await openBent({
      bend: () => ({ C_WrapKey: () => Promise.reject(new CryptokiError('C_WrapKey', CKR.KEY_SIZE_RANGE)) }),
      open: { capabilities: { probe: false } },
    });
    const key = await makeKey(device, { attributes: unwrapOnly });
    await expect(device.perform(call(key, 'wrap'))).rejects.toMatchObject({
      code: 'device-refused',
      message: expect.stringContaining('CKR_KEY_SIZE_RANGE'),
    });
    await device.close();
  });

  it('cannot prove unwrapping with a key that cannot wrap', async () => {
    const { device } = await openBent();
    const key = await makeKey(device, { attributes: { wrap: false, unwrap: false } });
    await expect(device.perform(call(key, 'unwrap'))).rejects.toMatchObject({ code: 'key-not-permitted' });
    await device.close();
  });

  it('says in the plan which mechanism the device has not', async () => {
    const { device } = await openBent();
    const key = await makeKey(device, { attributes: unwrapOnly });
    const { args } = call(key, 'wrap', 'aes-kw-pkcs5');
    expect((await device.preview('expect-refusal', [args], null))[0]).toMatchObject([{ level: 'block' }]);
    await expect(device.perform(call(key, 'wrap', 'aes-kw-pkcs5'))).rejects.toMatchObject({
      code: 'capability-missing',
    });
    await device.close();
  });
});

/** Of every open session: what is no token object dies with them, and should not even live so long. */
function sessionObjects(module: Awaited<ReturnType<typeof openBent>>['module']): number {
  const [slot] = module.C_GetSlotList(true);
  const session = module.C_OpenSession(slot ?? 0n);
  const found = module.findObjects(session, [{ type: 0x1, value: new Uint8Array([0]) }]);
  module.C_CloseSession(session);
  return found.length;
}

describe('unwrap-key with a new id', () => {
  it('makes a second copy beside the first, and tells it apart after a crash', async () => {
    const { device } = await openBent();
    const kek = await makeKey(device, { label: 'kek', attributes: both });
    const key = await makeKey(device, { extractable: true });
    const wrap = { action: 'wrap-key', args: { key, 'wrapping-key': kek, mechanism: 'aes-kwp' } };
    const { data } = (await device.perform(wrap)).outputs;
    const args = { 'wrapped-key': data, 'unwrapping-key': kek, like: key, 'new-id': true };
    const unwrap = { action: 'unwrap-key', args };
    const { expectation, already } = await device.expect(unwrap, null);
    expect(already).toBeNull();
    expect(expectation.kind).toBe('marker');
    const intended = { ...unwrap, expectation };
    expect(await device.reconcile(intended, null)).toEqual({ state: 'absent' });
    const made = await device.perform(intended);
    const id = expectation.kind === 'marker' ? expectation.id : '';
    expect(made).toMatchObject({ outputs: { key: { locator: { id } } }, violations: [] });
    expect(await device.reconcile(intended, null)).toMatchObject({
      state: 'done',
      outputs: made.outputs,
      violations: [],
    });
    expect((await listKeys(device)).map((each) => each.id)).toContain(id);
    await device.close();
  });
});
