/**
 * How keyferry proves itself to the device: with the two keys of a symmetric authentication key (made of a password, or given), or with a
 * P-256 private key whose public half the device holds (firmware 2.3).
 */
import type { KeyObject } from 'node:crypto';
import type { Secret } from '../../../keys/secret.ts';
import { type StaticKeys, staticKeysFromPassword } from './static-keys.ts';

export interface SymmetricLogin {
  readonly kind: 'symmetric';
  /** Id of the authentication key. */
  readonly keyId: number;
  readonly keys: StaticKeys;
}

export interface AsymmetricLogin {
  readonly kind: 'asymmetric';
  readonly keyId: number;
  /** P-256, 32 bytes. */
  readonly privateKey: Uint8Array;
  /**
   * The device's own key, X | Y, from a trusted place. null: the one that the connector tells, which whoever stands in between can
   * replace by his own.
   */
  readonly devicePoint: Uint8Array | null;
}

export type Login = SymmetricLogin | AsymmetricLogin;

export async function passwordLogin(keyId: number, password: Secret): Promise<SymmetricLogin> {
  return { kind: 'symmetric', keyId, keys: await staticKeysFromPassword(password.reveal()) };
}

/** Throws TypeError for a key that is not a private one on P-256. */
export function privateKeyLogin(keyId: number, key: KeyObject, devicePoint: Uint8Array | null): AsymmetricLogin {
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1' || key.type !== 'private') {
    throw new TypeError('the authentication key is not a private key on the curve P-256');
  }
  const { d } = key.export({ format: 'jwk' });
  if (d === undefined) throw new TypeError('the authentication key cannot be read');
  return { kind: 'asymmetric', keyId, privateKey: new Uint8Array(Buffer.from(d, 'base64url')), devicePoint };
}

export function wipeLogin(login: Login): void {
  for (const secret of login.kind === 'symmetric' ? [login.keys.enc, login.keys.mac] : [login.privateKey]) {
    secret.fill(0);
  }
}
