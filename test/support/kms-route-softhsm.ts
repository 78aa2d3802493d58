/**
 * A SoftHSM token whose keys are known to the test, so that it can look for them elsewhere, and what is on it afterwards: by pkcs11js
 * alone. The token's library looks at its configuration once, so one such token per process.
 */
import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import type { PKCS11 as Pkcs11, Template } from 'pkcs11js';
import type { Canary } from './canary-search.ts';
import { makeSoftHsmToken, SOFTHSM_MODULE, type SoftHsmToken, useSoftHsm } from './softhsm.ts';

const pkcs11js = createRequire(import.meta.url)('pkcs11js') as typeof import('pkcs11js');

export const TOKEN_PIN = 'src-pin-62951413';

export interface KnownKey {
  readonly label: string;
  /** SubjectPublicKeyInfo, DER: what KMS must show of it afterwards; null for AES. */
  readonly publicKey: Buffer | null;
  /** Bytes that nobody but the token and KMS may have. */
  readonly secrets: readonly Canary[];
}

export interface KnownCurve {
  readonly name: string;
  readonly parameters: Buffer;
  readonly pointBytes: number;
}

export const P256: KnownCurve = {
  name: 'P-256',
  parameters: Buffer.from('06082a8648ce3d030107', 'hex'),
  pointBytes: 65,
};
/** The PKCS#8 that SoftHSM makes of it has 80 bytes: a multiple of 8, as KMS needs it from SoftHSM. */
export const P384: KnownCurve = { name: 'P-384', parameters: Buffer.from('06052b81040022', 'hex'), pointBytes: 97 };

/** A pair whose PKCS#8 has a multiple of 8 bytes: to any other SoftHSM adds zero bytes when it wraps, and KMS may refuse those. */
function evenRsaPair() {
  for (;;) {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    if (pair.privateKey.export({ type: 'pkcs8', format: 'der' }).length % 8 === 0) return pair;
  }
}

const bytesOf = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64url');

export class KnownToken {
  readonly token: SoftHsmToken;
  readonly #module: Pkcs11;
  #session: Buffer;

  constructor(label: string) {
    this.token = makeSoftHsmToken({ label, pin: TOKEN_PIN });
    useSoftHsm(this.token);
    this.#module = new pkcs11js.PKCS11();
    this.#module.load(SOFTHSM_MODULE);
    this.#module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
    this.#session = this.#open();
  }

  #open(): Buffer {
    const slot = this.#module
      .C_GetSlotList(true)
      .find((candidate) => this.#module.C_GetTokenInfo(candidate).label.trim() === this.token.token);
    if (slot === undefined) throw new Error(`no token ${this.token.token}`);
    const session = this.#module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    this.#module.C_Login(session, pkcs11js.CKU_USER, TOKEN_PIN);
    return session;
  }

  makeAes(label: string): KnownKey {
    const value = randomBytes(32);
    this.#create(label, pkcs11js.CKO_SECRET_KEY, pkcs11js.CKK_AES, [
      { type: pkcs11js.CKA_ENCRYPT, value: true },
      { type: pkcs11js.CKA_DECRYPT, value: true },
      { type: pkcs11js.CKA_VALUE, value },
    ]);
    return { label, publicKey: null, secrets: [{ name: label, bytes: value }] };
  }

  makeRsa(label: string): KnownKey {
    const { privateKey, publicKey } = evenRsaPair();
    const jwk: JsonWebKey = privateKey.export({ format: 'jwk' });
    const parts = [
      [pkcs11js.CKA_MODULUS, jwk.n],
      [pkcs11js.CKA_PUBLIC_EXPONENT, jwk.e],
      [pkcs11js.CKA_PRIVATE_EXPONENT, jwk.d],
      [pkcs11js.CKA_PRIME_1, jwk.p],
      [pkcs11js.CKA_PRIME_2, jwk.q],
      [pkcs11js.CKA_EXPONENT_1, jwk.dp],
      [pkcs11js.CKA_EXPONENT_2, jwk.dq],
      [pkcs11js.CKA_COEFFICIENT, jwk.qi],
    ] as const;
    // A KMS key does one thing, so this one does; SoftHSM lets it do everything that is not ruled out.
    this.#create(label, pkcs11js.CKO_PRIVATE_KEY, pkcs11js.CKK_RSA, [
      { type: pkcs11js.CKA_SIGN, value: true },
      { type: pkcs11js.CKA_DECRYPT, value: false },
      { type: pkcs11js.CKA_UNWRAP, value: false },
      ...parts.map(([type, value]) => ({ type, value: bytesOf(value) })),
    ]);
    const secrets = (['d', 'p', 'q'] as const).map((name) => ({
      name: `${name} of ${label}`,
      bytes: bytesOf(jwk[name]).subarray(0, 32),
    }));
    return { label, publicKey: publicKey.export({ type: 'spki', format: 'der' }), secrets };
  }

  makeEc(label: string, curve: KnownCurve = P384): KnownKey {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve.name });
    const value = bytesOf(privateKey.export({ format: 'jwk' }).d);
    this.#create(label, pkcs11js.CKO_PRIVATE_KEY, pkcs11js.CKK_EC, [
      { type: pkcs11js.CKA_SIGN, value: true },
      { type: pkcs11js.CKA_EC_PARAMS, value: curve.parameters },
      { type: pkcs11js.CKA_VALUE, value },
    ]);
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    // Beside the private key, for SoftHSM computes none from it.
    const point = spki.subarray(-curve.pointBytes);
    this.#module.C_CreateObject(this.#session, [
      ...this.#common(label, pkcs11js.CKO_PUBLIC_KEY, pkcs11js.CKK_EC),
      { type: pkcs11js.CKA_PRIVATE, value: false },
      { type: pkcs11js.CKA_VERIFY, value: true },
      { type: pkcs11js.CKA_EC_PARAMS, value: curve.parameters },
      { type: pkcs11js.CKA_EC_POINT, value: Buffer.concat([Buffer.from([0x04, point.length]), point]) },
    ]);
    return { label, publicKey: spki, secrets: [{ name: `d of ${label}`, bytes: value }] };
  }

  /** Class and label of every object, looked at anew. */
  objects(): string[] {
    this.#module.C_CloseSession(this.#session);
    this.#session = this.#open();
    this.#module.C_FindObjectsInit(this.#session, []);
    const handles: Buffer[] = [];
    for (;;) {
      const found = this.#module.C_FindObjects(this.#session, 100) as unknown as Buffer[];
      if (found.length === 0) break;
      handles.push(...found);
    }
    this.#module.C_FindObjectsFinal(this.#session);
    return handles.map((handle) => {
      const read = (type: number): Buffer =>
        this.#module.C_GetAttributeValue(this.#session, handle, [{ type }])[0]?.value as Buffer;
      return `${read(pkcs11js.CKA_CLASS).readBigUInt64LE()}/${read(pkcs11js.CKA_LABEL).toString('utf8')}`;
    });
  }

  #common(label: string, objectClass: number, type: number): Template {
    return [
      { type: pkcs11js.CKA_CLASS, value: objectClass },
      { type: pkcs11js.CKA_KEY_TYPE, value: type },
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_LABEL, value: label },
      { type: pkcs11js.CKA_ID, value: Buffer.from(label) },
    ];
  }

  #create(label: string, objectClass: number, type: number, rest: Template): void {
    this.#module.C_CreateObject(this.#session, [
      ...this.#common(label, objectClass, type),
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_EXTRACTABLE, value: true },
      ...rest,
    ]);
  }
}
