/** GenerateDataKey, GenerateDataKeyPair, both also without plaintext, and GenerateRandom. */
import { generateKeyPair, generateKeyPairSync, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { encryptUnder } from '../ciphertext.ts';
import { currentMaterial, isSymmetric, type KeyRecord, keyArn } from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import { rulesOf } from '../key-specs.ts';
import { endDryRun, requireUsable } from '../key-state.ts';
import { integer, oneOf, required, text } from '../members.ts';
import { acting, type OperationContext } from '../operation.ts';
import { refuse } from '../service-error.ts';
import { refuseRecipient } from './encrypt.ts';
import { cryptographic, encryptionContext, recipient, requiredKeyId } from './request-members.ts';

const generateRsa = promisify(generateKeyPair);
const numberOfBytes = integer(1, 1024);

function wrappingKeyOf({ view, place }: OperationContext, reference: string, operation: string): KeyRecord {
  const key = findKey(view, place, reference, 'keys-and-aliases');
  requireUsable(key, place, 'ENCRYPT_DECRYPT', operation);
  if (!isSymmetric(key))
    refuse(
      'InvalidKeyUsageException',
      `${keyArn(place, key.id)} keySpec is ${key.spec} which is not valid for ${operation}.`,
    );
  return key;
}

const dataKey = (isPlaintextGiven: boolean) =>
  acting(
    {
      KeyId: requiredKeyId,
      EncryptionContext: encryptionContext,
      NumberOfBytes: numberOfBytes,
      KeySpec: oneOf(['AES_256', 'AES_128']),
      ...(isPlaintextGiven ? { Recipient: recipient } : {}),
      ...cryptographic,
    },
    (context, input) => {
      refuseRecipient(input.Recipient);
      if ((input.NumberOfBytes === undefined) === (input.KeySpec === undefined))
        return refuse('ValidationException', 'Please specify either number of bytes or key spec.');
      const key = wrappingKeyOf(context, input.KeyId, 'GenerateDataKey');
      endDryRun(input.DryRun);
      const plaintext = randomBytes(input.NumberOfBytes ?? (input.KeySpec === 'AES_128' ? 16 : 32));
      return {
        CiphertextBlob: encryptUnder(key, plaintext, input.EncryptionContext).toString('base64'),
        ...(isPlaintextGiven ? { Plaintext: plaintext.toString('base64') } : {}),
        KeyId: keyArn(context.place, key.id),
        KeyMaterialId: currentMaterial(key)?.id,
      };
    },
  );

export const generateDataKey = dataKey(true);
export const generateDataKeyWithoutPlaintext = dataKey(false);

const PAIR_SPECS = [
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'SM2',
  'ECC_NIST_EDWARDS25519',
] as const;

const dataKeyPair = (isPlaintextGiven: boolean) =>
  acting(
    {
      KeyId: requiredKeyId,
      KeyPairSpec: required(oneOf(PAIR_SPECS)),
      EncryptionContext: encryptionContext,
      ...(isPlaintextGiven ? { Recipient: recipient } : {}),
      ...cryptographic,
    },
    async (context, input) => {
      refuseRecipient(input.Recipient);
      const key = wrappingKeyOf(context, input.KeyId, 'GenerateDataKeyPair');
      const { bits, curve } =
        rulesOf(input.KeyPairSpec) ?? refuse('UnsupportedOperationException', `${input.KeyPairSpec} is not simulated.`);
      endDryRun(input.DryRun);
      const pair =
        curve === undefined
          ? await generateRsa('rsa', { modulusLength: bits ?? 2048 })
          : generateKeyPairSync('ec', { namedCurve: curve });
      const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'der' });
      return {
        PrivateKeyCiphertextBlob: encryptUnder(key, privateKey, input.EncryptionContext).toString('base64'),
        ...(isPlaintextGiven ? { PrivateKeyPlaintext: privateKey.toString('base64') } : {}),
        PublicKey: pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
        KeyId: keyArn(context.place, key.id),
        KeyPairSpec: input.KeyPairSpec,
        KeyMaterialId: currentMaterial(key)?.id,
      };
    },
  );

export const generateDataKeyPair = dataKeyPair(true);
export const generateDataKeyPairWithoutPlaintext = dataKeyPair(false);

export const generateRandom = acting(
  { NumberOfBytes: numberOfBytes, CustomKeyStoreId: text({ min: 1, max: 64 }), Recipient: recipient },
  (_context, { NumberOfBytes, CustomKeyStoreId, Recipient }) => {
    refuseRecipient(Recipient);
    if (CustomKeyStoreId !== undefined)
      return refuse('UnsupportedOperationException', 'Custom key stores are not simulated.');
    if (NumberOfBytes === undefined) return refuse('ValidationException', 'NumberOfBytes is required.');
    return { Plaintext: randomBytes(NumberOfBytes).toString('base64') };
  },
);
