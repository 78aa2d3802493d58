/** After a crash or a lost reply the device is asked what it did; several keys of one name are told apart or left alone. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Device, Expectation } from '../../../../src/adapters/adapter.ts';
import { CKR } from '../../../../src/adapters/pkcs11/constants.ts';
import { CryptokiError } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import type { Fingerprint } from '../../../../src/keys/fingerprint.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import {
  type BentOptions,
  listKeys,
  makeKey,
  makeRoute,
  openBent,
  SALT,
  unwrapCall,
  wrapCall,
} from '../../../support/pkcs11-devices.ts';

const open: Device[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.close()));
});

async function bent(options: BentOptions = {}): Promise<Device> {
  const { device } = await openBent(options);
  open.push(device);
  return device;
}

async function fingerprinted(device: Device, key: KeyRef): Promise<{ key: KeyRef; fingerprint: Fingerprint }> {
  const fingerprint = await device.fingerprint({ key, salt: SALT, methods: ['encrypt-ecb'] });
  if (fingerprint === null) throw new Error('no fingerprint');
  return { key: { ...key, locator: { ...key.locator, fingerprint } }, fingerprint };
}

/** A key on `source`, wrapped for `target`, ready to arrive. */
async function ready(device: Device, args: Readonly<Record<string, unknown>> = {}) {
  const route = await makeRoute(device, device);
  const { key: like, fingerprint } = await fingerprinted(
    device,
    await makeKey(device, { label: 'like', id: '01', ...args }),
  );
  const { outputs } = await device.perform(wrapCall(like, route));
  return {
    call: unwrapCall(outputs.data, like, route, { id: '02' }),
    source: { fingerprint, salt: SALT },
    like,
    route,
  };
}

describe('a lost reply', () => {
  it('of an unwrap is settled as done, and nothing is doubled', async () => {
    const device = await bent({ faults: { faults: [{ call: 'C_UnwrapKey', nth: 1, kind: 'lost-reply' }] } });
    const { call, source } = await ready(device);
    const { expectation } = await device.expect(call, source);
    const intent = { ...call, expectation };
    await expect(device.perform(intent)).rejects.toMatchObject({ outcome: 'unknown' });
    const settled = await device.reconcile(intent, source);
    expect(settled).toMatchObject({ state: 'done', violations: [] });
    const arrived = (await listKeys(device)).filter(({ id }) => id === '02');
    expect(arrived).toHaveLength(1);
    if (settled.state === 'done') expect((await device.read(settled.outputs.key as KeyRef)).id).toBe('02');
  });

  it('of a key pair is settled by its marker, both halves together', async () => {
    const device = await bent({ faults: { faults: [{ call: 'C_GenerateKeyPair', nth: 1, kind: 'lost-reply' }] } });
    const call = {
      action: 'generate-rsa-key-pair',
      args: { purpose: 'wrapping', label: 'pair', 'modulus-bits': 2048 },
    };
    const { expectation } = await device.expect(call, null);
    const intent = { ...call, expectation };
    await expect(device.perform(intent)).rejects.toMatchObject({ outcome: 'unknown' });
    const settled = await device.reconcile(intent, null);
    expect(settled).toMatchObject({ state: 'done', violations: [] });
    if (settled.state !== 'done') return;
    const { private_key: privateKey, public_key: publicKey, spki_sha256: hash } = settled.outputs;
    expect([(privateKey as KeyRef).locator.class, (publicKey as KeyRef).locator.class]).toEqual(['private', 'public']);
    const exported = await device.perform({ action: 'export-public-key', args: { key: publicKey } });
    expect(exported.outputs.spki_sha256).toBe(hash);
  });

  it('of a delete is settled as done', async () => {
    const device = await bent({
      faults: { faults: [{ call: 'C_DestroyObject', probability: 1, kind: 'lost-reply' }] },
    });
    const key = await makeKey(device);
    const call = { action: 'delete-key', args: { key } };
    await expect(device.perform(call)).rejects.toMatchObject({ outcome: 'unknown' });
    expect((await device.reconcile(call, null)).state).toBe('done');
  });

  it('of a changed attribute is settled as done', async () => {
    const device = await bent({ faults: { faults: [{ call: 'C_SetAttributeValue', nth: 1, kind: 'lost-reply' }] } });
    const key = await makeKey(device, { label: 'before' });
    const call = { action: 'set-attribute', args: { key, name: 'label', value: 'after' } };
    expect((await device.reconcile(call, null)).state).toBe('absent');
    await expect(device.perform(call)).rejects.toMatchObject({ outcome: 'unknown' });
    const settled = await device.reconcile(call, null);
    expect(settled.state).toBe('done');
    if (settled.state === 'done') expect((await device.read(settled.outputs.key as KeyRef)).label).toBe('after');
  });
});

describe('what cannot be told apart is ambiguous', () => {
  const call = { action: 'generate-rsa-key-pair', args: { purpose: 'wrapping', label: 'pair', 'modulus-bits': 2048 } };

  it('one half of a pair', async () => {
    const device = await bent();
    const { expectation } = await device.expect(call, null);
    const { outputs } = await device.perform({ ...call, expectation });
    await device.perform({ action: 'delete-key', args: { key: outputs.public_key } });
    const settled = await device.reconcile({ ...call, expectation }, null);
    expect(settled).toMatchObject({ state: 'ambiguous', reason: expect.stringContaining('only the private half') });
  });

  it('two new objects, one fewer than before, or one of other material', async () => {
    const device = await bent();
    const { call: unwrap, source } = await ready(device);
    const { expectation } = await device.expect(unwrap, source);
    const intent = { ...unwrap, expectation };
    await device.perform(intent);
    await device.perform(intent);
    expect((await device.reconcile(intent, source)).state).toBe('ambiguous');
    const more: Expectation = { ...(expectation as Extract<Expectation, { kind: 'count' }>), named: 3 };
    expect((await device.reconcile({ ...unwrap, expectation: more }, source)).state).toBe('ambiguous');
  });

  it('a stranger that took the name meanwhile', async () => {
    const device = await bent();
    const { call: unwrap, source } = await ready(device);
    const { expectation } = await device.expect(unwrap, source);
    await makeKey(device, { label: 'like', id: '02' });
    const settled = await device.reconcile({ ...unwrap, expectation }, source);
    expect(settled).toMatchObject({
      state: 'ambiguous',
      reason: expect.stringContaining('not the key that was to arrive'),
    });
  });

  it('an intent without an expectation', async () => {
    const device = await bent();
    expect((await device.reconcile(call, null)).state).toBe('ambiguous');
  });
});

describe('an absence', () => {
  it('is believed after as many agreeing reads as the device needs', async () => {
    let looks = 0;
    const device = await bent({
      open: { capabilities: { settle: { reads: 3, intervalMs: 1 } } },
      bend: (real) => ({
        findObjects: (session, template) => {
          looks += 1;
          return real.findObjects(session, template);
        },
      }),
    });
    const call = { action: 'delete-key', args: { key: await makeKey(device) } };
    await device.perform(call);
    looks = 0;
    expect((await device.reconcile(call, null)).state).toBe('done');
    expect(looks).toBe(3);
  });

  it('is not believed when a later read shows the object', async () => {
    let hidden = 0;
    const device = await bent({
      open: { capabilities: { settle: { reads: 4, intervalMs: 1 } } },
      bend: (real) => ({
        findObjects: (session, template) => {
          hidden -= 1;
          return hidden >= 0 ? [] : real.findObjects(session, template);
        },
      }),
    });
    const call = { action: 'generate-key', args: { type: 'aes', bits: 128, label: 'late' } };
    const { expectation } = await device.expect(call, null);
    const intent = { ...call, expectation };
    await device.perform(intent);
    hidden = 3;
    expect((await device.reconcile(intent, null)).state).toBe('done');
  });
});

describe('keys that share a name', () => {
  it('are told apart by fingerprint, for use and for deletion', async () => {
    const device = await bent();
    const same = { label: 'same', id: '0a' };
    const first = await fingerprinted(device, await makeKey(device, same));
    await makeKey(device, same);
    const nameless = { ...first.key, locator: { ...first.key.locator, fingerprint: null } };
    await expect(device.read(nameless)).rejects.toMatchObject({ code: 'key-ambiguous' });
    await expect(device.perform({ action: 'delete-key', args: { key: nameless } })).rejects.toMatchObject({
      code: 'key-ambiguous',
      outcome: 'not-applied',
    });
    expect(await device.fingerprint({ key: first.key, salt: SALT, methods: ['encrypt-ecb'] })).toEqual(
      first.fingerprint,
    );
    await device.perform({ action: 'delete-key', args: { key: first.key } });
    const left = await listKeys(device, { fingerprint: { salt: SALT, methods: ['encrypt-ecb'] } });
    expect(left).toHaveLength(1);
    expect(left[0]?.locator.fingerprint?.value).not.toBe(first.fingerprint.value);
  });

  it('are left alone when they have the same material too', async () => {
    const device = await bent();
    const { call, source, like } = await ready(device);
    await device.perform(call);
    await device.perform(call);
    const copy = { ...like, locator: { ...like.locator, id: '02', fingerprint: source.fingerprint } };
    await expect(device.perform({ action: 'delete-key', args: { key: copy } })).rejects.toMatchObject({
      code: 'key-ambiguous',
    });
    expect((await device.read(copy)).id).toBe('02');
    expect((await listKeys(device)).filter(({ id }) => id === '02')).toHaveLength(2);
  });

  it('are told apart in a new process only once the plan is at hand', async () => {
    const device = await bent();
    const { key } = await fingerprinted(device, await makeKey(device, { label: 'same', id: '0a' }));
    await makeKey(device, { label: 'same', id: '0a' });
    await device.perform({ action: 'delete-key', args: { key }, salt: SALT });
    expect(await listKeys(device)).toHaveLength(1);
  });
});

describe('a handle that went stale', () => {
  it('never deletes what has taken its place', async () => {
    const destroyed: bigint[] = [];
    const device = await bent({
      bend: (real) => ({
        C_DestroyObject: (session, object) => {
          destroyed.push(object);
          real.C_DestroyObject(session, object);
        },
      }),
    });
    const key = await makeKey(device, { label: 'mine' });
    const renamed = await device.perform({ action: 'set-attribute', args: { key, name: 'label', value: 'theirs' } });
    destroyed.length = 0;
    await expect(device.perform({ action: 'delete-key', args: { key } })).rejects.toMatchObject({
      code: 'key-not-found',
    });
    expect(destroyed).toEqual([]);
    expect((await device.read(renamed.outputs.key as KeyRef)).label).toBe('theirs');
  });

  it('is looked up anew when somebody else renamed the object', async () => {
    const { device, module } = await openBent();
    open.push(device);
    const key = await makeKey(device, { label: 'mine' });
    const session = module.C_OpenSession(0n);
    const [handle] = module.findObjects(session, [{ type: 3, value: new TextEncoder().encode('mine') }]);
    if (handle === undefined) throw new Error('not found');
    module.C_SetAttributeValue(session, handle, [{ type: 3, value: new TextEncoder().encode('renamed') }]);
    await expect(device.perform({ action: 'delete-key', args: { key } })).rejects.toMatchObject({
      code: 'key-not-found',
    });
    expect((await listKeys(device)).map(({ label }) => label)).toEqual(['renamed']);
  });
});

describe('a device that goes away', () => {
  it('is lost with an open outcome for a change, and a settled one for a read', async () => {
    let isGone = false;
    const device = await bent({
      bend: (real) => ({
        C_GenerateKey: async (...args) => {
          if (isGone) throw new CryptokiError('C_GenerateKey', CKR.DEVICE_REMOVED);
          return await real.C_GenerateKey(...args);
        },
        findObjects: (...args) => {
          if (isGone) throw new CryptokiError('C_FindObjectsInit', CKR.DEVICE_REMOVED);
          return real.findObjects(...args);
        },
      }),
    });
    await makeKey(device);
    isGone = true;
    await expect(makeKey(device)).rejects.toMatchObject({ code: 'device-lost', outcome: 'unknown', scope: 'run' });
    await expect(listKeys(device)).rejects.toMatchObject({ code: 'device-lost', outcome: 'not-applied' });
  });
});
