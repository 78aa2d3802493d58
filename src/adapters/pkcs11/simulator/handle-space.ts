/**
 * Handles in an order shuffled per process: a bijection of 31-bit numbers over a running index, so that no caller can rely on the order
 * or keep a handle for the next process (SoftHSM numbers objects in the order of look-up). 0 is CK_INVALID_HANDLE and never given out.
 */
const MASK = 0x7fff_ffff;

/** Inverse of an odd number modulo 2^32, by Newton's iteration. */
function inverse(odd: number): number {
  let x = odd;
  for (let i = 0; i < 5; i += 1) x = Math.imul(x, 2 - Math.imul(odd, x));
  return x;
}

export class HandleSpace {
  readonly #factor: number;
  readonly #inverse: number;
  readonly #shift: number;

  constructor(random: () => number) {
    this.#factor = (Math.floor(random() * 0x4000_0000) << 1) | 1;
    this.#inverse = inverse(this.#factor);
    // The index that handle 0 stands for must lie beyond what any process counts to.
    let shift = 0;
    do shift = Math.floor(random() * MASK);
    while ((Math.imul(shift, this.#inverse) & MASK) < 0x1000_0000);
    this.#shift = shift;
  }

  handleOf(index: number): number {
    return (Math.imul(index, this.#factor) & MASK) ^ this.#shift;
  }

  indexOf(handle: number): number {
    return Math.imul(handle ^ this.#shift, this.#inverse) & MASK;
  }
}
