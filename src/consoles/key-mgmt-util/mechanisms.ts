/** What `-m` and `-t` of wrapKey and unWrapKey mean (user guide of 2019 and 2023). Numbers 10 to 12 stand in no source and are left out. */
import { CLOUDHSM_CKM } from '../../adapters/cloudhsm/profile.ts';
import { CKG, CKM } from '../../adapters/pkcs11/constants.ts';
import type { Mechanism } from '../../adapters/pkcs11/cryptoki.ts';
import { Misuse } from '../command.ts';
import type { Edition } from '../edition.ts';
import type { Flags } from './flags.ts';

const AES: Readonly<Record<number, number>> = {
  4: CLOUDHSM_CKM.AES_KEY_WRAP_PKCS5_PAD,
  5: CLOUDHSM_CKM.AES_KEY_WRAP_NO_PAD,
  6: CLOUDHSM_CKM.AES_KEY_WRAP_ZERO_PAD,
};
const RSA: Readonly<Record<number, number>> = { 7: CKM.RSA_AES_KEY_WRAP, 8: CKM.RSA_PKCS_OAEP };

const SHA1 = 2;
/** SHA-224, number 6, stands in the guide too; the simulated HSMs do not have it. */
const HASHES: Readonly<Record<number, { readonly hash: number; readonly mgf: number }>> = {
  [SHA1]: { hash: CKM.SHA_1, mgf: CKG.MGF1_SHA1 },
  3: { hash: CKM.SHA256, mgf: CKG.MGF1_SHA256 },
  4: { hash: CKM.SHA384, mgf: CKG.MGF1_SHA384 },
  5: { hash: CKM.SHA512, mgf: CKG.MGF1_SHA512 },
};

const DEFAULT_MECHANISM = 4;

/** Throws Misuse for numbers that are not known, and where this edition's tool wants `-m`. */
export function wrapMechanism(flags: Flags, edition: Edition): Mechanism {
  const number = flags.number('m') ?? (edition.hasDefaultWrapMechanism ? DEFAULT_MECHANISM : null);
  if (number === null) throw new Misuse('Missing: -m. Clients of this edition have no default wrapping mechanism.');
  const aes = AES[number];
  const rsa = RSA[number];
  const given = flags.number('t');
  if (aes !== undefined) {
    if (given !== undefined) throw new Misuse('-t goes with -m 7 and -m 8 only.');
    return { type: aes };
  }
  if (rsa === undefined) {
    throw new Misuse(
      `-m ${number} is not known here: 4 (AES, PKCS#5 padding), 5 (AES, no padding), 6 (AES, zero padding), 7 (RSA-AES), 8 (RSA-OAEP).`,
    );
  }
  const hash = HASHES[given ?? SHA1];
  if (hash === undefined)
    throw new Misuse(`-t ${given} is not known here: 2 (SHA-1), 3 (SHA-256), 4 (SHA-384), 5 (SHA-512).`);
  return { type: rsa, parameter: { kind: 'oaep', ...hash } };
}
