/** What all four RSA wrapping commands carry besides keys: the OAEP and MGF1 algorithms and the digest of the OAEP label. */
import { HASH_BYTES, mgf1Hash, oaepHash } from '../wire/algorithms.ts';
import { WireError } from '../wire/wire-error.ts';

export interface OaepChoice {
  /** `rsa-oaep-sha256` and its kin. */
  readonly oaepAlgorithm: number;
  /** `mgf1-sha256` and its kin. */
  readonly mgf1Algorithm: number;
  /** Of the label under the OAEP hash; of the empty label where there is none. */
  readonly labelDigest: Uint8Array;
}

/** Throws WireError: the device finds the digest by its length, so a wrong one would shift every field. */
export function checkedOaep(choice: OaepChoice): OaepChoice {
  const hash = oaepHash(choice.oaepAlgorithm);
  if (hash === undefined) throw new WireError(`algorithm ${choice.oaepAlgorithm} is not OAEP`);
  if (mgf1Hash(choice.mgf1Algorithm) === undefined) {
    throw new WireError(`algorithm ${choice.mgf1Algorithm} is not MGF1`);
  }
  if (choice.labelDigest.length !== HASH_BYTES[hash]) throw new WireError('the label digest is not of the OAEP hash');
  return choice;
}
