/**
 * Values as pkcs11js wants them: handles and slots as 8-byte buffers, mechanisms and templates as its own objects. CK_ULONG is 8 bytes
 * little-endian, as on every 64-bit platform that keyferry runs on. Leaves out every mechanism parameter the adapters do not use.
 */
import type { Attribute as NativeAttribute, Mechanism as NativeMechanism } from 'pkcs11js';
import { CKG, CKM, CKR, ckrName } from '../constants.ts';
import { type Attribute, CryptokiError, type Mechanism } from '../cryptoki.ts';

/** CK_PARAMS_RSA_OAEP of pkcs11js: which C struct its parameter object becomes. */
const PARAMS_RSA_OAEP = 4;
/** CKZ_DATA_SPECIFIED (pkcs11-curr §2.1.7); with no data: an empty label. */
const SOURCE_DATA_SPECIFIED = 1;

export function toHandle(value: bigint): Buffer {
  const buffer = Buffer.allocUnsafe(8);
  buffer.writeBigUInt64LE(value);
  return buffer;
}

export const fromHandle = (handle: Buffer): bigint => handle.readBigUInt64LE();

/** A view of the same bytes, not a copy: the native side takes Buffers only. */
export const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function toMechanism(mechanism: Mechanism): NativeMechanism {
  const { type, parameter } = mechanism;
  if (parameter === undefined) return { mechanism: type };
  switch (parameter.kind) {
    case 'oaep': {
      // Its parameter points to another structure (CK_RSA_AES_KEY_WRAP_PARAMS), which pkcs11js cannot lay out.
      if (type === CKM.RSA_AES_KEY_WRAP) throw new CryptokiError('C_WrapKey', CKR.MECHANISM_PARAM_INVALID);
      const { hash, mgf } = parameter;
      const oaep = { type: PARAMS_RSA_OAEP, hashAlg: hash, mgf: mgf || CKG.MGF1_SHA1, source: SOURCE_DATA_SPECIFIED };
      return { mechanism: type, parameter: oaep };
    }
    case 'bytes':
      return { mechanism: type, parameter: toBuffer(parameter.value) };
    case 'ulong':
      return { mechanism: type, parameter: parameter.value };
    case 'gcm':
      // No adapter wraps by it.
      throw new CryptokiError('C_WrapKey', CKR.MECHANISM_PARAM_INVALID);
  }
}

export function toTemplate(template: readonly Attribute[]): NativeAttribute[] {
  return template.map(({ type, value }) => ({ type, value: toBuffer(value) }));
}

/**
 * What pkcs11js threw, as CryptokiError. It throws `Pkcs11Error` with a code from most calls and a bare Error `CKR_NAME:160` from
 * C_FindObjects; whatever has no return value in it is a bug (a wrong argument type) and passes through.
 */
export function toCryptokiError(call: string, error: unknown): unknown {
  const value = returnValue(error);
  if (value === undefined) return error;
  return new CryptokiError(call, value, `${call}: ${ckrName(value)}`);
}

function returnValue(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'number' && error.code !== 0) return error.code;
  const match = /CKR_[A-Z0-9_]+:(\d+)/.exec(error.message);
  return match === null ? undefined : Number(match[1]);
}
