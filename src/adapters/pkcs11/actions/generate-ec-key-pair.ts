/** generate-ec-key-pair: a pair on a named curve, for signing. */

import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { CURVE_PARAMETERS, parametersOf } from '../../../keys/curve.ts';
import { CURVES, type Curve } from '../../../keys/key-spec.ts';
import { required, withDefault } from '../../../schema/shape.ts';
import type { Arguments } from '../../actions/action.ts';
import { id, label, readText, shape } from '../../actions/arguments.ts';
import { CKA, CKM } from '../constants.ts';
import { extractablePair, keyPairAction } from './key-pair.ts';

function readCurve(args: Arguments): Curve {
  const name = readText(args, 'curve');
  const curve = CURVES.find((known) => known === name);
  if (curve !== undefined) return curve;
  throw new KeyferryError('argument-invalid', `The argument "curve" must be one of ${CURVES.join(', ')}.`);
}

export const generateEcKeyPair = keyPairAction({
  spec: {
    name: 'generate-ec-key-pair',
    summary: 'Generate an elliptic curve key pair on the device',
    input: shape({
      curve: required({ kind: 'enum', values: CURVES, description: 'Named curve' }),
      purpose: withDefault(
        { kind: 'enum', values: ['signing'], description: 'The private half signs, the public verifies' },
        'signing',
      ),
      label,
      id,
      extractable: extractablePair,
    }),
  },
  type: 'ec',
  words: 'EC',
  generator: (token) => (token.mechanisms.has(CKM.EC_KEY_PAIR_GEN) ? CKM.EC_KEY_PAIR_GEN : undefined),
  problem(token, generator, args) {
    const curve = readCurve(args);
    const { bits } = CURVE_PARAMETERS[curve];
    const { minKeySize, maxKeySize } = token.module.C_GetMechanismInfo(token.info.slot, generator);
    if (bits >= minKeySize && (maxKeySize === 0 || bits <= maxKeySize)) return null;
    return `${token.name} generates EC keys of ${minKeySize} to ${maxKeySize} bits, not ${curve}`;
  },
  domain: (args) => [{ type: CKA.EC_PARAMS, value: parametersOf(readCurve(args)) }],
});
