import { describe, expect, it } from 'vitest';
import { CKA, CKG, CKK, CKM, CKO, CKR } from '../../../../../src/adapters/pkcs11/constants.ts';
import type { Handle, Mechanism } from '../../../../../src/adapters/pkcs11/cryptoki.ts';
import { encodeTemplate } from '../../../../../src/adapters/pkcs11/simulator/attribute-values.ts';
import { GENERIC_MECHANISMS } from '../../../../../src/adapters/pkcs11/simulator/mechanism-table.ts';
import {
  aModule,
  isSet,
  type ModuleUnderTest,
  makeAes,
  makeRsa,
  oaep,
  shown,
} from '../../../../support/cryptoki-module.ts';
import { secretKey, slowRefusalOf, type TemplateValues, template } from '../../../../support/cryptoki-templates.ts';

const KW: Mechanism = { type: CKM.AES_KEY_WRAP };
const KWP: Mechanism = { type: CKM.AES_KEY_WRAP_KWP };
const PROBE = Buffer.alloc(32, 5);

const ecbOf = ({ module, session }: ModuleUnderTest, key: Handle) =>
  module.encrypt(session, { type: CKM.AES_ECB }, key, PROBE);

const wrap = (under: ModuleUnderTest, mechanism: Mechanism, wrappingKey: Handle, key: Handle) =>
  under.module.C_WrapKey(under.session, mechanism, wrappingKey, key);

const unwrap = (
  under: ModuleUnderTest,
  mechanism: Mechanism,
  key: Handle,
  wrapped: Uint8Array,
  values: TemplateValues = {},
) => under.module.C_UnwrapKey(under.session, mechanism, key, wrapped, secretKey(values));

describe('wrapping and unwrapping', () => {
  it.each([
    ['SHA-1', CKM.SHA_1, CKG.MGF1_SHA1],
    ['SHA-256', CKM.SHA256, CKG.MGF1_SHA256],
    ['SHA-384', CKM.SHA384, CKG.MGF1_SHA384],
    ['SHA-512', CKM.SHA512, CKG.MGF1_SHA512],
  ])('moves a key by RSA-OAEP with %s', async (_name, hash, mgf) => {
    const under = aModule();
    const pair = await makeRsa(under);
    const key = await makeAes(under, { EXTRACTABLE: true });
    const wrapped = await wrap(under, oaep(hash, mgf), pair.publicKey, key);
    expect(wrapped).toHaveLength(256);
    const copy = await unwrap(under, oaep(hash, mgf), pair.privateKey, wrapped);
    expect(await ecbOf(under, copy)).toEqual(await ecbOf(under, key));
    expect(shown(under, copy, CKA.CHECK_VALUE)).toEqual(shown(under, key, CKA.CHECK_VALUE));
  });

  it('shows the arrived key as what it is', async () => {
    const under = aModule();
    const kek = await makeAes(under);
    const wrapped = await wrap(under, KWP, kek, await makeAes(under, { EXTRACTABLE: true }));
    const copy = await unwrap(under, KWP, kek, wrapped, { LABEL: 'arrived', SENSITIVE: true, EXTRACTABLE: false });
    for (const type of [CKA.LOCAL, CKA.ALWAYS_SENSITIVE, CKA.NEVER_EXTRACTABLE, CKA.EXTRACTABLE]) {
      expect(isSet(under, copy, type)).toBe(false);
    }
    expect(shown(under, copy, CKA.KEY_GEN_MECHANISM)).toEqual(new Uint8Array(8).fill(255));
    expect(shown(under, copy, CKA.VALUE)).toBeNull();
  });

  it('moves RSA and EC private keys as PKCS#8 under KWP, where the policy lets it', async () => {
    const under = aModule();
    const kek = await makeAes(under);
    const pair = await makeRsa(under, {}, { EXTRACTABLE: true });
    const values = { CLASS: CKO.PRIVATE_KEY, KEY_TYPE: CKK.RSA };
    const copy = await unwrap(under, KWP, kek, await wrap(under, KWP, kek, pair.privateKey), values);
    expect(shown(under, copy, CKA.MODULUS)).toEqual(shown(under, pair.publicKey, CKA.MODULUS));
    const ec = await under.module.C_GenerateKeyPair(
      under.session,
      { type: CKM.EC_KEY_PAIR_GEN },
      template({ EC_PARAMS: Buffer.from('06082a8648ce3d030107', 'hex') }),
      template({ EXTRACTABLE: true }),
    );
    const wrappedEc = await wrap(under, KWP, kek, ec.privateKey);
    await unwrap(under, KWP, kek, wrappedEc, { CLASS: CKO.PRIVATE_KEY, KEY_TYPE: CKK.EC });
    expect(await slowRefusalOf(unwrap(under, KWP, kek, wrappedEc, values))).toBe(CKR.TEMPLATE_INCONSISTENT);
    const strict = aModule({ personality: { privateKeysWrappable: false } });
    const other = await makeRsa(strict, {}, { EXTRACTABLE: true });
    expect(await slowRefusalOf(wrap(strict, KWP, await makeAes(strict), other.privateKey))).toBe(CKR.KEY_NOT_WRAPPABLE);
  });
});

describe('C_WrapKey refuses', () => {
  it('what the keys do not permit', async () => {
    const under = aModule();
    const kek = await makeAes(under);
    const key = await makeAes(under, { EXTRACTABLE: true });
    const cannotWrap = await makeAes(under, { WRAP: false });
    const stuck = await makeAes(under, { EXTRACTABLE: false });
    const demanding = await makeAes(under, { EXTRACTABLE: true, WRAP_WITH_TRUSTED: true });
    const pair = await makeRsa(under, {}, { EXTRACTABLE: true });
    const refusals = [
      [await slowRefusalOf(wrap(under, KW, 0n, key)), CKR.WRAPPING_KEY_HANDLE_INVALID],
      [await slowRefusalOf(wrap(under, KW, kek, 0n)), CKR.KEY_HANDLE_INVALID],
      [await slowRefusalOf(wrap(under, KW, cannotWrap, key)), CKR.KEY_FUNCTION_NOT_PERMITTED],
      [await slowRefusalOf(wrap(under, KW, kek, stuck)), CKR.KEY_UNEXTRACTABLE],
      [await slowRefusalOf(wrap(under, KW, kek, demanding)), CKR.KEY_NOT_WRAPPABLE],
      [await slowRefusalOf(wrap(under, KW, kek, pair.publicKey)), CKR.KEY_NOT_WRAPPABLE],
      [await slowRefusalOf(wrap(under, oaep(), pair.publicKey, pair.privateKey)), CKR.KEY_NOT_WRAPPABLE],
      [await slowRefusalOf(wrap(under, oaep(), kek, key)), CKR.WRAPPING_KEY_TYPE_INCONSISTENT],
      [await slowRefusalOf(wrap(under, KW, pair.publicKey, key)), CKR.WRAPPING_KEY_TYPE_INCONSISTENT],
      [await slowRefusalOf(wrap(under, { type: CKM.AES_ECB }, kek, key)), CKR.MECHANISM_INVALID],
      [await slowRefusalOf(wrap(under, { type: CKM.RSA_PKCS_OAEP }, pair.publicKey, key)), CKR.MECHANISM_PARAM_INVALID],
      [
        await slowRefusalOf(wrap(under, oaep(CKM.SHA256, CKG.MGF1_SHA1), pair.publicKey, key)),
        CKR.MECHANISM_PARAM_INVALID,
      ],
    ];
    for (const [refusal, wanted] of refusals) expect(refusal).toBe(wanted);
  });

  it('payloads that do not fit', async () => {
    const under = aModule();
    const pair = await makeRsa(under);
    const kek = await makeAes(under);
    const generic = (bytes: number) =>
      under.module.C_GenerateKey(
        under.session,
        { type: CKM.GENERIC_SECRET_KEY_GEN },
        template({ VALUE_LEN: bytes, EXTRACTABLE: true }),
      );
    expect(await wrap(under, oaep(), pair.publicKey, await generic(214))).toHaveLength(256);
    expect(await slowRefusalOf(wrap(under, oaep(), pair.publicKey, await generic(215)))).toBe(CKR.KEY_SIZE_RANGE);
    expect(await slowRefusalOf(wrap(under, KW, kek, await generic(17)))).toBe(CKR.KEY_SIZE_RANGE);
    expect(await wrap(under, KWP, kek, await generic(17))).toHaveLength(32);
  });

  it('OAEP with other hashes than SHA-1 on a device that has no other', async () => {
    const mechanisms = GENERIC_MECHANISMS.map(({ oaep: _oaep, ...row }) => row);
    const under = aModule({ personality: { mechanisms } });
    const pair = await makeRsa(under);
    const key = await makeAes(under, { EXTRACTABLE: true });
    await wrap(under, oaep(), pair.publicKey, key);
    const refusal = await slowRefusalOf(wrap(under, oaep(CKM.SHA256, CKG.MGF1_SHA256), pair.publicKey, key));
    expect(refusal).toBe(CKR.MECHANISM_PARAM_INVALID);
  });

  it('keys that do not match CKA_WRAP_TEMPLATE', async () => {
    const under = aModule();
    const kek = await makeAes(under, {
      WRAP_TEMPLATE: encodeTemplate(template({ KEY_TYPE: CKK.AES, SENSITIVE: true })),
    });
    await wrap(under, KW, kek, await makeAes(under, { EXTRACTABLE: true, SENSITIVE: true }));
    const open = await makeAes(under, { EXTRACTABLE: true, SENSITIVE: false });
    expect(await slowRefusalOf(wrap(under, KW, kek, open))).toBe(CKR.KEY_HANDLE_INVALID);
  });
});

describe('C_UnwrapKey refuses', () => {
  const setUp = async (personality = {}) => {
    const under = aModule({ personality });
    const kek = await makeAes(under);
    const wrapped = await wrap(under, KWP, kek, await makeAes(under, { EXTRACTABLE: true }));
    return { under, kek, wrapped };
  };

  it('what the key and the template do not permit, and leaves nothing behind', async () => {
    const { under, kek, wrapped } = await setUp();
    const cannot = await makeAes(under, { UNWRAP: false });
    const pair = await makeRsa(under);
    const before = under.module.findObjects(under.session, []).length;
    const withTemplate = (values: TemplateValues) =>
      slowRefusalOf(under.module.C_UnwrapKey(under.session, KWP, kek, wrapped, template(values)));
    const refusals = [
      [await slowRefusalOf(unwrap(under, KWP, 0n, wrapped)), CKR.UNWRAPPING_KEY_HANDLE_INVALID],
      [await slowRefusalOf(unwrap(under, KWP, cannot, wrapped)), CKR.KEY_FUNCTION_NOT_PERMITTED],
      [await slowRefusalOf(unwrap(under, oaep(), pair.publicKey, wrapped)), CKR.UNWRAPPING_KEY_TYPE_INCONSISTENT],
      [await slowRefusalOf(unwrap(under, oaep(), kek, wrapped)), CKR.UNWRAPPING_KEY_TYPE_INCONSISTENT],
      [await slowRefusalOf(unwrap(under, { type: CKM.AES_CMAC }, kek, wrapped)), CKR.MECHANISM_INVALID],
      [await slowRefusalOf(unwrap(under, oaep(), pair.privateKey, wrapped)), CKR.WRAPPED_KEY_LEN_RANGE],
      [await slowRefusalOf(unwrap(under, oaep(), pair.privateKey, new Uint8Array(256))), CKR.WRAPPED_KEY_INVALID],
      [await slowRefusalOf(unwrap(under, KWP, kek, wrapped.subarray(1))), CKR.WRAPPED_KEY_LEN_RANGE],
      [
        await slowRefusalOf(unwrap(under, KWP, await makeAes(under, { TOKEN: false, LABEL: 'x' }), wrapped)),
        CKR.WRAPPED_KEY_INVALID,
      ],
      [await slowRefusalOf(unwrap(under, KWP, kek, wrapped, { KEY_TYPE: CKK.DES3 })), CKR.WRAPPED_KEY_LEN_RANGE],
      [await slowRefusalOf(unwrap(under, KWP, kek, wrapped, { VALUE: PROBE })), CKR.ATTRIBUTE_READ_ONLY],
      [await slowRefusalOf(unwrap(under, KWP, kek, wrapped, { VALUE_LEN: 32 })), CKR.ATTRIBUTE_READ_ONLY],
      [
        await slowRefusalOf(unwrap(under, KWP, kek, wrapped, { CLASS: CKO.PRIVATE_KEY, KEY_TYPE: CKK.RSA })),
        CKR.WRAPPED_KEY_INVALID,
      ],
      [await withTemplate({ CLASS: CKO.SECRET_KEY }), CKR.TEMPLATE_INCOMPLETE],
      [await withTemplate({ CLASS: CKO.PUBLIC_KEY, KEY_TYPE: CKK.RSA }), CKR.ATTRIBUTE_VALUE_INVALID],
    ];
    for (const [index, [refusal, wanted]] of refusals.entries()) expect(refusal, `case ${index}`).toBe(wanted);
    expect(under.module.findObjects(under.session, [])).toHaveLength(before + 1);
  });

  it('templates without or with a length, as the device wants it', async () => {
    const demanding = await setUp({ valueLenOnUnwrap: 'required' });
    expect(await slowRefusalOf(unwrap(demanding.under, KWP, demanding.kek, demanding.wrapped))).toBe(
      CKR.TEMPLATE_INCOMPLETE,
    );
    await unwrap(demanding.under, KWP, demanding.kek, demanding.wrapped, { VALUE_LEN: 32 });
    const wrong = unwrap(demanding.under, KWP, demanding.kek, demanding.wrapped, { VALUE_LEN: 16 });
    expect(await slowRefusalOf(wrong)).toBe(CKR.TEMPLATE_INCONSISTENT);
    const averse = await setUp({ valueLenOnUnwrap: 'rejected' });
    const refusal = await slowRefusalOf(unwrap(averse.under, KWP, averse.kek, averse.wrapped, { VALUE_LEN: 32 }));
    expect(refusal).toBe(CKR.ATTRIBUTE_READ_ONLY);
    await unwrap(averse.under, KWP, averse.kek, averse.wrapped);
  });

  it('templates that contradict CKA_UNWRAP_TEMPLATE, and fills in the rest of it', async () => {
    const { under, wrapped, kek } = await setUp();
    const rule = encodeTemplate(template({ EXTRACTABLE: false, DERIVE: true }));
    const strict = await makeAes(under, { UNWRAP_TEMPLATE: rule });
    const rewrapped = await wrap(under, KWP, strict, await unwrap(under, KWP, kek, wrapped, { EXTRACTABLE: true }));
    const arrived = await unwrap(under, KWP, strict, rewrapped, { EXTRACTABLE: false });
    expect(isSet(under, arrived, CKA.DERIVE)).toBe(true);
    const refusal = await slowRefusalOf(unwrap(under, KWP, strict, rewrapped, { EXTRACTABLE: true }));
    expect(refusal).toBe(CKR.TEMPLATE_INCONSISTENT);
  });

  it('a key for which the session ended meanwhile', async () => {
    const under = aModule();
    const pair = await makeRsa(under);
    const wrapped = await wrap(
      under,
      oaep(),
      pair.publicKey,
      await makeAes(under, { EXTRACTABLE: true, TOKEN: false }),
    );
    const other = under.module.C_OpenSession(0n);
    const pending = under.module.C_UnwrapKey(other, oaep(), pair.privateKey, wrapped, secretKey());
    under.module.C_CloseSession(other);
    expect(await slowRefusalOf(pending)).toBe(CKR.SESSION_HANDLE_INVALID);
    expect(under.module.findObjects(under.session, template({ TOKEN: true }))).toEqual([]);
  });
});

describe('defects in the field', () => {
  it('wraps unextractable keys where the module is bad', async () => {
    const under = aModule({ personality: { defects: { wrapsUnextractable: true } } });
    const kek = await makeAes(under);
    expect(await wrap(under, KW, kek, await makeAes(under, { EXTRACTABLE: false }))).toHaveLength(40);
  });

  it('makes unwrapped keys extractable where the firmware is Luna SA 5.1', async () => {
    const under = aModule({ personality: { defects: { unwrappedExtractable: true } } });
    const kek = await makeAes(under);
    const wrapped = await wrap(under, KW, kek, await makeAes(under, { EXTRACTABLE: true }));
    expect(isSet(under, await unwrap(under, KW, kek, wrapped, { EXTRACTABLE: false }), CKA.EXTRACTABLE)).toBe(true);
  });

  it('widens wrapping keys where the device does', async () => {
    const under = aModule({ personality: { defects: { widensWrappingKeys: true } } });
    const pair = await makeRsa(under, { WRAP: true, ENCRYPT: false }, { UNWRAP: true, DECRYPT: false });
    expect(isSet(under, pair.privateKey, CKA.DECRYPT)).toBe(true);
    expect(isSet(under, pair.publicKey, CKA.ENCRYPT)).toBe(true);
    const sound = aModule();
    const narrow = await makeRsa(sound, { WRAP: true, ENCRYPT: false }, { UNWRAP: true, DECRYPT: false });
    expect(isSet(sound, narrow.privateKey, CKA.DECRYPT)).toBe(false);
  });

  it('shows an empty check value on unwrapped keys, as SoftHSM does', async () => {
    const under = aModule({ personality: { checkValueOnUnwrap: 'empty' } });
    const kek = await makeAes(under);
    const wrapped = await wrap(under, KW, kek, await makeAes(under, { EXTRACTABLE: true }));
    expect(shown(under, await unwrap(under, KW, kek, wrapped), CKA.CHECK_VALUE)).toHaveLength(0);
    expect(shown(under, kek, CKA.CHECK_VALUE)).toHaveLength(3);
  });
});
