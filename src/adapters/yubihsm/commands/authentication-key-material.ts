/** What an authentication key is made of, as `put-authentication-key` and `change-authentication-key` take it. */
import { ALGORITHM } from '../wire/algorithms.ts';
import type { ByteWriter } from '../wire/writer.ts';

export type AuthenticationKeyMaterial =
  | { readonly kind: 'symmetric'; readonly enc: Uint8Array; readonly mac: Uint8Array }
  /** P-256, X | Y, 64 bytes; firmware 2.3. */
  | { readonly kind: 'public-key'; readonly point: Uint8Array };

export const authenticationAlgorithm = (material: AuthenticationKeyMaterial): number =>
  material.kind === 'symmetric' ? ALGORITHM['aes128-yubico-authentication'] : ALGORITHM['ecp256-yubico-authentication'];

export function writeAuthenticationKey(writer: ByteWriter, material: AuthenticationKeyMaterial): ByteWriter {
  if (material.kind === 'public-key') return writer.fixed(material.point, 64, 'a public authentication key');
  return writer.fixed(material.enc, 16, 'K-ENC').fixed(material.mac, 16, 'K-MAC');
}
