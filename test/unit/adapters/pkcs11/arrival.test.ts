/** Devices that do not do what they were asked for, and modules that want to be asked in another way. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import { CKA, CKM, CKO, CKR } from '../../../../src/adapters/pkcs11/constants.ts';
import { type Attribute, type Cryptoki, CryptokiError } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import {
  type BentOptions,
  listKeys,
  makeKey,
  makeRoute,
  openBent,
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

const has = (template: readonly Attribute[], type: number): boolean =>
  template.some((attribute) => attribute.type === type);

async function moved(device: Device, more: Readonly<Record<string, unknown>> = {}) {
  const route = await makeRoute(device, device);
  const like = await makeKey(device, { label: 'like', id: '01' });
  const wrapped = await device.perform(wrapCall(like, route));
  return await device.perform(unwrapCall(wrapped.outputs.data, like, route, { id: '02', ...more }));
}

describe('a key that arrives', () => {
  it('is as it was asked to be', async () => {
    const device = await bent();
    const { outputs, violations } = await moved(device, { attributes: { decrypt: false, 'wrap-with-trusted': true } });
    expect(violations).toEqual([]);
    const { attributes } = await device.read(outputs.key as KeyRef);
    expect(attributes).toMatchObject({
      encrypt: true,
      decrypt: false,
      extractable: false,
      sensitive: true,
      wrapWithTrusted: true,
    });
  });

  it('is reported when the device makes it extractable all the same', async () => {
    const device = await bent({ personality: { defects: { unwrappedExtractable: true } } });
    const { outputs, violations } = await moved(device);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatchObject({ code: 'attribute-mismatch' });
    expect(violations[0]?.message).toContain('extractable was asked to be false, the device says true');
    expect((await device.read(outputs.key as KeyRef)).attributes.extractable).toBe(true);
  });

  it('is refused an attribute that cannot be asked for', async () => {
    await expect(moved(await bent(), { attributes: { local: true } })).rejects.toMatchObject({
      code: 'argument-invalid',
      outcome: 'not-applied',
    });
    await expect(moved(await bent(), { attributes: { extractable: 'yes' } })).rejects.toMatchObject({
      code: 'argument-invalid',
    });
  });

  it.each([
    ['wants', 'required'],
    ['refuses', 'rejected'],
  ] as const)('comes in although the module %s CKA_VALUE_LEN', async (_what, valueLenOnUnwrap) => {
    for (const told of [true, false]) {
      const device = await bent({
        personality: { valueLenOnUnwrap },
        open: { capabilities: { valueLenOnUnwrap: told } },
      });
      expect((await moved(device)).violations).toEqual([]);
    }
  });

  it('comes in although the module does not know an attribute that is to be off', async () => {
    const seen: boolean[] = [];
    const device = await bent({
      personality: { unknownAttributes: [CKA.DERIVE, CKA.SIGN_RECOVER, CKA.VERIFY_RECOVER] },
      bend: (real) => ({
        C_UnwrapKey: (session, mechanism, key, wrapped, template) => {
          seen.push(has(template, CKA.DERIVE));
          return real.C_UnwrapKey(session, mechanism, key, wrapped, template);
        },
      }),
    });
    expect((await moved(device)).violations).toEqual([]);
    // What it was seen not to know while the route was made is not offered to it again.
    expect(seen).toEqual([false]);
  });

  it('leaves it open when the look at the arrived key fails', async () => {
    let isBroken = false;
    const device = await bent({
      bend: (real) => ({
        C_UnwrapKey: async (...args) => {
          const handle = await real.C_UnwrapKey(...args);
          isBroken = true;
          return handle;
        },
        C_GetAttributeValue: (...args) => {
          if (isBroken) throw new CryptokiError('C_GetAttributeValue', CKR.DEVICE_ERROR);
          return real.C_GetAttributeValue(...args);
        },
      }),
    });
    await expect(moved(device)).rejects.toMatchObject({ outcome: 'unknown' });
  });

  it('is not made from a key that was wrapped in another way, or of another type', async () => {
    const device = await bent();
    const route = await makeRoute(device, device);
    const like = await makeKey(device, { label: 'like', id: '01' });
    const { outputs } = await device.perform(wrapCall(like, route));
    const other = unwrapCall(outputs.data, like, route, { mechanism: 'aes-kwp', id: '02' });
    await expect(device.perform(other)).rejects.toMatchObject({ code: 'argument-invalid' });
    const des = await makeKey(device, { type: 'des3', bits: 192, label: 'des' });
    await expect(device.perform(unwrapCall(outputs.data, des, route))).rejects.toMatchObject({
      code: 'argument-invalid',
    });
    await expect(device.perform(unwrapCall('text', like, route))).rejects.toMatchObject({ code: 'argument-invalid' });
    expect(await listKeys(device, { classes: ['secret'] })).toHaveLength(2);
  });
});

describe('a wrapping key', () => {
  it('is reported when the device widens it', async () => {
    const device = await bent({ personality: { defects: { widensWrappingKeys: true } } });
    const args = { purpose: 'wrapping', label: 'wide', 'modulus-bits': 2048 };
    const { violations } = await device.perform({ action: 'generate-rsa-key-pair', args });
    expect(violations.map(({ code }) => code)).toContain('wrapping-key-widened');
    expect(violations.map(({ message }) => message).join()).toContain('decrypt was asked to be false');
    const kek = { type: 'aes', bits: 256, label: 'kek', purpose: 'wrapping' };
    const transit = await device.perform({ action: 'generate-key', args: kek });
    expect(transit.violations.map(({ code }) => code)).toContain('wrapping-key-widened');
  });

  it.each([
    ['says that it is not local', new Uint8Array([0])],
    ['does not say whether it is local', null],
  ])('is reported when the device %s', async (_what, answer) => {
    const device = await bent({
      bend: (real) => ({
        C_GetAttributeValue: (session, object, types) =>
          real
            .C_GetAttributeValue(session, object, types)
            .map((reading) => (reading.type === CKA.LOCAL ? { ...reading, value: answer } : reading)),
      }),
    });
    const args = { purpose: 'wrapping', label: 'pair', 'modulus-bits': 2048 };
    const { violations } = await device.perform({ action: 'generate-rsa-key-pair', args });
    expect(violations.map(({ code }) => code)).toEqual(['wrapping-key-not-local']);
  });

  it('is reported when the device holds another public key than the one given', async () => {
    const device = await bent();
    const route = await makeRoute(device, device);
    const { outputs } = await device.perform({ action: 'export-public-key', args: { key: route.publicKey } });
    const swapping = await bent({
      bend: (real) => ({
        C_CreateObject: (session, template) => {
          const modulus = (attribute: Attribute): Attribute => {
            if (attribute.type !== CKA.MODULUS || !has(template, CKA.LABEL)) return attribute;
            const value = Uint8Array.from(attribute.value);
            value[100] = (value[100] ?? 0) ^ 1;
            return { ...attribute, value };
          };
          return real.C_CreateObject(session, template.map(modulus));
        },
      }),
    });
    const args = { 'public-key': outputs.pem, label: 'route', purpose: 'wrapping' };
    const { violations } = await swapping.perform({ action: 'import-public-key', args });
    expect(violations.map(({ code }) => code)).toEqual(['wrapping-key-swapped']);
  });

  it('shows its public half where the device hides the exponent of a private key, as long as that half is there', async () => {
    const hiding = (real: Cryptoki): Partial<Cryptoki> => ({
      C_GetAttributeValue: (session, object, types) => {
        const isPrivate = real.C_GetAttributeValue(session, object, [CKA.CLASS])[0]?.value?.[0] === CKO.PRIVATE_KEY;
        return real
          .C_GetAttributeValue(session, object, types)
          .map((reading) =>
            isPrivate && reading.type === CKA.PUBLIC_EXPONENT ? { ...reading, value: null } : reading,
          );
      },
    });
    const device = await bent({ bend: hiding });
    const route = await makeRoute(device, device);
    expect(Buffer.from(await device.publicKey(route.privateKey))).toEqual(
      Buffer.from(await device.publicKey(route.publicKey)),
    );
    for (const key of [route.publicKey, route.wrapper]) await device.perform({ action: 'delete-key', args: { key } });
    await expect(device.publicKey(route.privateKey)).rejects.toMatchObject({ code: 'capability-missing' });
  });

  it('is refused what is no public key', async () => {
    const device = await bent();
    const args = { 'public-key': { kind: 'public-key', pem: 'nothing' }, label: 'x', purpose: 'wrapping' };
    const call = { action: 'import-public-key', args };
    await expect(device.perform(call)).rejects.toMatchObject({ code: 'argument-invalid', outcome: 'not-applied' });
    const [findings] = await device.preview('import-public-key', [args], null);
    expect(findings?.[0]?.level).toBe('block');
  });
});

describe('wrapping', () => {
  it('refuses what the module would do: a key that is not extractable', async () => {
    const device = await bent({ personality: { defects: { wrapsUnextractable: true } } });
    const route = await makeRoute(device, device);
    const key = await makeKey(device, { extractable: false });
    await expect(device.perform(wrapCall(key, route))).rejects.toMatchObject({ code: 'key-not-extractable' });
  });

  it('refuses a key that wants a trusted wrapping key', async () => {
    const device = await bent();
    const route = await makeRoute(device, device);
    const key = await makeKey(device, { attributes: { 'wrap-with-trusted': true } });
    await expect(device.perform(wrapCall(key, route))).rejects.toMatchObject({ code: 'key-not-permitted' });
    const [findings] = await device.preview('wrap-key', [{ key, mechanism: 'rsa-oaep-sha1' }], null);
    expect(findings?.[0]).toMatchObject({ level: 'block' });
  });

  it('refuses a key that does not fit into RSA-OAEP, and notes one that needs a longer modulus', async () => {
    const device = await bent();
    const route = await makeRoute(device, device);
    const key = await makeKey(device, { type: 'generic-secret', bits: 1720, label: 'long' });
    await expect(device.perform(wrapCall(key, route))).rejects.toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
    });
    const [known] = await device.preview('wrap-key', [wrapCall(key, route).args], null);
    expect(known).toEqual([{ level: 'block', reason: 'its 215 bytes do not fit: rsa-oaep-sha1 takes at most 214' }]);
    const [unknown] = await device.preview('wrap-key', [{ key, mechanism: 'rsa-oaep-sha1' }], null);
    expect(unknown?.[0]?.level).toBe('note');
  });

  it('refuses a private key by policy, in the plan and in the run', async () => {
    const device = await bent();
    const route = await makeRoute(device, device);
    const args = { key: route.privateKey, 'wrapping-key': route.wrapper, mechanism: 'rsa-oaep-sha1' };
    await expect(device.perform({ action: 'wrap-key', args })).rejects.toMatchObject({ code: 'key-not-extractable' });
    const extractable = { ...args, key: route.privateKey };
    expect((await device.preview('wrap-key', [extractable], null))[0]?.[0]?.level).toBe('block');
  });

  it('takes no answer of the wrong length', async () => {
    let isShort = false;
    const device = await bent({
      bend: (real) => ({
        C_WrapKey: async (...args) => {
          const wrapped = await real.C_WrapKey(...args);
          return isShort ? wrapped.subarray(0, 32) : wrapped;
        },
      }),
    });
    const route = await makeRoute(device, device);
    const key = await makeKey(device);
    isShort = true;
    await expect(device.perform(wrapCall(key, route))).rejects.toMatchObject({ code: 'mechanism-invalid' });
  });
});

describe('what mechanisms mean', () => {
  const without =
    (number: number) =>
    (real: Cryptoki): Partial<Cryptoki> => ({
      C_GetMechanismList: (slot) => real.C_GetMechanismList(slot).filter((listed) => listed !== number),
    });
  const wrap = async (device: Device) => (await device.describe()).capabilities.wrap;

  it('does not offer a mechanism that the module does not list', async () => {
    expect(await wrap(await bent())).toContain('aes-kw');
    expect(await wrap(await bent({ bend: without(CKM.AES_KEY_WRAP) }))).not.toContain('aes-kw');
    expect(await wrap(await bent({ bend: without(CKM.RSA_PKCS_OAEP) }))).not.toContain('rsa-oaep-sha1');
  });

  it('does not offer a mechanism whose number turns out to mean something else', async () => {
    const swapped = (real: Cryptoki): Partial<Cryptoki> => ({
      C_WrapKey: (session, mechanism, wrapping, key) => {
        const type = mechanism.type === CKM.AES_KEY_WRAP ? CKM.AES_KEY_WRAP_KWP : mechanism.type;
        return real.C_WrapKey(session, { ...mechanism, type }, wrapping, key);
      },
    });
    const offered = await wrap(await bent({ bend: swapped }));
    expect(offered).not.toContain('aes-kw');
    expect(offered).toContain('aes-kwp');
  });

  it('does not offer RSA-OAEP of a module that uses another hash than it is told', async () => {
    const deaf = (real: Cryptoki): Partial<Cryptoki> => ({
      C_WrapKey: (session, mechanism, wrapping, key) => {
        const parameter = { kind: 'oaep', hash: CKM.SHA256, mgf: 2 } as const;
        const isOaep = mechanism.type === CKM.RSA_PKCS_OAEP;
        return real.C_WrapKey(session, isOaep ? { ...mechanism, parameter } : mechanism, wrapping, key);
      },
    });
    expect(await wrap(await bent({ bend: deaf }))).not.toContain('rsa-oaep-sha1');
  });

  it('believes the list where session keys are refused, but for an ambiguous number', async () => {
    const strict = (real: Cryptoki): Partial<Cryptoki> => ({
      C_GenerateKey: async (session, mechanism, template) => {
        const isSession = template.some(({ type, value }) => type === CKA.TOKEN && value[0] === 0);
        if (isSession) throw new CryptokiError('C_GenerateKey', CKR.TEMPLATE_INCONSISTENT);
        return await real.C_GenerateKey(session, mechanism, template);
      },
      C_GetMechanismList: (slot) => real.C_GetMechanismList(slot).filter((number) => number !== CKM.AES_KEY_WRAP_KWP),
    });
    const offered = await wrap(await bent({ bend: strict }));
    expect(offered).toEqual(['rsa-oaep-sha1', 'aes-kw']);
  });

  it('lets the devices file take away, not add', async () => {
    const device = await bent({ open: { capabilities: { wrap: ['aes-kw', 'aes-kw-pkcs5'], unwrap: [] } } });
    const { capabilities } = await device.describe();
    expect([capabilities.wrap, capabilities.unwrap]).toEqual([['aes-kw'], []]);
  });
});
