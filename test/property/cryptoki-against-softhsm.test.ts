/** Random call sequences get the same answers from the simulated module and from SoftHSM 2.6.1, and wrapping loses no key. */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CKA, CKG, CKK, CKM, CKO, CKU } from '../../src/adapters/pkcs11/constants.ts';
import type { Cryptoki, Handle, Mechanism } from '../../src/adapters/pkcs11/cryptoki.ts';
import { loadNativeModule } from '../../src/adapters/pkcs11/native/native-module.ts';
import { aModule, oaep } from '../support/cryptoki-module.ts';
import { ModulePair, type Side } from '../support/cryptoki-pair.ts';
import { type AttributeKey, type TemplateValues, template } from '../support/cryptoki-templates.ts';
import { makeSoftHsmToken, useSoftHsm } from '../support/softhsm.ts';
import { isAllowed } from './cryptoki-differences.ts';

const SESSION = { TOKEN: false } as const;
const KW: Mechanism = { type: CKM.AES_KEY_WRAP };
/** SoftHSM's CKM_AES_KEY_WRAP_PAD is RFC 5649. */
const KWP: Mechanism = { type: CKM.AES_KEY_WRAP_PAD };

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = rsa.privateKey.export({ format: 'jwk' });
const part = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
const PUBLIC_RSA = {
  CLASS: CKO.PUBLIC_KEY,
  KEY_TYPE: CKK.RSA,
  MODULUS: part(jwk.n),
  PUBLIC_EXPONENT: part(jwk.e),
  ...SESSION,
};
const PRIVATE_RSA = {
  ...PUBLIC_RSA,
  CLASS: CKO.PRIVATE_KEY,
  PRIVATE_EXPONENT: part(jwk.d),
  PRIME_1: part(jwk.p),
  PRIME_2: part(jwk.q),
  EXPONENT_1: part(jwk.dp),
  EXPONENT_2: part(jwk.dq),
  COEFFICIENT: part(jwk.qi),
};

let ours: Side;
let softHsm: Side;

beforeAll(async () => {
  const token = makeSoftHsmToken({ label: 'property' });
  useSoftHsm(token);
  const module = await loadNativeModule({ path: token.module });
  const slot = module.C_GetSlotList(true).find((each) => module.C_GetTokenInfo(each).label === token.token);
  if (slot === undefined) throw new Error('SoftHSM does not show the token that was just made');
  softHsm = { module, slot, pin: token.pin };
  const { module: simulated, session } = aModule({ login: false });
  simulated.C_CloseSession(session);
  ours = { module: simulated, slot: 0n, pin: '1234' };
});

afterAll(() => softHsm.module.C_Finalize());

// ---------------------------------------------------------------- random sequences

const BOOLEANS = [
  ...['PRIVATE', 'MODIFIABLE', 'SENSITIVE', 'EXTRACTABLE', 'ENCRYPT', 'DECRYPT', 'SIGN', 'VERIFY', 'WRAP', 'UNWRAP'],
  ...['DERIVE', 'WRAP_WITH_TRUSTED', 'TRUSTED'],
] as AttributeKey[];
const LABELS = ['a', 'b', ''];

const booleans = fc.dictionary(fc.constantFrom(...BOOLEANS), fc.boolean(), { maxKeys: 5 });
const named = fc.record({ LABEL: fc.constantFrom(...LABELS), ID: fc.constantFrom('', 'id') }, { requiredKeys: [] });
/** Most templates are sound; some have a value, an attribute or a length that does not belong there. */
const flaw: fc.Arbitrary<TemplateValues> = fc.oneof(
  { weight: 12, arbitrary: fc.constant({}) },
  fc.constantFrom<TemplateValues>(
    { LOCAL: true },
    { ALWAYS_SENSITIVE: true },
    { MODULUS: Buffer.alloc(16) },
    { ENCRYPT: Buffer.from([2]) },
    { ENCRYPT: Buffer.from([1, 0]) },
    { TRUSTED: true },
    { KEY_GEN_MECHANISM: 1 },
  ),
);
const keyTemplate = fc
  .tuple(booleans, named, flaw)
  .map(([flags, names, odd]): TemplateValues => ({ ...SESSION, ...flags, ...names, ...odd }));
const object = fc.nat({ max: 9 });
const secretValue = fc.constantFrom(Buffer.alloc(16, 1), Buffer.alloc(24, 2), Buffer.alloc(32, 3), Buffer.alloc(15, 4));
const transportMechanism = fc.constantFrom(KW, KWP, oaep());

type Command = (pair: ModulePair) => Promise<void>;

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: keyTemplate.map(
      (values): Command =>
        (pair) =>
          pair.generate(CKM.AES_KEY_GEN, template({ VALUE_LEN: 32, ...values })),
    ),
  },
  keyTemplate.map(
    (values): Command =>
      (pair) =>
        pair.generate(CKM.DES3_KEY_GEN, template(values)),
  ),
  keyTemplate.map(
    (values): Command =>
      (pair) =>
        pair.generate(CKM.GENERIC_SECRET_KEY_GEN, template({ VALUE_LEN: 20, ...values })),
  ),
  {
    weight: 3,
    arbitrary: fc.tuple(keyTemplate, secretValue).map(
      ([values, VALUE]): Command =>
        (pair) =>
          pair.create(template({ CLASS: CKO.SECRET_KEY, KEY_TYPE: CKK.AES, VALUE, ...values })),
    ),
  },
  booleans.map(
    (values): Command =>
      (pair) =>
        pair.create(template({ ...PUBLIC_RSA, ...pick(values, ['PRIVATE', 'WRAP', 'ENCRYPT', 'VERIFY']) })),
  ),
  booleans.map(
    (values): Command =>
      (pair) =>
        pair.create(template({ ...PRIVATE_RSA, ...pick(values, ['UNWRAP', 'DECRYPT', 'SENSITIVE', 'EXTRACTABLE']) })),
  ),
  fc.tuple(object, booleans, flaw).map(
    ([key, values, odd]): Command =>
      (pair) =>
        pair.change(key, template({ ...values, ...odd })),
  ),
  fc.tuple(object, named).map(
    ([key, values]): Command =>
      (pair) =>
        pair.change(key, template(values)),
  ),
  object.map(
    (key): Command =>
      (pair) =>
        pair.destroy(key),
  ),
  {
    weight: 4,
    arbitrary: object.map(
      (key): Command =>
        (pair) =>
          pair.read(key),
    ),
  },
  fc.oneof(named, booleans).map(
    (values): Command =>
      (pair) =>
        pair.find(template(values)),
  ),
  fc.tuple(object, fc.constantFrom('encrypt', 'decrypt'), fc.constantFrom(16, 32, 31)).map(
    ([key, call, length]): Command =>
      (pair) =>
        pair.use(call, { type: CKM.AES_ECB }, key, Buffer.alloc(length, 6)),
  ),
  object.map(
    (key): Command =>
      (pair) =>
        pair.use('sign', { type: CKM.AES_CMAC }, key, Buffer.alloc(20, 6)),
  ),
  {
    weight: 5,
    arbitrary: fc
      .record({
        mechanism: transportMechanism,
        wrappingKey: object,
        unwrappingKey: object,
        key: object,
        damage: fc.constantFrom('none', 'none', 'flip', 'cut'),
        attributes: fc
          .tuple(fc.constantFrom<number>(CKK.AES, CKK.DES3, CKK.GENERIC_SECRET), keyTemplate)
          .map(([KEY_TYPE, values]) => template({ CLASS: CKO.SECRET_KEY, KEY_TYPE, ...values })),
      } as const)
      .map(
        (parts): Command =>
          (pair) =>
            pair.transport(parts),
      ),
  },
  fc.constant<Command>((pair) => pair.logout()),
  {
    weight: 2,
    arbitrary: fc.constantFrom(undefined, undefined, 'wrong-pin').map(
      (pin): Command =>
        (pair) =>
          pair.login(pin),
    ),
  },
);

function pick(values: Readonly<Record<string, boolean>>, names: readonly string[]): TemplateValues {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}

describe('the simulated module and SoftHSM', () => {
  it('agree on random sequences of calls', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 60, size: 'max' }), async (commands) => {
        const pair = new ModulePair(ours, softHsm, isAllowed);
        await pair.open();
        try {
          await pair.login();
          for (const run of commands) await run(pair);
          compared += pair.count;
        } finally {
          pair.close();
        }
        expect(
          pair.disagreements.map((each) => each.text),
          pair.trace.join('\n'),
        ).toEqual([]);
      }),
      { numRuns: 60 },
    );
    // The sequences must make objects, or there is nothing to agree on.
    expect(compared).toBeGreaterThan(300);
  }, 120_000);
});

// ---------------------------------------------------------------- nothing is lost on the way

interface End {
  readonly module: Cryptoki;
  readonly session: Handle;
}

const endOf = (side: Side): End => {
  const session = side.module.C_OpenSession(side.slot);
  side.module.C_Login(session, CKU.USER, side.pin);
  return { module: side.module, session };
};

const KEY_TYPES = [
  ['AES-128', CKK.AES, 16],
  ['AES-192', CKK.AES, 24],
  ['AES-256', CKK.AES, 32],
  ['3DES', CKK.DES3, 24],
  ['generic', CKK.GENERIC_SECRET, 48],
] as const;
const KEK = Buffer.alloc(32, 0x5a);
const readable = { SENSITIVE: false, EXTRACTABLE: true, ...SESSION };
const secret = (KEY_TYPE: number, values: TemplateValues) =>
  template({ CLASS: CKO.SECRET_KEY, KEY_TYPE, ...readable, ...values });

interface WrappingPair {
  readonly mechanism: Mechanism;
  readonly wrappingKey: (end: End) => Handle;
  readonly unwrappingKey: (end: End) => Handle;
}

const makeKek = (end: End): Handle =>
  end.module.C_CreateObject(end.session, secret(CKK.AES, { VALUE: KEK, WRAP: true, UNWRAP: true }));
const byRsa = (mechanism: Mechanism): WrappingPair => ({
  mechanism,
  wrappingKey: (end) => end.module.C_CreateObject(end.session, template({ ...PUBLIC_RSA, WRAP: true })),
  unwrappingKey: (end) => end.module.C_CreateObject(end.session, template({ ...PRIVATE_RSA, UNWRAP: true })),
});
const byKek = (mechanism: Mechanism): WrappingPair => ({ mechanism, wrappingKey: makeKek, unwrappingKey: makeKek });

/** What both modules do, and what only the simulated one does. */
const SHARED = {
  KW: byKek(KW),
  KWP: byKek(KWP),
  'OAEP-SHA1': byRsa(oaep()),
  'RSA-PKCS': byRsa({ type: CKM.RSA_PKCS }),
};
const OURS = {
  'OAEP-SHA256': byRsa(oaep(CKM.SHA256, CKG.MGF1_SHA256)),
  'OAEP-SHA512': byRsa(oaep(CKM.SHA512, CKG.MGF1_SHA512)),
  'AES-CBC-PAD': byKek({ type: CKM.AES_CBC_PAD, parameter: { kind: 'bytes', value: Buffer.alloc(16, 1) } }),
  'RSA-AES-KWP': byRsa({ ...oaep(), type: CKM.RSA_AES_KEY_WRAP }),
};

async function carried(
  from: End,
  to: End,
  by: WrappingPair,
  keyType: number,
  value: Uint8Array,
): Promise<Uint8Array | null> {
  const key = from.module.C_CreateObject(from.session, secret(keyType, { VALUE: value }));
  const wrapped = await from.module.C_WrapKey(from.session, by.mechanism, by.wrappingKey(from), key);
  const arrived = await to.module.C_UnwrapKey(
    to.session,
    by.mechanism,
    by.unwrappingKey(to),
    wrapped,
    secret(keyType, {}),
  );
  return to.module.C_GetAttributeValue(to.session, arrived, [CKA.VALUE])[0]?.value ?? null;
}

describe.each(KEY_TYPES)('a %s key', (_name, keyType, bytes) => {
  const value = fc.uint8Array({ minLength: bytes, maxLength: bytes });

  it.each(Object.entries({ ...SHARED, ...OURS }))('comes through %s unchanged', async (_mechanism, by) => {
    const end = endOf(ours);
    await fc.assert(
      fc.asyncProperty(value, async (bytesIn) => {
        expect(Buffer.from((await carried(end, end, by, keyType, bytesIn)) ?? [])).toEqual(Buffer.from(bytesIn));
      }),
      { numRuns: 12 },
    );
    end.module.C_CloseSession(end.session);
  });

  it.each(Object.entries(SHARED))('goes between the two modules by %s, in both directions', async (_mechanism, by) => {
    const [here, there] = [endOf(ours), endOf(softHsm)];
    await fc.assert(
      fc.asyncProperty(value, async (bytesIn) => {
        const sent = Buffer.from(bytesIn);
        expect(Buffer.from((await carried(here, there, by, keyType, bytesIn)) ?? [])).toEqual(sent);
        expect(Buffer.from((await carried(there, here, by, keyType, bytesIn)) ?? [])).toEqual(sent);
      }),
      { numRuns: 4 },
    );
    for (const end of [here, there]) end.module.C_CloseSession(end.session);
  });
});
