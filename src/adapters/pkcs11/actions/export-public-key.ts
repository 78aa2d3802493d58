/** export-public-key: the public half of an RSA or EC key as PEM, with its hash for people to compare. */
import { pemFromSpki, spkiSha256 } from '../../../keys/public-key.ts';
import { done } from '../../actions/action.ts';
import { key, readKey, shape } from '../../actions/arguments.ts';
import { inWords, locate } from '../locate.ts';
import { spkiOf } from '../public-half.ts';
import type { Pkcs11Action } from './action.ts';

export const exportPublicKey: Pkcs11Action = {
  spec: {
    name: 'export-public-key',
    summary: 'Read a public key from the device',
    effect: 'read',
    input: shape({ key: key('A public key, or a private key whose public half is wanted') }),
    outputs: {
      pem: { type: 'artifact', lifetime: 'run', description: 'The public key (PEM, SubjectPublicKeyInfo)' },
      spki_sha256: { type: 'string', lifetime: 'run', description: 'SHA-256 of its DER, hex' },
    },
  },
  async perform(token, { args }) {
    const ref = readKey(args, 'key');
    return await token.guard('reading', `read the ${inWords(ref.locator)}`, async () => {
      const spki = spkiOf(token, token.facts(await locate(token, ref), ref.locator.class));
      return done({ pem: { kind: 'public-key', pem: pemFromSpki(spki) }, spki_sha256: spkiSha256(spki) });
    });
  },
};
