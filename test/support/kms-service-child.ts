/** A process that makes imported keys in a state folder and says which, until it is killed. Run by the test of the simulated KMS's state. */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { aKmsService, anImportedKey } from './kms-service-client.ts';

const [, , stateDir = ''] = process.argv;
const kms = await aKmsService({ stateDir });
for (;;) {
  const material = randomBytes(32);
  const KeyId = await anImportedKey(kms, material);
  await kms.call('CreateAlias', { AliasName: `alias/${KeyId}`, TargetKeyId: KeyId });
  const { CiphertextBlob } = await kms.call('Encrypt', { KeyId, Plaintext: material.toString('base64') });
  writeSync(1, `${JSON.stringify({ KeyId, CiphertextBlob, plaintext: material.toString('base64') })}\n`);
}
