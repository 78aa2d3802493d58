/**
 * How one vendor's PKCS#11 differs from the next, as data: it crosses into a device host by structured clone, so it holds no functions.
 * What the module behind the driver really does is probed at open (wrap-probe.ts); the profile says what to try and in which order.
 */
import type { WrapMechanismName } from '../../keys/mechanisms.ts';

export interface WrapRule {
  /** CKM_… numbers in order: the vendor's own first, then the standard's. The first that the module lists and means so is taken. */
  readonly numbers: readonly number[];
  /** For RSA-OAEP: CKM_… of the hash and CKG_… of the mask generation function. */
  readonly oaep?: { readonly hash: number; readonly mgf: number };
  /** Whether CKA_VALUE_LEN goes into the template of C_UnwrapKey. Corrected while running when the module says otherwise. */
  readonly valueLenOnUnwrap: boolean;
}

export interface Pkcs11Profile {
  readonly adapter: string;
  readonly wrap: Readonly<Partial<Record<WrapMechanismName, WrapRule>>>;
  /** Key pair generation mechanisms in order. */
  readonly rsaKeyPairGen: readonly number[];
  /** A second object of the same class with the same CKA_ID is refused. */
  readonly uniqueIds: boolean;
  /** C_SetAttributeValue works. */
  readonly canSetAttributes: boolean;
  /** Private keys can be wrapped; the reason is shown where they cannot. */
  readonly privateKeyWrapping: { readonly allowed: boolean; readonly reason: string };
  readonly settle: { readonly reads: number; readonly intervalMs: number };
  /** Calls per second by action name. */
  readonly rates: Readonly<Record<string, number>>;
  /** Keys of all classes that fit; null: the device does not say. */
  readonly keyLimit: number | null;
}

/** What an operator says of a device in the devices file (`capabilities:`): it narrows or corrects what the profile and the probe say. */
export interface CapabilityOverrides {
  readonly wrap?: readonly string[];
  readonly unwrap?: readonly string[];
  readonly fingerprints?: readonly string[];
  readonly uniqueIds?: boolean;
  readonly keyLimit?: number;
  readonly settle?: { readonly reads: number; readonly intervalMs: number };
  readonly rates?: Readonly<Record<string, number>>;
  readonly valueLenOnUnwrap?: boolean;
  /** false: do not use throw-away session keys at open to find out what the mechanisms mean. */
  readonly probe?: boolean;
}
