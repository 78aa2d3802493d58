/** generate-rsa-key-pair: for wrapping, or for signing. */
import { required, withDefault } from '../../../schema/shape.ts';
import { id, label, readInteger, shape } from '../../actions/arguments.ts';
import { ulongAttribute } from '../attribute-codec.ts';
import { CKA } from '../constants.ts';
import { extractablePair, keyPairAction } from './key-pair.ts';

export const generateRsaKeyPair = keyPairAction({
  spec: {
    name: 'generate-rsa-key-pair',
    summary: 'Generate an RSA key pair on the device',
    input: shape({
      purpose: required({
        kind: 'enum',
        values: ['wrapping', 'signing'],
        description: 'wrapping: the public half wraps, the private unwraps; signing: the private half signs',
      }),
      label,
      'modulus-bits': withDefault(
        { kind: 'integer', minimum: 2048, maximum: 8192, description: 'Modulus in bits' },
        2048,
      ),
      id,
      extractable: extractablePair,
    }),
  },
  type: 'rsa',
  words: 'RSA',
  generator: (token) => token.profile.rsaKeyPairGen.find((number) => token.mechanisms.has(number)),
  problem(token, generator, args) {
    const bits = readInteger(args, 'modulus-bits');
    const { minKeySize, maxKeySize } = token.module.C_GetMechanismInfo(token.info.slot, generator);
    if (bits >= minKeySize && (maxKeySize === 0 || bits <= maxKeySize)) return null;
    return `${token.name} generates RSA keys of ${minKeySize} to ${maxKeySize} bits, not ${bits}`;
  },
  domain: (args) => [
    ulongAttribute(CKA.MODULUS_BITS, readInteger(args, 'modulus-bits')),
    { type: CKA.PUBLIC_EXPONENT, value: new Uint8Array([1, 0, 1]) },
  ],
});
