/**
 * The Cryptoki port: the C_* functions (PKCS#11 v2.40) that the adapters call. The native driver answers them from a vendor's module,
 * the simulated module from its own state; everything above this line is the same code for both.
 *
 * Every function throws CryptokiError with the module's return value. Attribute values are raw bytes in the module's own form: one byte
 * for CK_BBOOL, CK_ULONG as little-endian 8 bytes. Handles are opaque and valid in this process only.
 */

export type Handle = bigint;
export type SlotId = bigint;

export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** An attribute that the object has not, or will not show, has `value: null`; `sensitive` says it was CKR_ATTRIBUTE_SENSITIVE. */
export interface AttributeReading {
  readonly type: number;
  readonly value: Uint8Array | null;
}

/** Parameters that the adapters use. `oaep` with CKM_RSA_AES_KEY_WRAP: its OAEP part, the one-use AES key having 256 bits. */
export type MechanismParameter =
  | { readonly kind: 'oaep'; readonly hash: number; readonly mgf: number }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'ulong'; readonly value: number }
  /** The device makes the IV and puts it before the ciphertext (CloudHSM's own AES-GCM). */
  | { readonly kind: 'gcm'; readonly aad: Uint8Array; readonly tagBits: number };

export interface Mechanism {
  /** CKM_… number. */
  readonly type: number;
  readonly parameter?: MechanismParameter;
}

export interface TokenInfo {
  readonly slot: SlotId;
  readonly label: string;
  readonly serial: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
  /** CKF_… bits. */
  readonly flags: number;
  /** CKF_HW_SLOT of the slot: a hardware device. */
  readonly hardware: boolean;
  /** Sessions the token allows, 0: no limit known. */
  readonly maxSessions: number;
}

export interface MechanismInfo {
  readonly type: number;
  readonly minKeySize: number;
  readonly maxKeySize: number;
  readonly flags: number;
}

export class CryptokiError extends Error {
  /** CKR_… value. */
  readonly value: number;
  /** `C_UnwrapKey`, … */
  readonly call: string;

  constructor(call: string, value: number, message = `${call}: 0x${value.toString(16)}`) {
    super(message);
    this.name = 'CryptokiError';
    this.call = call;
    this.value = value;
  }
}

/** The slow calls are promises (a worker thread runs them); the quick ones are plain. */
export interface Cryptoki {
  C_Initialize(): void;
  C_Finalize(): void;
  C_GetSlotList(tokenPresent: boolean): SlotId[];
  C_GetTokenInfo(slot: SlotId): TokenInfo;
  C_GetMechanismList(slot: SlotId): number[];
  C_GetMechanismInfo(slot: SlotId, mechanism: number): MechanismInfo;
  /** Always CKF_SERIAL_SESSION | CKF_RW_SESSION. */
  C_OpenSession(slot: SlotId): Handle;
  C_CloseSession(session: Handle): void;
  C_Login(session: Handle, userType: number, pin: string): void;
  C_Logout(session: Handle): void;
  C_CreateObject(session: Handle, template: readonly Attribute[]): Handle;
  C_DestroyObject(session: Handle, object: Handle): void;
  /** Missing and sensitive attributes are `null` values, not an error. */
  C_GetAttributeValue(session: Handle, object: Handle, types: readonly number[]): AttributeReading[];
  C_SetAttributeValue(session: Handle, object: Handle, template: readonly Attribute[]): void;
  /** C_FindObjectsInit, C_FindObjects until empty, C_FindObjectsFinal. */
  findObjects(session: Handle, template: readonly Attribute[]): Handle[];
  C_GenerateRandom(session: Handle, length: number): Uint8Array;
  /** C_EncryptInit + C_Encrypt. */
  encrypt(session: Handle, mechanism: Mechanism, key: Handle, data: Uint8Array): Promise<Uint8Array>;
  decrypt(session: Handle, mechanism: Mechanism, key: Handle, data: Uint8Array): Promise<Uint8Array>;
  sign(session: Handle, mechanism: Mechanism, key: Handle, data: Uint8Array): Promise<Uint8Array>;
  C_GenerateKey(session: Handle, mechanism: Mechanism, template: readonly Attribute[]): Promise<Handle>;
  C_GenerateKeyPair(
    session: Handle,
    mechanism: Mechanism,
    publicTemplate: readonly Attribute[],
    privateTemplate: readonly Attribute[],
  ): Promise<{ readonly publicKey: Handle; readonly privateKey: Handle }>;
  C_WrapKey(session: Handle, mechanism: Mechanism, wrappingKey: Handle, key: Handle): Promise<Uint8Array>;
  C_UnwrapKey(
    session: Handle,
    mechanism: Mechanism,
    unwrappingKey: Handle,
    wrapped: Uint8Array,
    template: readonly Attribute[],
  ): Promise<Handle>;
}
