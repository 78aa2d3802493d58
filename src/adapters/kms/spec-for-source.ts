/** Which KMS key spec and usage a source key needs, or why KMS has none for it. What is a guess says so. */
import type { KeyRef } from '../../keys/key-record.ts';
import type { Curve } from '../../keys/key-spec.ts';
import { type ImportableSpec, type KeyUsage, SPEC_BY_CURVE, SPEC_MODELS } from './key-model.ts';

/** Either a value or the problem that there is none; `note` says what was guessed. */
export interface Derived<T> {
  readonly value: T | null;
  readonly note: string | null;
  readonly problem: string | null;
}

export const found = <T>(value: T, note: string | null = null): Derived<T> => ({ value, note, problem: null });
export const none = (problem: string): Derived<never> => ({ value: null, note: null, problem });

const HMAC_BY_BITS: Readonly<Record<number, ImportableSpec>> = {
  224: 'HMAC_224',
  256: 'HMAC_256',
  384: 'HMAC_384',
  512: 'HMAC_512',
};
const RSA_BY_BITS: Readonly<Record<number, ImportableSpec>> = {
  2048: 'RSA_2048',
  3072: 'RSA_3072',
  4096: 'RSA_4096',
};
/** For a source that names no curve: 256 bits are P-256 far more often than secp256k1. */
const CURVE_BY_BITS: Readonly<Record<number, Curve>> = { 256: 'P-256', 384: 'P-384', 521: 'P-521' };

export function specForSource(source: KeyRef): Derived<ImportableSpec> {
  const { class: keyClass, type } = source.locator;
  const bits = source.record?.bits ?? 0;
  if (keyClass === 'public') return none('AWS KMS imports private and secret keys, not public ones');
  switch (type) {
    case 'aes':
      if (bits === 256) return found('SYMMETRIC_DEFAULT');
      if (bits === 0)
        return found('SYMMETRIC_DEFAULT', 'the source does not say how long the key is; it must be AES-256');
      return none(`AES-${bits} has no counterpart in AWS KMS, which takes AES-256 only`);
    case 'des3':
      return none('triple DES has no counterpart in AWS KMS');
    case 'generic-secret': {
      const spec = HMAC_BY_BITS[bits];
      if (spec === undefined) return none(`no HMAC spec follows from a secret of ${bits} bits; say which with spec:`);
      const note = spec === 'HMAC_256' ? null : `an ${spec} key cannot be compared with its source by a MAC`;
      return found(spec, note);
    }
    case 'rsa': {
      const spec = RSA_BY_BITS[bits];
      return spec === undefined ? none(`AWS KMS has no RSA key of ${bits} bits (2048, 3072, 4096)`) : found(spec);
    }
    case 'ec': {
      const named = source.record?.curve;
      const curve = named ?? CURVE_BY_BITS[bits];
      if (curve === undefined)
        return none('the curve of the key is not known to be one of AWS KMS; say which with spec:');
      const isGuess = named === undefined && curve === 'P-256';
      const note = isGuess ? 'taken for a key on P-256; for secp256k1 say spec: ECC_SECG_P256K1' : null;
      return found(SPEC_BY_CURVE[curve], note);
    }
    case 'other':
      return none('of a type that keyferry does not know');
  }
}

/** Does what is asked for fit the source at all? null: it does. */
export function specMismatch(spec: ImportableSpec, source: KeyRef): string | null {
  const model = SPEC_MODELS[spec];
  const { class: keyClass, type } = source.locator;
  const bits = source.record?.bits ?? 0;
  if (model.class !== keyClass || model.type !== type) return `a ${keyClass} key of type ${type} cannot become ${spec}`;
  const curve = source.record?.curve;
  if (curve !== undefined && SPEC_BY_CURVE[curve] !== spec) return `a key on ${curve} cannot become ${spec}`;
  if (bits === 0) return null;
  if (model.materialBytes === null) return bits === model.bits ? null : `a key of ${bits} bits cannot become ${spec}`;
  const { least, most } = model.materialBytes;
  const isFitting = bits >= least * 8 && bits <= most * 8;
  return isFitting ? null : `a key of ${bits} bits cannot become ${spec}, which takes ${least * 8} to ${most * 8}`;
}

/** KMS gives a key one usage; a source key that does more has to be told which. */
export function usageFor(spec: ImportableSpec, source: KeyRef | null): Derived<KeyUsage> {
  const { usages } = SPEC_MODELS[spec];
  const [only, ...more] = usages;
  if (only !== undefined && more.length === 0) return found(only);
  const attributes = source?.record?.attributes ?? {};
  const isDeciphering = attributes.decrypt === true || attributes.unwrap === true;
  const wanted: KeyUsage[] = [];
  if (attributes.sign === true && usages.includes('SIGN_VERIFY')) wanted.push('SIGN_VERIFY');
  if (isDeciphering && usages.includes('ENCRYPT_DECRYPT')) wanted.push('ENCRYPT_DECRYPT');
  if (attributes.derive === true && usages.includes('KEY_AGREEMENT')) wanted.push('KEY_AGREEMENT');
  const [one, other] = wanted;
  if (one !== undefined && other === undefined) return found(one);
  const why = one === undefined ? 'the source key does not tell' : 'the source key does more than one';
  return none(`say with usage: what the ${spec} key is for (${usages.join(' or ')}); ${why}`);
}
