/** GenerateMac and VerifyMac: HMAC (RFC 2104) with the hash of the key's spec. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { bytesOf, type KeyRecord, keyArn } from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import { algorithmsOf, rulesOf } from '../key-specs.ts';
import { endDryRun, requireUsable } from '../key-state.ts';
import { blob, oneOf, required } from '../members.ts';
import { acting } from '../operation.ts';
import { refuse } from '../service-error.ts';
import { cryptographic, requiredKeyId } from './request-members.ts';

const members = {
  KeyId: requiredKeyId,
  Message: required(blob(4096)),
  MacAlgorithm: required(oneOf(['HMAC_SHA_224', 'HMAC_SHA_256', 'HMAC_SHA_384', 'HMAC_SHA_512'])),
  ...cryptographic,
};

function macOf(key: KeyRecord, algorithm: string, message: Uint8Array): Buffer {
  if (algorithmsOf(key.spec, key.usage).MacAlgorithms?.includes(algorithm) !== true)
    return refuse('InvalidKeyUsageException', `Algorithm ${algorithm} and key spec ${key.spec} are incompatible.`);
  return createHmac(rulesOf(key.spec)?.hash ?? '', bytesOf(key.materials[0]))
    .update(message)
    .digest();
}

export const generateMac = acting(members, ({ view, place }, input) => {
  const key = findKey(view, place, input.KeyId, 'keys-and-aliases');
  requireUsable(key, place, 'GENERATE_VERIFY_MAC', 'GenerateMac');
  const mac = macOf(key, input.MacAlgorithm, input.Message);
  endDryRun(input.DryRun);
  return { Mac: mac.toString('base64'), MacAlgorithm: input.MacAlgorithm, KeyId: keyArn(place, key.id) };
});

export const verifyMac = acting({ ...members, Mac: required(blob(6144)) }, ({ view, place }, input) => {
  const key = findKey(view, place, input.KeyId, 'keys-and-aliases');
  requireUsable(key, place, 'GENERATE_VERIFY_MAC', 'VerifyMac');
  const mac = macOf(key, input.MacAlgorithm, input.Message);
  if (mac.length !== input.Mac.length || !timingSafeEqual(mac, input.Mac)) return refuse('KMSInvalidMacException');
  endDryRun(input.DryRun);
  return { KeyId: keyArn(place, key.id), MacValid: true, MacAlgorithm: input.MacAlgorithm };
});
