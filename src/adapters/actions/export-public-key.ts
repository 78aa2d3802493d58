/** export-public-key: the public half of an RSA or EC key as PEM, with its hash for people to compare. */
import type { KeyRef } from '../../keys/key-record.ts';
import { pemFromSpki, spkiSha256 } from '../../keys/public-key.ts';
import { type Action, done } from './action.ts';
import { key, readKey, shape } from './arguments.ts';

/** `spkiOf`: SubjectPublicKeyInfo (DER) of a public key, or of a private key's public half. */
export function exportPublicKeyBy<Connection>(
  spkiOf: (connection: Connection, key: KeyRef) => Promise<Uint8Array>,
): Action<Connection> {
  return {
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
    async perform(connection, { args }) {
      const spki = await spkiOf(connection, readKey(args, 'key'));
      return done({ pem: { kind: 'public-key', pem: pemFromSpki(spki) }, spki_sha256: spkiSha256(spki) });
    },
  };
}
