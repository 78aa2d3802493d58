/** Attribute templates for tests, by name: `template({ CLASS: CKO.SECRET_KEY, EXTRACTABLE: true, LABEL: 'k' })`. */

import { CKA, CKK, CKO } from '../../src/adapters/pkcs11/constants.ts';
import { type Attribute, CryptokiError } from '../../src/adapters/pkcs11/cryptoki.ts';
import { boolValue, ulongValue } from '../../src/adapters/pkcs11/simulator/attribute-values.ts';

export type AttributeKey = keyof typeof CKA;
export type TemplateValues = { readonly [name in AttributeKey]?: boolean | number | string | Uint8Array };

/** Strings are UTF-8 bytes, numbers CK_ULONG, booleans CK_BBOOL. */
export function template(values: TemplateValues): Attribute[] {
  return Object.entries(values).map(([name, value]) => ({ type: CKA[name as AttributeKey], value: encoded(value) }));
}

function encoded(value: boolean | number | string | Uint8Array): Uint8Array {
  if (typeof value === 'boolean') return boolValue(value);
  if (typeof value === 'number') return ulongValue(value);
  return typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'utf8')) : value;
}

/** A secret key that may do everything but leave, on the token. */
export const secretKey = (values: TemplateValues = {}): Attribute[] =>
  template({ CLASS: CKO.SECRET_KEY, KEY_TYPE: CKK.AES, TOKEN: true, ...values });

/** The CKR_… value with which a call was refused; throws when it was not. */
export function refusalOf(act: () => unknown): number {
  try {
    act();
  } catch (error) {
    if (error instanceof CryptokiError) return error.value;
    throw error;
  }
  throw new Error('the call was not refused');
}

export async function slowRefusalOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CryptokiError) return error.value;
    throw error;
  }
  throw new Error('the call was not refused');
}
