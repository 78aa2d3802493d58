/**
 * A witness of what is on a SoftHSM token: talks to the module by pkcs11js directly and shares no code with the engine. It makes the keys
 * of a test and says afterwards what is there, with a check value that it computes itself.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { PKCS11 as Pkcs11, Template } from 'pkcs11js';

const pkcs11js = createRequire(import.meta.url)('pkcs11js') as typeof import('pkcs11js');

export interface WantedKey {
  readonly type: 'aes' | 'des3';
  readonly bytes?: 16 | 24 | 32;
  readonly label: string;
  readonly id?: Buffer;
  readonly extractable?: boolean;
  /** Default: encrypt, decrypt, wrap, unwrap. */
  readonly usage?: readonly ('encrypt' | 'decrypt' | 'wrap' | 'unwrap' | 'sign' | 'verify')[];
  /** Clear value, so that the same key can be put on two tokens. */
  readonly value?: Buffer;
}

export interface SeenKey {
  readonly label: string;
  readonly id: string;
  readonly class: number;
  readonly type: number;
  readonly extractable: boolean;
  readonly sensitive: boolean;
  readonly usage: string;
  /** Computed here: E(0)[0..2] where the key may encrypt, else a hash of the wrap of a known key, else of a decryption. */
  readonly check: string;
}

const USAGES = { encrypt: 0x104, decrypt: 0x105, wrap: 0x106, unwrap: 0x107, sign: 0x108, verify: 0x10a } as const;

export class TokenWitness {
  readonly #module: Pkcs11;
  readonly #session: Buffer;

  /** `label`: of the token. SOFTHSM2_CONF must be set already. */
  constructor(modulePath: string, label: string, pin: string) {
    this.#module = sharedModule(modulePath);
    const slot = this.#module
      .C_GetSlotList(true)
      .find((candidate) => this.#module.C_GetTokenInfo(candidate).label.trim() === label);
    if (slot === undefined) throw new Error(`no token ${label}`);
    this.#session = this.#module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    try {
      this.#module.C_Login(this.#session, pkcs11js.CKU_USER, pin);
    } catch (error) {
      if (!/ALREADY_LOGGED_IN/.test(String(error))) throw error;
    }
  }

  make(wanted: WantedKey): void {
    const usage = wanted.usage ?? ['encrypt', 'decrypt', 'wrap', 'unwrap'];
    const template: Template = [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
      { type: pkcs11js.CKA_KEY_TYPE, value: wanted.type === 'aes' ? pkcs11js.CKK_AES : pkcs11js.CKK_DES3 },
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_EXTRACTABLE, value: wanted.extractable ?? true },
      { type: pkcs11js.CKA_LABEL, value: wanted.label },
      { type: pkcs11js.CKA_ID, value: wanted.id ?? Buffer.alloc(0) },
      ...Object.entries(USAGES).map(([name, type]) => ({ type, value: (usage as readonly string[]).includes(name) })),
    ];
    if (wanted.value !== undefined) {
      this.#module.C_CreateObject(this.#session, [...template, { type: pkcs11js.CKA_VALUE, value: wanted.value }]);
      return;
    }
    if (wanted.type === 'aes') template.push({ type: pkcs11js.CKA_VALUE_LEN, value: wanted.bytes ?? 32 });
    const mechanism = { mechanism: wanted.type === 'aes' ? pkcs11js.CKM_AES_KEY_GEN : pkcs11js.CKM_DES3_KEY_GEN };
    this.#module.C_GenerateKey(this.#session, mechanism, template);
  }

  /** Every object on the token, keys or not. */
  see(): SeenKey[] {
    this.#module.C_FindObjectsInit(this.#session, []);
    const handles: Buffer[] = [];
    for (;;) {
      const found = this.#module.C_FindObjects(this.#session, 100) as unknown as Buffer[];
      if (found.length === 0) break;
      handles.push(...found);
    }
    this.#module.C_FindObjectsFinal(this.#session);
    return handles.map((handle) => this.#look(handle));
  }

  close(): void {
    this.#module.C_CloseSession(this.#session);
  }

  #look(handle: Buffer): SeenKey {
    const bytes = (type: number): Buffer => {
      try {
        return (
          (this.#module.C_GetAttributeValue(this.#session, handle, [{ type }])[0]?.value as Buffer) ?? Buffer.alloc(0)
        );
      } catch {
        return Buffer.alloc(0);
      }
    };
    const flag = (type: number): boolean => bytes(type)[0] === 1;
    const number = (type: number): number => {
      const value = bytes(type);
      return value.length === 0 ? -1 : Number(value.readBigUInt64LE());
    };
    const usage = Object.entries(USAGES)
      .filter(([, type]) => flag(type))
      .map(([name]) => name);
    const type = number(pkcs11js.CKA_KEY_TYPE);
    return {
      label: bytes(pkcs11js.CKA_LABEL).toString('utf8'),
      id: bytes(pkcs11js.CKA_ID).toString('hex'),
      class: number(pkcs11js.CKA_CLASS),
      type,
      extractable: flag(pkcs11js.CKA_EXTRACTABLE),
      sensitive: flag(pkcs11js.CKA_SENSITIVE),
      usage: usage.join(','),
      // What SoftHSM was writing when it was killed may have a class and no type or value yet: that is no key, and has no check value.
      check:
        number(pkcs11js.CKA_CLASS) === pkcs11js.CKO_SECRET_KEY && type >= 0 ? this.#check(handle, type, usage) : '',
    };
  }

  #check(handle: Buffer, type: number, usage: readonly string[]): string {
    const isAes = type === pkcs11js.CKK_AES;
    const ecb = { mechanism: isAes ? pkcs11js.CKM_AES_ECB : pkcs11js.CKM_DES3_ECB };
    const block = Buffer.alloc(isAes ? 16 : 8);
    if (usage.includes('encrypt')) {
      this.#module.C_EncryptInit(this.#session, ecb, handle);
      return this.#module.C_Encrypt(this.#session, block, Buffer.alloc(32)).subarray(0, 3).toString('hex');
    }
    if (usage.includes('decrypt')) {
      this.#module.C_DecryptInit(this.#session, ecb, handle);
      return digest(this.#module.C_Decrypt(this.#session, block, Buffer.alloc(32)));
    }
    if (usage.includes('wrap') && isAes) {
      const known = this.#module.C_CreateObject(this.#session, [
        { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
        { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
        { type: pkcs11js.CKA_TOKEN, value: false },
        { type: pkcs11js.CKA_SENSITIVE, value: false },
        { type: pkcs11js.CKA_EXTRACTABLE, value: true },
        { type: pkcs11js.CKA_VALUE, value: Buffer.alloc(16, 7) },
      ]);
      const wrapped = this.#module.C_WrapKey(
        this.#session,
        { mechanism: pkcs11js.CKM_AES_KEY_WRAP },
        handle,
        known,
        Buffer.alloc(64),
      );
      this.#module.C_DestroyObject(this.#session, known);
      return digest(wrapped);
    }
    return 'none';
  }
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

let loaded: { readonly path: string; readonly module: Pkcs11 } | null = null;

/** A module is initialised once per process; it sees what other processes did when it opens a session anew. */
function sharedModule(path: string): Pkcs11 {
  if (loaded?.path === path) return loaded.module;
  const module = new pkcs11js.PKCS11();
  module.load(path);
  module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  loaded = { path, module };
  return module;
}
