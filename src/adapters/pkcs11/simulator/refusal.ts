/** How a simulated module refuses: a PKCS#11 return value. The facade puts the name of the C_ call to it. */

import { ckrName } from '../constants.ts';
import { CryptokiError } from '../cryptoki.ts';

export class Refusal extends Error {
  /** CKR_… */
  readonly value: number;

  constructor(value: number) {
    super(ckrName(value));
    this.name = 'Refusal';
    this.value = value;
  }
}

export function refuse(value: number): never {
  throw new Refusal(value);
}

/** A Refusal as the port's error; anything else stays what it is. */
export function named(call: string, error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  return new CryptokiError(call, error.value, `${call}: ${ckrName(error.value)}`);
}
