/**
 * attest: one HSM signs what a key is, and the signature, its certificate chain and the key's facts are checked. What the real cluster's
 * tools offer for this is not known well enough to rely on, so only a simulated cluster does it.
 */
import { KeyferryError } from '../../../../errors/keyferry-error.ts';
import { optional } from '../../../../schema/shape.ts';
import { done } from '../../../actions/action.ts';
import { key, readIntegerIfGiven, readKey, shape } from '../../../actions/arguments.ts';
import type { OutputSpec } from '../../../adapter.ts';
import { type AdminAction, block } from './action.ts';

const text = (description: string): OutputSpec => ({ type: 'string', lifetime: 'run', description });
const flag = (description: string): OutputSpec => ({ type: 'bool', lifetime: 'run', description });

const UNKNOWN = 'how a real cluster attests a key through its tools is not known';

export const attest: AdminAction = {
  spec: {
    name: 'attest',
    summary: 'Have an HSM prove with its certificate chain what a key is',
    effect: 'read',
    input: shape({
      key: key('The key to attest'),
      node: optional({
        kind: 'integer',
        minimum: 0,
        description: 'Id of the HSM to ask; absent: the first that is up',
      }),
    }),
    outputs: {
      cluster: text('Id of the cluster'),
      node: { type: 'int', lifetime: 'run', description: 'Id of the HSM that signed' },
      firmware: text('Its firmware'),
      handle: { type: 'int', lifetime: 'run', description: 'Key handle on the cluster' },
      class: text('secret, public or private'),
      type: text('aes, des3, generic-secret, rsa, ec or other'),
      kcv: text('Key check value, empty for keys that have none'),
      spki_sha256: text('Hash of the public key, empty for secret keys'),
      local: flag('Made on the cluster'),
      extractable: flag('May be wrapped; false for public keys'),
      sensitive: flag('Sensitive; false for public keys'),
      never_extractable: flag('Never could be wrapped; false for public keys'),
      chain_sha256: text('Hash of the certificates from the HSM to the pinned root'),
    },
  },
  async preview(admin) {
    if (admin.attestation === null) return block(UNKNOWN);
    try {
      await admin.attestation.root();
      return [];
    } catch (error) {
      if (error instanceof KeyferryError) return block(error.message);
      throw error;
    }
  },
  async perform(admin, { args }) {
    if (admin.attestation === null) throw admin.fail('capability-missing', `${UNKNOWN}.`);
    const ref = readKey(args, 'key');
    const { reference } = await admin.key(ref);
    const node = readIntegerIfGiven(args, 'node') ?? null;
    const { statement, chainSha256 } = await admin.attestation.attest(ref, Number(reference), node);
    return done({
      cluster: statement.cluster,
      node: statement.node,
      firmware: statement.firmware,
      handle: statement.handle,
      class: statement.class,
      type: statement.type,
      kcv: statement.kcv ?? '',
      spki_sha256: statement.spkiSha256 ?? '',
      local: statement.local,
      extractable: statement.extractable ?? false,
      sensitive: statement.sensitive ?? false,
      never_extractable: statement.neverExtractable ?? false,
      chain_sha256: chainSha256,
    });
  },
};
