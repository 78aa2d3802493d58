import { expect, test } from 'vitest';
import { CKA, CKM, CKR } from '../../../../../src/adapters/pkcs11/constants.ts';
import { ulongValue } from '../../../../../src/adapters/pkcs11/simulator/attribute-values.ts';
import { aCluster, flag, logIn } from '../../../../support/cluster-fixtures.ts';

test.each([
  ['2048 bits, e = 65537', 2048, [1, 0, 1], null],
  ['2304 bits', 2304, [1, 0, 1], null],
  ['1024 bits', 1024, [1, 0, 1], CKR.KEY_SIZE_RANGE],
  ['2049 bits', 2049, [1, 0, 1], CKR.KEY_SIZE_RANGE],
  ['8192 bits', 8192, [1, 0, 1], CKR.KEY_SIZE_RANGE],
  ['e = 3', 2048, [3], CKR.ATTRIBUTE_VALUE_INVALID],
  ['an even e', 2048, [1, 0, 2], CKR.ATTRIBUTE_VALUE_INVALID],
])('an RSA pair of %s', async (_case, bits, exponent, refusal) => {
  const { module, session } = logIn(await aCluster());
  const pair = module.C_GenerateKeyPair(
    session,
    { type: CKM.RSA_X9_31_KEY_PAIR_GEN },
    [
      { type: CKA.MODULUS_BITS, value: ulongValue(bits) },
      { type: CKA.PUBLIC_EXPONENT, value: Uint8Array.from(exponent) },
      flag(CKA.TOKEN, true),
    ],
    [flag(CKA.TOKEN, true)],
  );
  if (refusal === null) await expect(pair).resolves.toBeDefined();
  else await expect(pair).rejects.toEqual(expect.objectContaining({ value: refusal }));
});
