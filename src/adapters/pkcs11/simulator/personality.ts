/**
 * What makes one simulated PKCS#11 device different from the next, as plain data (structured-cloneable): its tokens, its mechanisms,
 * its defaults, its policies and its known bugs. The rules of PKCS#11 v2.40 itself are code in this folder and the same for all.
 */
import { CKA, CKO, CKR } from '../constants.ts';
import { GENERIC_MECHANISMS, type MechanismRow, type ValueLenOnUnwrap } from './mechanism-table.ts';

/** How an object comes into being. A key pair is `generate`. */
export type Way = 'generate' | 'create' | 'unwrap';

export interface TokenPersonality {
  /** Slot number. */
  readonly slot: number;
  readonly label: string;
  /** Unique within the device: names the state file and is the token's identity. */
  readonly serial: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
  /** CKF_HW_SLOT. */
  readonly hardware: boolean;
  /** PINs that the token is born with; the state remembers them afterwards. Null: that role cannot log in. */
  readonly userPin: string | null;
  readonly officerPin: string | null;
  /** So many wrong PINs in a row lock a role; 0: never. */
  readonly maxFailedLogins: number;
  /** Sessions at once, 0: no limit. */
  readonly maxSessions: number;
  /**
   * Present: an HA group, a virtual slot over the tokens with these serials. Created objects go to every member, what any member holds
   * is seen, login logs in to every member (their PINs must be the same). Its own PINs are then ignored.
   */
  readonly members?: readonly string[];
}

/** Boolean attributes that an object gets when its template does not say. Later rows win; a row applies when all it names match. */
export interface DefaultRow {
  readonly class?: number;
  readonly keyType?: number;
  readonly way?: Way;
  /** CKA_… number → value. */
  readonly attributes: Readonly<Record<number, boolean>>;
}

/** At most `count` token objects of these classes together, else CKR_DEVICE_MEMORY. */
export interface KeyLimit {
  readonly classes: readonly number[];
  readonly count: number;
}

/** Return values where devices differ. */
export interface Refusals {
  /** An OAEP hash or MGF that the device does not do. */
  readonly oaepParameter: number;
  /** A payload that does not fit the wrapping mechanism. */
  readonly payloadSize: number;
  /** C_SetAttributeValue on an attribute that this device never changes. */
  readonly setAttribute: number;
  /** A second object with the same class and CKA_ID, when ids are unique. */
  readonly duplicateId: number;
  /** C_CreateObject of a class that the device does not take in clear. */
  readonly createObject: number;
  /** A wrapped key that does not open. */
  readonly unwrap: number;
}

/** Known faults of devices in the field, for the engine's own checks to find. All absent on a sound device. */
export interface Defects {
  /** Wraps CKA_EXTRACTABLE=false keys without complaint. */
  readonly wrapsUnextractable?: boolean;
  /** Luna SA 5.1: every unwrapped key is extractable, whatever the template says. */
  readonly unwrappedExtractable?: boolean;
  /** Keys made with WRAP or UNWRAP also get ENCRYPT, DECRYPT and (private) SIGN, although the template said false. */
  readonly widensWrappingKeys?: boolean;
}

export interface Personality {
  readonly name: string;
  readonly tokens: readonly TokenPersonality[];
  readonly mechanisms: readonly MechanismRow[];
  readonly defaults: readonly DefaultRow[];
  /** Policy: may private keys be wrapped at all? Else CKR_KEY_NOT_WRAPPABLE, even when extractable. */
  readonly privateKeysWrappable: boolean;
  /** Classes that C_CreateObject takes. */
  readonly createClasses: readonly number[];
  /** `standard`: what PKCS#11 lets change; a list: only these, in either direction unless the standard makes them one-way. */
  readonly changeable: 'standard' | readonly number[];
  /** A non-empty CKA_ID may occur once per class. */
  readonly uniqueIds: boolean;
  readonly keyLimits: readonly KeyLimit[];
  /** CKA_… that the device does not know: CKR_ATTRIBUTE_TYPE_INVALID in templates, absent when read. */
  readonly unknownAttributes: readonly number[];
  /** Default; a mechanism row may say otherwise. */
  readonly valueLenOnUnwrap: ValueLenOnUnwrap;
  /** CKA_CHECK_VALUE of unwrapped keys. */
  readonly checkValueOnUnwrap: 'computed' | 'empty';
  /** CKA_PRIVATE is always true, whatever the template says. */
  readonly alwaysPrivate?: boolean;
  /** Pairs that are generated. Absent: any odd exponent from 3, any length that the mechanism takes. */
  readonly rsaPairs?: { readonly leastExponent: number; readonly bitsStep: number };
  readonly refusals: Refusals;
  readonly defects?: Defects;
}

/** Usage and protection of keys whose template does not say: those of SoftHSM 2.6.1, where the standard leaves it to the token. */
const GENERIC_DEFAULTS: readonly DefaultRow[] = [
  {
    attributes: {
      [CKA.TOKEN]: false,
      [CKA.PRIVATE]: true,
      [CKA.MODIFIABLE]: true,
      [CKA.COPYABLE]: true,
      [CKA.DESTROYABLE]: true,
      [CKA.DERIVE]: false,
      [CKA.TRUSTED]: false,
      [CKA.WRAP_WITH_TRUSTED]: false,
      [CKA.SENSITIVE]: false,
      [CKA.EXTRACTABLE]: false,
      [CKA.ENCRYPT]: true,
      [CKA.DECRYPT]: true,
      [CKA.SIGN]: true,
      [CKA.SIGN_RECOVER]: true,
      [CKA.VERIFY]: true,
      [CKA.VERIFY_RECOVER]: true,
      [CKA.WRAP]: true,
      [CKA.UNWRAP]: true,
    },
  },
  { class: CKO.PUBLIC_KEY, attributes: { [CKA.PRIVATE]: false } },
];

export const GENERIC_PERSONALITY: Personality = {
  name: 'generic',
  tokens: [
    {
      slot: 0,
      label: 'generic',
      serial: 'SIM0000000000001',
      manufacturer: 'keyferry simulator',
      model: 'generic',
      firmware: '1.0',
      hardware: false,
      userPin: '1234',
      officerPin: '12345678',
      maxFailedLogins: 10,
      maxSessions: 0,
    },
  ],
  mechanisms: GENERIC_MECHANISMS,
  defaults: GENERIC_DEFAULTS,
  privateKeysWrappable: true,
  createClasses: [CKO.PUBLIC_KEY, CKO.PRIVATE_KEY, CKO.SECRET_KEY],
  changeable: 'standard',
  uniqueIds: false,
  keyLimits: [],
  unknownAttributes: [],
  valueLenOnUnwrap: 'rejected',
  checkValueOnUnwrap: 'computed',
  refusals: {
    oaepParameter: CKR.MECHANISM_PARAM_INVALID,
    payloadSize: CKR.KEY_SIZE_RANGE,
    setAttribute: CKR.ATTRIBUTE_READ_ONLY,
    duplicateId: CKR.ATTRIBUTE_VALUE_INVALID,
    createObject: CKR.ATTRIBUTE_VALUE_INVALID,
    unwrap: CKR.WRAPPED_KEY_INVALID,
  },
};
