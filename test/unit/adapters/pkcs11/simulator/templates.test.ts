import { describe, expect, it } from 'vitest';
import { CKA, CKK, CKM, CKO, CKR, CKU } from '../../../../../src/adapters/pkcs11/constants.ts';
import { readUlong, ulongValue } from '../../../../../src/adapters/pkcs11/simulator/attribute-values.ts';
import { aModule, isSet, makeAes, makeRsa, OFFICER_PIN, shown } from '../../../../support/cryptoki-module.ts';
import { refusalOf, secretKey, slowRefusalOf, template } from '../../../../support/cryptoki-templates.ts';

const KEY = Buffer.alloc(16, 7);

describe('C_CreateObject', () => {
  const create = (values: object) => {
    const { module, session } = aModule();
    return () => module.C_CreateObject(session, secretKey({ VALUE: KEY, ...values }));
  };

  it('takes a secret key and shows it as imported', () => {
    const under = aModule();
    const key = under.module.C_CreateObject(
      under.session,
      secretKey({ VALUE: KEY, SENSITIVE: false, EXTRACTABLE: true }),
    );
    expect(shown(under, key, CKA.VALUE)).toEqual(new Uint8Array(KEY));
    expect(isSet(under, key, CKA.LOCAL)).toBe(false);
    expect(isSet(under, key, CKA.ALWAYS_SENSITIVE)).toBe(false);
    expect(isSet(under, key, CKA.NEVER_EXTRACTABLE)).toBe(false);
  });

  it.each([
    ['an attribute of no key', { MODULUS: KEY }, CKR.ATTRIBUTE_TYPE_INVALID],
    ['a read-only attribute', { LOCAL: true }, CKR.ATTRIBUTE_READ_ONLY],
    ['always-sensitive', { ALWAYS_SENSITIVE: true }, CKR.ATTRIBUTE_READ_ONLY],
    ['trusted, from a user', { TRUSTED: true }, CKR.ATTRIBUTE_READ_ONLY],
    ['a boolean of two bytes', { ENCRYPT: Buffer.from([1, 0]) }, CKR.ATTRIBUTE_VALUE_INVALID],
    ['a boolean that is neither', { ENCRYPT: Buffer.from([2]) }, CKR.ATTRIBUTE_VALUE_INVALID],
    ['a number of four bytes', { KEY_TYPE: Buffer.alloc(4) }, CKR.ATTRIBUTE_VALUE_INVALID],
    ['a class that is no key', { CLASS: CKO.DATA }, CKR.ATTRIBUTE_VALUE_INVALID],
    ['an AES key of 15 bytes', { VALUE: Buffer.alloc(15) }, CKR.ATTRIBUTE_VALUE_INVALID],
    ['a wrong check value', { CHECK_VALUE: Buffer.from('000000', 'hex') }, CKR.ATTRIBUTE_VALUE_INVALID],
  ])('refuses %s', (_what, values, refusal) => {
    expect(refusalOf(create(values))).toBe(refusal);
  });

  it('refuses a template without class, type or value', () => {
    const { module, session } = aModule();
    for (const values of [
      { KEY_TYPE: CKK.AES, VALUE: KEY },
      { CLASS: CKO.SECRET_KEY, VALUE: KEY },
      { CLASS: CKO.SECRET_KEY, KEY_TYPE: CKK.AES },
      { CLASS: CKO.PUBLIC_KEY, KEY_TYPE: CKK.RSA, MODULUS: KEY },
      { CLASS: CKO.PRIVATE_KEY, KEY_TYPE: CKK.RSA, MODULUS: KEY },
    ]) {
      expect(refusalOf(() => module.C_CreateObject(session, template(values)))).toBe(CKR.TEMPLATE_INCOMPLETE);
    }
  });

  it('refuses a template that contradicts itself', () => {
    const { module, session } = aModule();
    const twice = [...secretKey({ VALUE: KEY, WRAP: true }), ...template({ WRAP: false })];
    expect(refusalOf(() => module.C_CreateObject(session, twice))).toBe(CKR.TEMPLATE_INCONSISTENT);
    const labels = [...secretKey({ VALUE: KEY, LABEL: 'a' }), ...template({ LABEL: 'b' })];
    expect(refusalOf(() => module.C_CreateObject(session, labels))).toBe(CKR.TEMPLATE_INCONSISTENT);
  });

  it("does not keep the caller's bytes", () => {
    const under = aModule();
    const label = Buffer.from('before');
    const key = under.module.C_CreateObject(under.session, secretKey({ VALUE: KEY, LABEL: label }));
    label.write('after!');
    expect(Buffer.from(shown(under, key, CKA.LABEL) ?? []).toString()).toBe('before');
    shown(under, key, CKA.LABEL)?.fill(0);
    expect(Buffer.from(shown(under, key, CKA.LABEL) ?? []).toString()).toBe('before');
  });

  it('takes no secret keys in clear where the device does not', () => {
    const { module, session } = aModule({ personality: { createClasses: [CKO.PUBLIC_KEY] } });
    expect(refusalOf(() => module.C_CreateObject(session, secretKey({ VALUE: KEY })))).toBe(
      CKR.ATTRIBUTE_VALUE_INVALID,
    );
  });

  it('does not know attributes that the device does not', () => {
    const under = aModule({ personality: { unknownAttributes: [CKA.TRUSTED] } });
    const refused = () => under.module.C_CreateObject(under.session, secretKey({ VALUE: KEY, TRUSTED: false }));
    expect(refusalOf(refused)).toBe(CKR.ATTRIBUTE_TYPE_INVALID);
    const key = under.module.C_CreateObject(under.session, secretKey({ VALUE: KEY }));
    expect(shown(under, key, CKA.TRUSTED)).toBeNull();
  });

  it('gives a copied RSA pair the modulus of the original', async () => {
    const under = aModule();
    const { privateKey } = await makeRsa(under, {}, { SENSITIVE: false, EXTRACTABLE: true });
    const parts = [
      'MODULUS',
      'PUBLIC_EXPONENT',
      'PRIVATE_EXPONENT',
      'PRIME_1',
      'PRIME_2',
      'EXPONENT_1',
      'EXPONENT_2',
      'COEFFICIENT',
    ] as const;
    const values = Object.fromEntries(parts.map((name) => [name, shown(under, privateKey, CKA[name]) ?? KEY]));
    const copy = under.module.C_CreateObject(
      under.session,
      template({ CLASS: CKO.PRIVATE_KEY, KEY_TYPE: CKK.RSA, ...values }),
    );
    expect(shown(under, copy, CKA.MODULUS)).toEqual(shown(under, privateKey, CKA.MODULUS));
    expect(shown(under, copy, CKA.PRIME_1)).toBeNull();
    const broken = { ...values, MODULUS: KEY };
    expect(
      refusalOf(() =>
        under.module.C_CreateObject(under.session, template({ CLASS: CKO.PRIVATE_KEY, KEY_TYPE: CKK.RSA, ...broken })),
      ),
    ).toBe(CKR.ATTRIBUTE_VALUE_INVALID);
  });
});

describe('C_GenerateKey', () => {
  it('makes a local key whose history is written down', async () => {
    const under = aModule();
    const safe = await makeAes(under, { SENSITIVE: true, EXTRACTABLE: false });
    const loose = await makeAes(under, { SENSITIVE: false, EXTRACTABLE: true });
    const history = (key: bigint) =>
      [CKA.LOCAL, CKA.ALWAYS_SENSITIVE, CKA.NEVER_EXTRACTABLE].map((type) => isSet(under, key, type));
    expect(history(safe)).toEqual([true, true, true]);
    expect(history(loose)).toEqual([true, false, false]);
    expect(readUlong(shown(under, safe, CKA.KEY_GEN_MECHANISM) ?? new Uint8Array())).toBe(CKM.AES_KEY_GEN);
    expect(readUlong(shown(under, safe, CKA.VALUE_LEN) ?? new Uint8Array())).toBe(32);
  });

  it('shows CKA_VALUE of none but insensitive extractable keys', async () => {
    const under = aModule();
    const readable = async (values: object) => shown(under, await makeAes(under, values), CKA.VALUE) !== null;
    expect(await readable({ SENSITIVE: false, EXTRACTABLE: true })).toBe(true);
    expect(await readable({ SENSITIVE: true, EXTRACTABLE: true })).toBe(false);
    expect(await readable({ SENSITIVE: false, EXTRACTABLE: false })).toBe(false);
  });

  it('computes the check value: the encrypted zero block', async () => {
    const under = aModule();
    for (const [mechanism, ecb, bytes] of [
      [CKM.AES_KEY_GEN, CKM.AES_ECB, 16],
      [CKM.DES3_KEY_GEN, CKM.DES3_ECB, 8],
    ] as const) {
      const length = mechanism === CKM.AES_KEY_GEN ? { VALUE_LEN: 24 } : {};
      const key = await under.module.C_GenerateKey(
        under.session,
        { type: mechanism },
        template({ ENCRYPT: true, ...length }),
      );
      const block = await under.module.encrypt(under.session, { type: ecb }, key, new Uint8Array(bytes));
      expect(shown(under, key, CKA.CHECK_VALUE)).toEqual(new Uint8Array(block.subarray(0, 3)));
    }
  });

  it.each([
    ['no length', {}, CKR.TEMPLATE_INCOMPLETE],
    ['a length that AES has not', { VALUE_LEN: 20 }, CKR.ATTRIBUTE_VALUE_INVALID],
    ['a value', { VALUE_LEN: 16, VALUE: KEY }, CKR.ATTRIBUTE_READ_ONLY],
    ['another class', { VALUE_LEN: 16, CLASS: CKO.PUBLIC_KEY }, CKR.TEMPLATE_INCONSISTENT],
    ['another type', { VALUE_LEN: 16, KEY_TYPE: CKK.DES3 }, CKR.TEMPLATE_INCONSISTENT],
  ])('refuses %s', async (_what, values, refusal) => {
    const { module, session } = aModule();
    expect(await slowRefusalOf(module.C_GenerateKey(session, { type: CKM.AES_KEY_GEN }, template(values)))).toBe(
      refusal,
    );
  });

  it('refuses mechanisms that generate no key', async () => {
    const { module, session } = aModule();
    expect(await slowRefusalOf(module.C_GenerateKey(session, { type: CKM.AES_ECB }, []))).toBe(CKR.MECHANISM_INVALID);
    expect(await slowRefusalOf(module.C_GenerateKey(session, { type: 0x7777 }, []))).toBe(CKR.MECHANISM_INVALID);
  });

  it('refuses more keys than there is room for', async () => {
    const under = aModule({ personality: { keyLimits: [{ classes: [CKO.SECRET_KEY], count: 2 }] } });
    await makeAes(under);
    const last = await makeAes(under);
    expect(await slowRefusalOf(makeAes(under))).toBe(CKR.DEVICE_MEMORY);
    await makeAes(under, { TOKEN: false });
    under.module.C_DestroyObject(under.session, last);
    await makeAes(under);
  });

  it('refuses a second object of that class with an id, where ids are unique', async () => {
    const under = aModule({ personality: { uniqueIds: true } });
    await makeAes(under, { ID: 'one' });
    expect(await slowRefusalOf(makeAes(under, { ID: 'one' }))).toBe(CKR.ATTRIBUTE_VALUE_INVALID);
    await makeAes(under);
    await makeAes(under);
    await makeRsa(under, { ID: 'one', TOKEN: true }, { ID: 'one', TOKEN: true });
  });
});

describe('C_GenerateKeyPair', () => {
  it('makes an RSA pair whose halves belong together', async () => {
    const under = aModule();
    const { publicKey, privateKey } = await makeRsa(
      under,
      { PUBLIC_EXPONENT: Buffer.from([1, 0, 1]) },
      { SENSITIVE: true },
    );
    expect(shown(under, publicKey, CKA.MODULUS)).toHaveLength(256);
    expect(shown(under, publicKey, CKA.MODULUS)).toEqual(shown(under, privateKey, CKA.MODULUS));
    expect(shown(under, publicKey, CKA.MODULUS_BITS)).toEqual(ulongValue(2048));
    expect(shown(under, publicKey, CKA.PUBLIC_EXPONENT)).toEqual(Uint8Array.of(1, 0, 1));
    expect(shown(under, privateKey, CKA.PRIVATE_EXPONENT)).toBeNull();
    expect(isSet(under, privateKey, CKA.LOCAL)).toBe(true);
    expect(isSet(under, privateKey, CKA.WRAP)).toBeNull();
  });

  it('makes EC pairs on P-256, P-384, P-521 and secp256k1, and on no other curve', async () => {
    const under = aModule();
    for (const [params, pointBytes] of [
      ['06082a8648ce3d030107', 67],
      ['06052b81040022', 99],
      ['06052b81040023', 136],
      ['06052b8104000a', 67],
    ] as const) {
      const pair = await under.module.C_GenerateKeyPair(
        under.session,
        { type: CKM.EC_KEY_PAIR_GEN },
        template({ EC_PARAMS: Buffer.from(params, 'hex') }),
        [],
      );
      expect(shown(under, pair.publicKey, CKA.EC_POINT)).toHaveLength(pointBytes);
      const copy = template({
        CLASS: CKO.PUBLIC_KEY,
        KEY_TYPE: CKK.EC,
        EC_PARAMS: Buffer.from(params, 'hex'),
        EC_POINT: shown(under, pair.publicKey, CKA.EC_POINT) ?? KEY,
      });
      expect(shown(under, under.module.C_CreateObject(under.session, copy), CKA.EC_POINT)).toHaveLength(pointBytes);
    }
    const brainpool = template({ EC_PARAMS: Buffer.from('06092b2403030208010107', 'hex') });
    const other = under.module.C_GenerateKeyPair(under.session, { type: CKM.EC_KEY_PAIR_GEN }, brainpool, []);
    expect(await slowRefusalOf(other)).toBe(CKR.ATTRIBUTE_VALUE_INVALID);
  });

  it.each([
    ['no modulus bits', {}, CKR.TEMPLATE_INCOMPLETE],
    ['1024 bits', { MODULUS_BITS: 1024 }, CKR.KEY_SIZE_RANGE],
    ['an even exponent', { MODULUS_BITS: 2048, PUBLIC_EXPONENT: Buffer.from([4]) }, CKR.ATTRIBUTE_VALUE_INVALID],
  ])('refuses %s', async (_what, values, refusal) => {
    const { module, session } = aModule();
    const pair = module.C_GenerateKeyPair(session, { type: CKM.RSA_PKCS_KEY_PAIR_GEN }, template(values), []);
    expect(await slowRefusalOf(pair)).toBe(refusal);
  });

  it('makes neither half when there is room for one only', async () => {
    const under = aModule({
      personality: { keyLimits: [{ classes: [CKO.PUBLIC_KEY, CKO.PRIVATE_KEY], count: 1 }] },
    });
    expect(await slowRefusalOf(makeRsa(under, { TOKEN: true }, { TOKEN: true }))).toBe(CKR.DEVICE_MEMORY);
    expect(under.module.findObjects(under.session, [])).toEqual([]);
  });
});

describe('C_SetAttributeValue', () => {
  const change = async (made: object, values: object) => {
    const under = aModule();
    const key = await makeAes(under, made);
    return { under, key, set: () => under.module.C_SetAttributeValue(under.session, key, template(values)) };
  };

  it('changes label, id and usage', async () => {
    const { under, key, set } = await change({ WRAP: true }, { LABEL: 'new', ID: 'id', WRAP: false });
    set();
    expect(Buffer.from(shown(under, key, CKA.LABEL) ?? []).toString()).toBe('new');
    expect(isSet(under, key, CKA.WRAP)).toBe(false);
    expect(under.module.findObjects(under.session, template({ LABEL: 'new' }))).toEqual([key]);
  });

  it.each([
    ['sensitive to true', { SENSITIVE: false }, { SENSITIVE: true }],
    ['extractable to false', { EXTRACTABLE: true }, { EXTRACTABLE: false }],
    ['wrap-with-trusted to true', {}, { WRAP_WITH_TRUSTED: true }],
    ['copyable to false', {}, { COPYABLE: false }],
  ])('changes %s, and not back', async (_what, made, values) => {
    const { under, key, set } = await change(made, values);
    set();
    const back = template(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, !value])));
    expect(refusalOf(() => under.module.C_SetAttributeValue(under.session, key, back))).toBe(CKR.ATTRIBUTE_READ_ONLY);
  });

  it('does not rewrite history', async () => {
    const { under, key, set } = await change(
      { SENSITIVE: false, EXTRACTABLE: true },
      { SENSITIVE: true, EXTRACTABLE: false },
    );
    set();
    expect(isSet(under, key, CKA.ALWAYS_SENSITIVE)).toBe(false);
    expect(isSet(under, key, CKA.NEVER_EXTRACTABLE)).toBe(false);
  });

  it.each([
    ['the class', { CLASS: CKO.SECRET_KEY }, CKR.ATTRIBUTE_READ_ONLY],
    ['token', { TOKEN: false }, CKR.ATTRIBUTE_READ_ONLY],
    ['the value', { VALUE: KEY }, CKR.ATTRIBUTE_READ_ONLY],
    ['local', { LOCAL: false }, CKR.ATTRIBUTE_READ_ONLY],
    ['trusted, by a user', { TRUSTED: true }, CKR.ATTRIBUTE_READ_ONLY],
    ['a modulus', { MODULUS: KEY }, CKR.ATTRIBUTE_TYPE_INVALID],
    ['usage to nonsense', { WRAP: Buffer.from([3]) }, CKR.ATTRIBUTE_VALUE_INVALID],
  ])('refuses to change %s', async (_what, values, refusal) => {
    expect(refusalOf((await change({}, values)).set)).toBe(refusal);
  });

  it('changes nothing when one attribute is refused', async () => {
    const { under, key, set } = await change({ LABEL: 'old' }, { LABEL: 'new', TOKEN: false });
    expect(refusalOf(set)).toBe(CKR.ATTRIBUTE_READ_ONLY);
    expect(Buffer.from(shown(under, key, CKA.LABEL) ?? []).toString()).toBe('old');
  });

  it('refuses unmodifiable and undestroyable objects', async () => {
    const { under, set } = await change({ MODIFIABLE: false }, { LABEL: 'new' });
    expect(refusalOf(set)).toBe(CKR.ACTION_PROHIBITED);
    const kept = await makeAes(under, { DESTROYABLE: false });
    expect(refusalOf(() => under.module.C_DestroyObject(under.session, kept))).toBe(CKR.ACTION_PROHIBITED);
  });

  it('lets the SO trust a public object', async () => {
    const under = aModule();
    const { module, session } = under;
    const { publicKey } = await makeRsa(under, { TOKEN: true, WRAP: true });
    module.C_Logout(session);
    module.C_Login(session, CKU.SO, OFFICER_PIN);
    module.C_SetAttributeValue(session, publicKey, template({ TRUSTED: true }));
    expect(isSet(under, publicKey, CKA.TRUSTED)).toBe(true);
  });

  it('changes only what the device changes at all', async () => {
    const none = aModule({ personality: { changeable: [] } });
    const key = await makeAes(none);
    const set = () => none.module.C_SetAttributeValue(none.session, key, template({ LABEL: 'new' }));
    expect(refusalOf(set)).toBe(CKR.ATTRIBUTE_READ_ONLY);
    const some = aModule({ personality: { changeable: [CKA.DESTROYABLE] } });
    const other = await makeAes(some);
    some.module.C_SetAttributeValue(some.session, other, template({ DESTROYABLE: false }));
    expect(isSet(some, other, CKA.DESTROYABLE)).toBe(false);
  });
});

describe('C_DestroyObject', () => {
  it('destroys once', async () => {
    const under = aModule();
    const key = await makeAes(under);
    under.module.C_DestroyObject(under.session, key);
    expect(refusalOf(() => under.module.C_DestroyObject(under.session, key))).toBe(CKR.OBJECT_HANDLE_INVALID);
    expect(refusalOf(() => under.module.C_GetAttributeValue(under.session, 0n, [CKA.LABEL]))).toBe(
      CKR.OBJECT_HANDLE_INVALID,
    );
  });
});
