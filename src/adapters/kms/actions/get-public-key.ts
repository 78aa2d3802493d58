/** get-public-key: the public half of an asymmetric KMS key. */
import { pemFromSpki, spkiSha256 } from '../../../keys/public-key.ts';
import { done } from '../../actions/action.ts';
import { key, readKey, shape } from '../../actions/arguments.ts';
import { publicKeyOf } from '../fingerprints.ts';
import { inWords, keyIdOf } from '../locate.ts';
import type { KmsAction } from './action.ts';

export const getPublicKey: KmsAction = {
  spec: {
    name: 'get-public-key',
    summary: 'Read the public key of an asymmetric KMS key',
    effect: 'read',
    input: shape({ key: key('The KMS key') }),
    outputs: {
      pem: { type: 'artifact', lifetime: 'run', description: 'The public key' },
      spki_sha256: { type: 'string', lifetime: 'run', description: 'SHA-256 of the public key, hex' },
    },
    quotas: { GetPublicKey: 1 },
  },
  async perform(kms, { args }) {
    const ref = readKey(args, 'key');
    if (ref.locator.class === 'secret') {
      throw kms.fail('capability-missing', `the ${inWords(ref.locator)} is symmetric and has no public key.`);
    }
    const spki = await publicKeyOf(kms, keyIdOf(kms, ref), `read the public key of the ${inWords(ref.locator)}`);
    return done({ pem: { kind: 'public-key', pem: pemFromSpki(spki) }, spki_sha256: spkiSha256(spki) });
  },
};
