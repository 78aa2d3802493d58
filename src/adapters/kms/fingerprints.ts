/**
 * Fingerprints of KMS keys: HMAC-SHA-256 of the probe message by HMAC_256 keys, and public keys. A symmetric key has none: its ciphertext
 * is opaque and bound to the KMS key.
 */
import { createPublicKey } from 'node:crypto';
import type { KeyMetadata } from '@aws-sdk/client-kms';
import { type Fingerprint, type FingerprintMethod, fingerprintOf, PROBE_MESSAGE } from '../../keys/fingerprint.ts';
import type { KmsConnection } from './connection.ts';
import { isNamed } from './errors.ts';

export const FINGERPRINTS: readonly FingerprintMethod[] = ['mac', 'public-key'];

/** What a key answers for a while after its material arrived. */
export const NOT_READY = ['NotFoundException', 'KMSInvalidStateException', 'DisabledException'] as const;

/** SubjectPublicKeyInfo (DER), encoded anew so that two devices' forms of one key are equal. */
export async function publicKeyOf(kms: KmsConnection, keyId: string, what: string): Promise<Uint8Array> {
  const { PublicKey: spki } = await kms.callSeen('GetPublicKey', { KeyId: keyId }, what, NOT_READY);
  try {
    return new Uint8Array(
      createPublicKey({ key: Buffer.from(spki ?? []), format: 'der', type: 'spki' }).export({
        format: 'der',
        type: 'spki',
      }),
    );
  } catch (cause) {
    throw kms.fail('device-refused', `could not ${what}: the answer has no public key in it.`, { cause });
  }
}

function canDo(metadata: KeyMetadata, method: FingerprintMethod): boolean {
  if (method === 'mac') return metadata.KeySpec === 'HMAC_256';
  return method === 'public-key' && /^(RSA|ECC)_/.test(metadata.KeySpec ?? '');
}

/** The first method that the key can do; null: none. A key that is disabled or without material has none either. */
export async function fingerprintKey(
  kms: KmsConnection,
  metadata: KeyMetadata,
  salt: Uint8Array,
  methods: readonly FingerprintMethod[],
): Promise<Fingerprint | null> {
  const KeyId = metadata.KeyId ?? '';
  const what = `fingerprint the key ${KeyId}`;
  for (const method of methods) {
    if (!canDo(metadata, method)) continue;
    try {
      if (method === 'public-key') return fingerprintOf(method, salt, await publicKeyOf(kms, KeyId, what));
      const input = { KeyId, Message: PROBE_MESSAGE, MacAlgorithm: 'HMAC_SHA_256' } as const;
      const { Mac: mac } = await kms.callSeen('GenerateMac', input, what, NOT_READY);
      if (mac !== undefined) return fingerprintOf(method, salt, mac);
    } catch (error) {
      if (!isNamed(error, 'KMSInvalidStateException', 'DisabledException')) throw error;
    }
  }
  return null;
}
