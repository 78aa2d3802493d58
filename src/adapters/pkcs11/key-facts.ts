/** What a key object says of itself, read in one C_GetAttributeValue per object, by class: an attribute of another class costs an error. */
import type { AttributeName, KeyAttributes } from '../../keys/attributes.ts';
import { CURVE_PARAMETERS, curveOfParameters } from '../../keys/curve.ts';
import type { Curve, KeyClass, KeyType } from '../../keys/key-spec.ts';
import { modulusBits } from '../../keys/public-key.ts';
import { boolOf, CKA_OF, hexOf, keyTypeOf, ulongOf } from './attribute-codec.ts';
import { CKA } from './constants.ts';
import type { AttributeReading, Cryptoki, Handle } from './cryptoki.ts';
import type { ObjectName } from './object-index.ts';

export interface KeyFacts extends ObjectName {
  readonly handle: Handle;
  readonly type: KeyType;
  /** 0 where the device does not say. */
  readonly bits: number;
  /** Of EC keys; undefined where the device does not say, or says one that keyferry does not know. */
  readonly curve?: Curve;
  readonly attributes: KeyAttributes;
  /** CKA_CHECK_VALUE of a secret key when it has the standard's three bytes; undefined: not asked. */
  readonly checkValue: string | null | undefined;
}

const OBJECT = ['token', 'private', 'local', 'modifiable', 'copyable', 'destroyable'] as const;
const PROTECTED = ['sensitive', 'extractable', 'alwaysSensitive', 'neverExtractable', 'wrapWithTrusted'] as const;

const BOOLEANS: Readonly<Record<KeyClass, readonly AttributeName[]>> = {
  secret: [...OBJECT, ...PROTECTED, 'encrypt', 'decrypt', 'sign', 'verify', 'wrap', 'unwrap', 'derive', 'trusted'],
  public: [...OBJECT, 'encrypt', 'verify', 'wrap', 'derive', 'trusted'],
  private: [...OBJECT, ...PROTECTED, 'decrypt', 'sign', 'unwrap', 'derive'],
};

const NAMING = [CKA.KEY_TYPE, CKA.ID, CKA.LABEL] as const;
const SIZE: Readonly<Record<KeyClass, number>> = {
  secret: CKA.VALUE_LEN,
  public: CKA.MODULUS_BITS,
  private: CKA.MODULUS,
};
const types = (keyClass: KeyClass): readonly number[] => [
  ...NAMING,
  SIZE[keyClass],
  ...BOOLEANS[keyClass].map((name) => CKA_OF[name]),
];
const TYPES: Readonly<Record<KeyClass, readonly number[]>> = {
  secret: types('secret'),
  public: types('public'),
  private: types('private'),
};

const valueAt = (readings: readonly AttributeReading[], index: number): Uint8Array | null =>
  readings[index]?.value ?? null;

/** Only secret keys have a check value that means something. A device computes it for every reading, so it is asked for only when wanted. */
const TYPES_WITH_CHECK_VALUE: readonly number[] = [...TYPES.secret, CKA.CHECK_VALUE];

export interface FactsRequest {
  readonly handle: Handle;
  /** Given, not read: whoever looks at an object knows in which class it was found. */
  readonly keyClass: KeyClass;
  readonly withCheckValue: boolean;
}

export function readFacts(module: Cryptoki, session: Handle, request: FactsRequest): KeyFacts {
  const { handle, keyClass, withCheckValue } = request;
  const isSecret = keyClass === 'secret';
  const wanted = isSecret && withCheckValue ? TYPES_WITH_CHECK_VALUE : TYPES[keyClass];
  const readings = module.C_GetAttributeValue(session, handle, wanted);
  const type = keyTypeOf(ulongOf(valueAt(readings, 0)));
  const curve = type === 'ec' ? readCurve(module, session, handle) : undefined;
  const names = BOOLEANS[keyClass];
  const attributes: { [name in AttributeName]?: boolean } = {};
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    const value = boolOf(valueAt(readings, index + 4));
    if (name !== undefined && value !== undefined) attributes[name] = value;
  }
  return {
    handle,
    class: keyClass,
    type,
    id: hexOf(valueAt(readings, 1)),
    label: hexOf(valueAt(readings, 2)),
    bits: curve === undefined ? bitsOf(keyClass, type, valueAt(readings, 3)) : CURVE_PARAMETERS[curve].bits,
    ...(curve === undefined ? {} : { curve }),
    attributes,
    checkValue: !isSecret ? null : withCheckValue ? checkValueOf(valueAt(readings, names.length + 4)) : undefined,
  };
}

/** In a call of its own: of other keys it would be an attribute that they have not. */
function readCurve(module: Cryptoki, session: Handle, handle: Handle): Curve | undefined {
  const value = valueAt(module.C_GetAttributeValue(session, handle, [CKA.EC_PARAMS]), 0);
  return value === null ? undefined : curveOfParameters(value);
}

export function readCheckValue(module: Cryptoki, session: Handle, handle: Handle): string | null {
  return checkValueOf(valueAt(module.C_GetAttributeValue(session, handle, [CKA.CHECK_VALUE]), 0));
}

const checkValueOf = (value: Uint8Array | null): string | null => (value?.length === 3 ? hexOf(value) : null);

export function readName(module: Cryptoki, session: Handle, handle: Handle, keyClass: KeyClass): ObjectName {
  const readings = module.C_GetAttributeValue(session, handle, NAMING);
  return {
    class: keyClass,
    type: keyTypeOf(ulongOf(valueAt(readings, 0))),
    id: hexOf(valueAt(readings, 1)),
    label: hexOf(valueAt(readings, 2)),
  };
}

function bitsOf(keyClass: KeyClass, type: KeyType, size: Uint8Array | null): number {
  // Triple-DES has one length only, and modules do not keep CKA_VALUE_LEN for it.
  if (type === 'des3') return 192;
  if (size === null || type === 'ec') return 0;
  if (keyClass === 'private') return type === 'rsa' ? modulusBits(size) : 0;
  const value = ulongOf(size);
  if (!Number.isSafeInteger(value)) return 0;
  return keyClass === 'secret' ? value * 8 : value;
}
