/**
 * What `-m`, `-t`, `-i`, `-aad`, `-tag_size` and `-iv_file` of wrapKey and unWrapKey mean (user guide of 2019 and 2023; the numbers of
 * AES-GCM: Alibaba Cloud's manual of the same tool). Left out: 9 (3DES key wrap) and 12, which no source of the vendor's names.
 */
import { CLOUDHSM_CKM } from '../../adapters/cloudhsm/profile.ts';
import { CKG, CKM } from '../../adapters/pkcs11/constants.ts';
import type { Mechanism } from '../../adapters/pkcs11/cryptoki.ts';
import { Misuse } from '../command.ts';
import { readFileFor } from './files.ts';
import { type Flags, type FlagTable, flag } from './flags.ts';
import { Ended, type KmuSession } from './kmu-session.ts';

export const MECHANISM_FLAGS: FlagTable = {
  m: flag.number.optional('wrapping mechanism'),
  t: flag.number.optional('hash of -m 7 and 8'),
  i: flag.text.optional('IV of -m 4 and 5, 16 hex digits'),
  aad: flag.text.optional('file with the additional data of -m 10 and 11'),
  iv_file: flag.text.optional('file for the IV of -m 10'),
  tag_size: flag.number.optional('tag bytes of -m 10 and 11'),
};

const PKCS5 = 4;
const ZERO_PADDING = 6;
const AES: Readonly<Record<number, number>> = {
  [PKCS5]: CLOUDHSM_CKM.AES_KEY_WRAP_PKCS5_PAD,
  5: CLOUDHSM_CKM.AES_KEY_WRAP_NO_PAD,
  [ZERO_PADDING]: CLOUDHSM_CKM.AES_KEY_WRAP_ZERO_PAD,
};
const RSA: Readonly<Record<number, number>> = { 7: CKM.RSA_AES_KEY_WRAP, 8: CKM.RSA_PKCS_OAEP };
const GCM_APART = 10;
const GCM_TOGETHER = 11;
const KNOWN =
  '4 (AES, PKCS#5 padding), 5 (AES, no padding), 6 (AES, zero padding), 7 (RSA-AES), 8 (RSA-OAEP), 10 (AES-GCM), 11 (CloudHSM AES-GCM)';

const SHA1 = 2;
const HASHES: Readonly<Record<number, { readonly hash: number; readonly mgf: number }>> = {
  [SHA1]: { hash: CKM.SHA_1, mgf: CKG.MGF1_SHA1 },
  3: { hash: CKM.SHA256, mgf: CKG.MGF1_SHA256 },
  4: { hash: CKM.SHA384, mgf: CKG.MGF1_SHA384 },
  5: { hash: CKM.SHA512, mgf: CKG.MGF1_SHA512 },
  6: { hash: CKM.SHA224, mgf: CKG.MGF1_SHA224 },
};

/** Bytes; the user guide's least is 8. Between 8 and 12 the standard has none. */
const TAG_SIZES: readonly number[] = [8, 12, 13, 14, 15, 16];
const DEFAULT_IV = 'a6a6a6a6a6a6a6a6';

export interface WrapChoice {
  readonly mechanism: Mechanism;
  /** AES-GCM whose IV goes by a file of its own; null: no such mechanism, or a file with a header, which holds it. */
  readonly ivFile: string | null;
}

/**
 * Throws Misuse for numbers that are not known, flags that do not go together, and where this edition's tool wants `-m`. Ends the command
 * for what the HSMs refuse of it under the name `call`, and for a file that cannot be read.
 */
export function wrapMechanism(k: KmuSession, flags: Flags, call: string): WrapChoice {
  const number = flags.number('m') ?? (k.edition.hasDefaultWrapMechanism ? PKCS5 : null);
  if (number === null) throw new Misuse('Missing: -m. Clients of this edition have no default wrapping mechanism.');
  const aes = AES[number];
  const rsa = RSA[number];
  const isGcm = number === GCM_APART || number === GCM_TOGETHER;
  if (aes === undefined && rsa === undefined && !isGcm) throw new Misuse(`-m ${number} is not known here: ${KNOWN}.`);
  if (rsa === undefined) only(flags, 't', '-m 7 and -m 8 only');
  if (aes === undefined) only(flags, 'i', '-m 4 and -m 5 only');
  if (!isGcm) for (const name of ['aad', 'iv_file', 'tag_size']) only(flags, name, '-m 10 and -m 11 only');
  if (number !== GCM_APART) only(flags, 'iv_file', '-m 10 only');
  if (!flags.has('noheader')) for (const name of ['i', 'iv_file', 'tag_size']) only(flags, name, '-noheader only');
  if (aes !== undefined) {
    checkIv(k, flags, { call, number });
    return { mechanism: { type: aes }, ivFile: null };
  }
  if (rsa !== undefined)
    return { mechanism: { type: rsa, parameter: { kind: 'oaep', ...hashOf(flags) } }, ivFile: null };
  const ivFile = number === GCM_APART && flags.has('noheader') ? flags.neededText('iv_file') : null;
  return { mechanism: gcm(k, flags), ivFile };
}

function only(flags: Flags, name: string, whom: string): void {
  if (flags.has(name)) throw new Misuse(`-${name} goes with ${whom}.`);
}

function hashOf(flags: Flags): { readonly hash: number; readonly mgf: number } {
  const number = flags.number('t') ?? SHA1;
  const hash = HASHES[number];
  if (hash !== undefined) return hash;
  throw new Misuse(`-t ${number} is not known here: 2 (SHA-1), 3 (SHA-256), 4 (SHA-384), 5 (SHA-512), 6 (SHA-224).`);
}

/** The HSMs take the algorithm's own IV only (user guide, AES key wrapping). */
function checkIv(
  k: KmuSession,
  flags: Flags,
  { call, number }: { readonly call: string; readonly number: number },
): void {
  const iv = flags.text('i');
  if (iv === undefined) return;
  if (!/^(?:0x)?[0-9a-f]{16}$/i.test(iv)) throw new Misuse('-i takes 16 hex digits.');
  if (number !== ZERO_PADDING && iv.toLowerCase().endsWith(DEFAULT_IV)) return;
  const words =
    number === ZERO_PADDING
      ? 'with -m 6 the HSMs work out the IV themselves and take none'
      : `with -m ${number} the HSMs take the IV 0x${DEFAULT_IV.toUpperCase()} and no other`;
  k.refused(call, { words });
  throw new Ended();
}

function gcm(k: KmuSession, flags: Flags): Mechanism {
  const bytes = flags.number('tag_size') ?? 16;
  if (!TAG_SIZES.includes(bytes)) throw new Misuse(`-tag_size ${bytes}: 8, or 12 to 16.`);
  const path = flags.text('aad');
  const aad = path === undefined ? new Uint8Array() : new Uint8Array(readFileFor(k, path));
  return { type: CLOUDHSM_CKM.AES_GCM, parameter: { kind: 'gcm', aad, tagBits: bytes * 8 } };
}
