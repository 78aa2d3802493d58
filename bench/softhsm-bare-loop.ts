/**
 * What the engine over SoftHSM is measured against: the same calls in one thread of one process, straight on pkcs11js, with nothing
 * planned, journalled, read back or settled. Per key: OAEP-SHA1 wrap on token A, unwrap as a token object on token B, the ECB fingerprint
 * of both compared.
 */
import { rmSync } from 'node:fs';
import pkcs11js, { type Handle, type Mechanism, type PKCS11, type RsaOAEP, type Template } from 'pkcs11js';
import { makeSoftHsmToken, type SoftHsmToken, useSoftHsm } from '../test/support/softhsm.ts';

/** MGF1 with SHA-1, an empty label (CKZ_DATA_SPECIFIED). */
const PARAMETER: RsaOAEP = { type: pkcs11js.CK_PARAMS_RSA_OAEP, hashAlg: pkcs11js.CKM_SHA_1, mgf: 1, source: 1 };
const OAEP_SHA1: Mechanism = { mechanism: pkcs11js.CKM_RSA_PKCS_OAEP, parameter: PARAMETER };
const ECB: Mechanism = { mechanism: pkcs11js.CKM_AES_ECB };
const PROBE = Buffer.alloc(32, 'keyferry');
/** CKF_RW_SESSION | CKF_SERIAL_SESSION. */
const SESSION_FLAGS = 6;

interface Loop {
  readonly module: PKCS11;
  readonly source: Handle;
  readonly target: Handle;
  readonly wrappingKey: Handle;
  readonly unwrappingKey: Handle;
  readonly keys: readonly Handle[];
}

/** Makes two tokens of its own with `count` AES-256 keys on the first, and times only the moving. */
export async function runBareSoftHsmLoop(options: {
  readonly count: number;
}): Promise<{ readonly keysPerSecond: number }> {
  const before = process.env.SOFTHSM2_CONF;
  const a = makeSoftHsmToken({ label: 'a' });
  const b = makeSoftHsmToken({ label: 'b', dir: a.dir });
  useSoftHsm(b);
  const module = new pkcs11js.PKCS11();
  module.load(a.module);
  module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  try {
    const loop = prepare(module, a, b, options.count);
    const start = performance.now();
    for (const [index, key] of loop.keys.entries()) moveKey(loop, key, index);
    return { keysPerSecond: options.count / ((performance.now() - start) / 1000) };
  } finally {
    module.C_Finalize();
    module.close();
    rmSync(a.dir, { recursive: true, force: true });
    if (before === undefined) delete process.env.SOFTHSM2_CONF;
    else process.env.SOFTHSM2_CONF = before;
  }
}

function moveKey(loop: Loop, key: Handle, index: number): void {
  const { module, source, target, wrappingKey, unwrappingKey } = loop;
  const wrapped = module.C_WrapKey(source, OAEP_SHA1, wrappingKey, key, Buffer.allocUnsafe(512));
  const arrived = module.C_UnwrapKey(target, OAEP_SHA1, unwrappingKey, wrapped, arrivalTemplate(index));
  const same = fingerprint(module, source, key).equals(fingerprint(module, target, arrived));
  if (!same) throw new Error(`key ${index} arrived with another value`);
}

function fingerprint(module: PKCS11, session: Handle, key: Handle): Buffer {
  module.C_EncryptInit(session, ECB, key);
  return module.C_Encrypt(session, PROBE, Buffer.allocUnsafe(64));
}

function prepare(module: PKCS11, a: SoftHsmToken, b: SoftHsmToken, count: number): Loop {
  const [source, target] = [logIn(module, a), logIn(module, b)];
  const pair = module.C_GenerateKeyPair(
    target,
    { mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN },
    [
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_WRAP, value: true },
      { type: pkcs11js.CKA_MODULUS_BITS, value: 2048 },
      { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
    ],
    [
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_UNWRAP, value: true },
    ],
  );
  const parts = module.C_GetAttributeValue(target, pair.publicKey, [
    { type: pkcs11js.CKA_MODULUS },
    { type: pkcs11js.CKA_PUBLIC_EXPONENT },
  ]);
  const wrappingKey = module.C_CreateObject(source, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_RSA },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_WRAP, value: true },
    ...parts,
  ]);
  const keys = Array.from({ length: count }, (_, index) =>
    module.C_GenerateKey(source, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [
      { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
      { type: pkcs11js.CKA_EXTRACTABLE, value: true },
      ...keyTemplate(index),
    ]),
  );
  return { module, source, target, wrappingKey, unwrappingKey: pair.privateKey, keys };
}

function logIn(module: PKCS11, token: SoftHsmToken): Handle {
  const slot = module.C_GetSlotList(true).find((id) => module.C_GetTokenInfo(id).label.trim() === token.token);
  if (slot === undefined) throw new Error(`SoftHSM does not show token ${token.token}`);
  const session = module.C_OpenSession(slot, SESSION_FLAGS);
  module.C_Login(session, pkcs11js.CKU_USER, token.pin);
  return session;
}

const arrivalTemplate = (index: number): Template => [
  { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
  { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
  { type: pkcs11js.CKA_EXTRACTABLE, value: false },
  ...keyTemplate(index),
];

const keyTemplate = (index: number): Template => [
  { type: pkcs11js.CKA_TOKEN, value: true },
  { type: pkcs11js.CKA_PRIVATE, value: true },
  { type: pkcs11js.CKA_SENSITIVE, value: true },
  { type: pkcs11js.CKA_ENCRYPT, value: true },
  { type: pkcs11js.CKA_DECRYPT, value: true },
  { type: pkcs11js.CKA_LABEL, value: Buffer.from(`bench-${index}`) },
  { type: pkcs11js.CKA_ID, value: Buffer.from([index >> 24, index >> 16, index >> 8, index]) },
];
