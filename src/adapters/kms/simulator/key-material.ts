/**
 * Key material: what may be imported for each key spec, what is generated for keys of origin AWS_KMS, and the id that tells materials
 * apart. Imported private keys are PKCS#8 DER, unencrypted; KMS derives the public half.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { promisify } from 'node:util';
import { bytesOf, type KeyRecord, type Material } from './key-record.ts';
import { type KeySpec, type KeySpecRules, rulesOf } from './key-specs.ts';
import { refuse } from './service-error.ts';

const generateRsa = promisify(generateKeyPair);

/** The simulator's own derivation; the real one is not published. It cannot be computed outside, and differs for every key. */
export const materialId = (secret: Buffer, keyId: string, material: Uint8Array): string =>
  createHash('sha256').update(secret).update(keyId).update(material).digest('hex');

export const newMaterial = (id: string, bytes: Buffer): Material => ({
  id,
  state: 'CURRENT',
  bytes: bytes.toString('base64'),
  expirationModel: null,
  validToMs: null,
  description: null,
  rotatedMs: null,
});

export async function generateMaterial(spec: KeySpec): Promise<Buffer> {
  const rules = rulesOf(spec) ?? refuse('UnsupportedOperationException');
  if (rules.bytes !== undefined) return randomBytes(rules.kind === 'symmetric' ? 32 : Number(spec.slice(5)) / 8);
  const { privateKey } =
    rules.curve === undefined
      ? await generateRsa('rsa', { modulusLength: rules.bits ?? 2048 })
      : generateKeyPairSync('ec', { namedCurve: rules.curve });
  return privateKey.export({ type: 'pkcs8', format: 'der' });
}

const incorrect = (message: string): never => refuse('IncorrectKeyMaterialException', message);

/** Throws ServiceError `IncorrectKeyMaterialException` ("the provided key material is invalid"): a wrong length, no such private key. */
export function requireFitting(spec: KeySpec, material: Buffer): void {
  const rules = rulesOf(spec) ?? refuse('UnsupportedOperationException');
  if (rules.bytes === undefined) {
    if (!isPrivateKey(rules, material))
      incorrect(`The key material is not an unencrypted DER-encoded PKCS#8 private key of key spec ${spec}.`);
    return;
  }
  const [least, most] = rules.bytes;
  const wanted = least === most ? `${least}` : `${least} to ${most}`;
  if (material.length < least || material.length > most)
    incorrect(`The key material has ${material.length} bytes; a key of key spec ${spec} has ${wanted}.`);
}

function isPrivateKey(rules: KeySpecRules, material: Buffer): boolean {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: material, format: 'der', type: 'pkcs8' });
  } catch {
    return false;
  }
  const details = key.asymmetricKeyDetails;
  const fits =
    rules.curve === undefined
      ? key.asymmetricKeyType === 'rsa' && details?.modulusLength === rules.bits
      : key.asymmetricKeyType === 'ec' && details?.namedCurve === rules.curve;
  // Bytes after the structure would make it another material to compare later.
  return fits && isWholeDer(material) && isConsistent(key);
}

/** A DER SEQUENCE that takes all of the bytes. */
function isWholeDer(der: Buffer): boolean {
  if (der[0] !== 0x30) return false;
  const first = der[1] ?? 0;
  if (first < 0x80) return der.length === 2 + first;
  const count = first & 0x7f;
  return count >= 1 && count <= 4 && der.length === 2 + count + der.readUIntBE(2, count);
}

/** OpenSSL takes a private key whose parts do not belong together. */
function isConsistent(key: KeyObject): boolean {
  const probe = Buffer.from('keyferry simulated AWS KMS');
  try {
    return verify('sha256', probe, createPublicKey(key), sign('sha256', probe, key));
  } catch {
    return false;
  }
}

/** Parsing costs more than the use; materials are few and their ids are unique. */
const parsed = new Map<string, KeyObject>();
const PARSED_MAX = 10_000;

export function privateKeyOf(material: Material | undefined): KeyObject {
  const bytes = bytesOf(material);
  const id = material?.id ?? '';
  const known = parsed.get(id);
  if (known !== undefined) return known;
  const key = createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' });
  if (parsed.size >= PARSED_MAX) parsed.clear();
  parsed.set(id, key);
  return key;
}

/** SPKI, DER. */
export const publicKeyOf = (key: KeyRecord): Buffer =>
  createPublicKey(privateKeyOf(key.materials[0])).export({ type: 'spki', format: 'der' });
