/**
 * RSA key pairs for GetParametersForImport. By default each call gets one of its own, made ahead in the background (generation takes from
 * 0.1 s for 2048 bits to some seconds for 4096). With a pool size, so many are used in turn; given keys are used before any is made.
 */
import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

export type WrappingKeySpec = 'RSA_2048' | 'RSA_3072' | 'RSA_4096';

/** Made ahead of the next call, where every call gets its own. */
const AHEAD = 2;

const bitsOf = (spec: WrappingKeySpec): number => Number(spec.slice('RSA_'.length));

export interface WrappingKeysOptions {
  /** undefined: every call gets a key of its own. */
  readonly poolSize: number | undefined;
  /** PEM, PKCS#8. */
  readonly given: readonly string[];
}

export class WrappingKeys {
  readonly #poolSize: number | undefined;
  readonly #given: readonly KeyObject[];
  /** Made or being made, by spec; used in turn where there is a pool size, else once. */
  readonly #made = new Map<WrappingKeySpec, Promise<KeyObject>[]>();
  readonly #turns = new Map<WrappingKeySpec, number>();

  constructor({ poolSize, given }: WrappingKeysOptions) {
    this.#poolSize = poolSize;
    this.#given = given.map((pem) => createPrivateKey(pem));
  }

  async next(spec: WrappingKeySpec): Promise<KeyObject> {
    const turn = this.#turns.get(spec) ?? 0;
    this.#turns.set(spec, turn + 1);
    const given = this.#given.filter((key) => key.asymmetricKeyDetails?.modulusLength === bitsOf(spec));
    const known = given[turn % given.length];
    if (known !== undefined) return known;
    const made = this.#made.get(spec) ?? [];
    this.#made.set(spec, made);
    if (this.#poolSize === undefined) {
      while (made.length <= AHEAD) made.push(newKey(spec));
      return (await made.shift()) ?? newKey(spec);
    }
    const place = turn % Math.max(1, this.#poolSize);
    const pooled = made[place] ?? newKey(spec);
    made[place] = pooled;
    return pooled;
  }

  /** Waits for keys that are being made: their threads would keep the process busy. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#made.values()].flat());
  }
}

async function newKey(spec: WrappingKeySpec): Promise<KeyObject> {
  return (await generate('rsa', { modulusLength: bitsOf(spec) })).privateKey;
}
