/** One line of an inventory from what the device says of an object: capabilities as attributes, and whether it may leave. */
import type { KeyAttributes } from '../../../keys/attributes.ts';
import type { Fingerprint } from '../../../keys/fingerprint.ts';
import type { KeyRecord } from '../../../keys/key-record.ts';
import { type Locator, labelText } from '../../../keys/locator.ts';
import { type CapabilityName, hasCapability } from '../wire/capabilities.ts';
import type { ObjectInfo } from '../wire/object-info.ts';
import { OBJECT_TYPE, ORIGIN, objectTypeName } from '../wire/object-types.ts';
import { idHex, idText } from './object-id.ts';
import { isKeyObject, kindOf } from './object-kinds.ts';

/** An object, or the public half of one. */
export interface Found {
  readonly info: ObjectInfo;
  readonly isHalf: boolean;
}

export const labelHexOf = (info: Pick<ObjectInfo, 'label'>): string => Buffer.from(info.label).toString('hex');

/**
 * For people: what stands before the first zero byte, which is all that Yubico's tools show; behind the factory key's label there is more.
 * undefined: not text.
 */
export const shownLabel = (label: string): string | undefined => labelText(label.replace(/^((?:..)*?)00.*$/, '$1'));

export function locatorOf(serial: string, { info, isHalf }: Found, fingerprint: Fingerprint | null = null): Locator {
  const kind = kindOf(info, isHalf);
  return { serial, class: kind.class, type: kind.type, id: idHex(info.id), label: labelHexOf(info), fingerprint };
}

/** `symmetric-key 0x0100 "payments"`, for messages. */
export function objectInWords(info: Pick<ObjectInfo, 'type' | 'id' | 'label'>): string {
  const text = shownLabel(labelHexOf(info));
  return `${objectTypeName(info.type)} ${idText(info.id)}${text === undefined || text === '' ? '' : ` "${text}"`}`;
}

/** Made here, and never anywhere else: an object that came back under wrap keeps `generated`, but others may hold it. */
export const isLocal = (info: Pick<ObjectInfo, 'origin'>): boolean => info.origin === ORIGIN.generated;

export function attributesOf({ info, isHalf }: Found): KeyAttributes {
  const kind = kindOf(info, isHalf);
  const has = (...names: readonly CapabilityName[]): boolean =>
    names.some((name) => hasCapability(info.capabilities, name));
  if (kind.class === 'public') {
    const isWrapping = info.type !== OBJECT_TYPE['asymmetric-key'];
    return {
      token: true,
      private: false,
      local: !isHalf ? false : isLocal(info),
      modifiable: false,
      copyable: false,
      destroyable: true,
      encrypt: false,
      verify: !isWrapping && has('sign-pkcs', 'sign-pss', 'sign-ecdsa', 'sign-eddsa'),
      wrap: isHalf ? isWrapping : has('export-wrapped'),
      derive: false,
    };
  }
  const extractable = has('exportable-under-wrap');
  if (!isKeyObject(info.type)) {
    // Its capabilities are no use of a key: those of an authentication key are what its sessions may do.
    return { token: true, private: true, extractable, local: isLocal(info), modifiable: false, destroyable: true };
  }
  return {
    token: true,
    private: true,
    sensitive: true,
    extractable,
    alwaysSensitive: isLocal(info),
    neverExtractable: isLocal(info) && !extractable,
    local: isLocal(info),
    modifiable: false,
    copyable: false,
    destroyable: true,
    encrypt: has('encrypt-ecb', 'encrypt-cbc', 'wrap-data'),
    decrypt: has('decrypt-ecb', 'decrypt-cbc', 'unwrap-data', 'decrypt-pkcs', 'decrypt-oaep'),
    sign: has(
      'sign-pkcs',
      'sign-pss',
      'sign-ecdsa',
      'sign-eddsa',
      'sign-hmac',
      'sign-attestation-certificate',
      'sign-ssh-certificate',
    ),
    verify: has('verify-hmac'),
    wrap: kind.class === 'secret' && has('export-wrapped'),
    unwrap: has('import-wrapped'),
    derive: has('derive-ecdh'),
  };
}

/** null: it may, under a wrap key that covers its capabilities. */
export function whyNotExportable({ info, isHalf }: Found): string | null {
  if (kindOf(info, isHalf).class === 'public') return null;
  if (hasCapability(info.capabilities, 'exportable-under-wrap')) return null;
  return `${objectTypeName(info.type)} ${idText(info.id)} lacks exportable-under-wrap: it can never leave this device`;
}

export interface RecordParts {
  readonly kcv?: string | null;
  readonly fingerprint?: Fingerprint | null;
}

export function recordOf(
  serial: string,
  found: Found,
  { kcv = null, fingerprint = null }: RecordParts = {},
): KeyRecord {
  const { info, isHalf } = found;
  const locator = locatorOf(serial, found, fingerprint);
  const kind = kindOf(info, isHalf);
  const text = shownLabel(locator.label);
  const reason = whyNotExportable(found);
  return {
    locator,
    handle: `${objectTypeName(info.type)}/${idHex(info.id)}${isHalf ? '/public' : ''}`,
    label: text ?? locator.label,
    labelIsHex: text === undefined,
    id: locator.id,
    class: kind.class,
    type: kind.type,
    bits: kind.bits,
    ...(kind.curve === undefined ? {} : { curve: kind.curve }),
    kcv,
    attributes: attributesOf(found),
    exportable: reason === null,
    reason,
  };
}
