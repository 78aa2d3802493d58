/** An attestation certificate of an asymmetric key, signed by the device's own key (id 0) or by one with a certificate of the same id. */
import type { KeyObject } from 'node:crypto';
import { ALGORITHM, isEc, isRsa } from '../../wire/algorithms.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import { OBJECT_TYPE } from '../../wire/object-types.ts';
import { attest, keyFromPkcs8 } from '../attestation.ts';
import { readTemplate, type TemplateParts } from '../certificate.ts';
import type { CommandContext } from '../command-context.ts';
import { privateKeyOf, publicKeyObjectOf } from '../key-material.ts';
import { refuse } from '../refusal.ts';
import type { CommandHandler } from './command.ts';

const BUILT_IN = 0;

/** Ed25519 keys neither attest nor are attested. */
const canAttest = (algorithm: number): boolean => isRsa(algorithm) || isEc(algorithm);

interface Attester {
  readonly signingKey: KeyObject;
  readonly template: TemplateParts;
}

function builtIn({ state }: CommandContext): Attester {
  const { identity } = state;
  const template = identity === undefined ? null : readTemplate(identity.attestationCertificate);
  if (identity === undefined || template === null) throw new Error('the device has no attestation key of its own');
  return { signingKey: keyFromPkcs8(identity.attestationKey), template };
}

function attesterOf(context: CommandContext, id: number): Attester {
  if (id === BUILT_IN) return builtIn(context);
  const key = context.use(OBJECT_TYPE['asymmetric-key'], id, 'sign-attestation-certificate');
  const certificate = context.object(OBJECT_TYPE.opaque, id);
  const template =
    certificate.algorithm === ALGORITHM['opaque-x509-certificate'] ? readTemplate(certificate.material) : null;
  const signingKey = canAttest(key.algorithm) ? privateKeyOf(key) : null;
  return signingKey === null || template === null ? refuse('invalid-data') : { signingKey, template };
}

export const signAttestationCertificate: CommandHandler = {
  code: COMMAND['sign-attestation-certificate'],
  capability: 'sign-attestation-certificate',
  run: (request, context) => {
    const id = request.u16();
    const attesterId = request.u16();
    request.end();
    const object = context.object(OBJECT_TYPE['asymmetric-key'], id);
    if (!canAttest(object.algorithm)) refuse('invalid-data');
    const attester = attesterOf(context, attesterId);
    const { firmware, state } = context;
    return attest({
      object,
      publicKey: publicKeyObjectOf(object),
      ...attester,
      firmware,
      serial: state.identity?.serial ?? 0,
    });
  },
};
