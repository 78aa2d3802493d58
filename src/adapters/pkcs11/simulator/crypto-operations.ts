/** C_Encrypt, C_Decrypt and C_Sign by mechanism: ECB, CBC, CMAC, HMAC, RSA. Single-part only, as the port offers them. */
import { constants, createHmac, privateEncrypt, publicEncrypt, sign } from 'node:crypto';
import { CKK, CKO, CKR } from '../constants.ts';
import type { Mechanism } from '../cryptoki.ts';
import { BLOCK_BYTES, type Cipher, cbc, cmac, type Direction, ecb } from './block-cipher.ts';
import type { CryptoPool } from './crypto-pool.ts';
import { type MechanismRow, OPERATION_KEY_TYPE } from './mechanism-table.ts';
import type { Refusals } from './personality.ts';
import { refuse } from './refusal.ts';
import { asymmetricKey, type SimulatedObject } from './simulated-object.ts';
import { initialisationVector, modulusBytes, oaepHash, pkcs1Encrypt } from './wrap-operations.ts';

export interface CryptoInput {
  readonly row: MechanismRow;
  readonly mechanism: Mechanism;
  readonly key: SimulatedObject;
  readonly data: Uint8Array;
  readonly refusals: Refusals;
}

/** CKR_KEY_TYPE_INCONSISTENT for a key of another class or type than the mechanism works with. */
export function checkKeyFits({ row, key }: CryptoInput, use: 'ENCRYPT' | 'DECRYPT' | 'SIGN'): void {
  const keyTypes = OPERATION_KEY_TYPE[row.operation];
  const asymmetric = use === 'ENCRYPT' ? CKO.PUBLIC_KEY : CKO.PRIVATE_KEY;
  const wanted = keyTypes.includes(CKK.RSA) || keyTypes.includes(CKK.EC) ? asymmetric : CKO.SECRET_KEY;
  if (key.class !== wanted || !keyTypes.includes(key.keyType)) refuse(CKR.KEY_TYPE_INCONSISTENT);
}

function blocks(cipher: Cipher, direction: Direction, data: Uint8Array): void {
  if (data.length % BLOCK_BYTES[cipher] === 0) return;
  refuse(direction === 'encrypt' ? CKR.DATA_LEN_RANGE : CKR.ENCRYPTED_DATA_LEN_RANGE);
}

/** Null when the operation is no block cipher. */
function blockCipher(input: CryptoInput, direction: Direction): Uint8Array | null {
  const { row, mechanism, key, data } = input;
  switch (row.operation) {
    case 'aes-ecb':
    case 'des3-ecb': {
      const cipher = row.operation === 'aes-ecb' ? 'aes' : 'des3';
      blocks(cipher, direction, data);
      return ecb(cipher, direction, key.material, data);
    }
    case 'aes-cbc':
    case 'des3-cbc': {
      const cipher = row.operation === 'aes-cbc' ? 'aes' : 'des3';
      const iv = initialisationVector(mechanism, BLOCK_BYTES[cipher]);
      blocks(cipher, direction, data);
      return cbc(cipher, direction, { key: key.material, iv, data, isPadded: false });
    }
    case 'aes-cbc-pad': {
      const iv = initialisationVector(mechanism, BLOCK_BYTES.aes);
      if (direction === 'decrypt') blocks('aes', direction, data);
      return paddedCbc(key, direction, iv, data);
    }
    default:
      return null;
  }
}

function paddedCbc(key: SimulatedObject, direction: Direction, iv: Uint8Array, data: Uint8Array): Uint8Array {
  try {
    return cbc('aes', direction, { key: key.material, iv, data, isPadded: true });
  } catch {
    return refuse(CKR.ENCRYPTED_DATA_INVALID);
  }
}

export function encryptData(input: CryptoInput): Uint8Array {
  const { row, mechanism, key, data, refusals } = input;
  if (row.operation === 'rsa-pkcs') return pkcs1Encrypt(key, data) ?? refuse(CKR.DATA_LEN_RANGE);
  if (row.operation === 'rsa-oaep') {
    const hash = oaepHash(row, mechanism, refusals.oaepParameter);
    if (data.length > modulusBytes(key) - 2 * hash.bytes - 2) refuse(CKR.DATA_LEN_RANGE);
    return publicEncrypt(
      { key: asymmetricKey(key), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash.name },
      data,
    );
  }
  return blockCipher(input, 'encrypt') ?? refuse(CKR.MECHANISM_INVALID);
}

export async function decryptData(input: CryptoInput, pool: CryptoPool): Promise<Uint8Array> {
  const { row, mechanism, key, data, refusals } = input;
  if (row.operation !== 'rsa-pkcs' && row.operation !== 'rsa-oaep') {
    return blockCipher(input, 'decrypt') ?? refuse(CKR.MECHANISM_INVALID);
  }
  const hash = row.operation === 'rsa-oaep' ? oaepHash(row, mechanism, refusals.oaepParameter).name : null;
  if (data.length !== modulusBytes(key)) refuse(CKR.ENCRYPTED_DATA_LEN_RANGE);
  const clear = await pool.decrypt(
    asymmetricKey(key),
    hash === null ? { kind: 'pkcs1' } : { kind: 'oaep', hash },
    data,
  );
  return clear ?? refuse(CKR.ENCRYPTED_DATA_INVALID);
}

export function signData({ row, key, data }: CryptoInput): Uint8Array {
  switch (row.operation) {
    case 'aes-cmac':
      return cmac('aes', key.material, data);
    case 'des3-cmac':
      return cmac('des3', key.material, data);
    case 'sha256-hmac':
      return createHmac('sha256', key.material).update(data).digest();
    case 'rsa-pkcs':
      if (data.length > modulusBytes(key) - 11) refuse(CKR.DATA_LEN_RANGE);
      return privateEncrypt({ key: asymmetricKey(key), padding: constants.RSA_PKCS1_PADDING }, data);
    case 'ecdsa':
      return sign(row.hash, data, { key: asymmetricKey(key), dsaEncoding: 'ieee-p1363' });
    default:
      return refuse(CKR.MECHANISM_INVALID);
  }
}
