/**
 * AES key wrap (RFC 3394) between a plaintext on the host and a key in the HSM: the block operations are the HSM's, one AES call each. This
 * is how imSymKey, exSymKey and aesWrapUnwrap bring a key across in clear. Payloads are padded as PKCS#5 does, to 8 bytes.
 */
import { CKM } from '../../adapters/pkcs11/constants.ts';
import type { Cryptoki, Handle } from '../../adapters/pkcs11/cryptoki.ts';

export interface HsmKey {
  readonly module: Cryptoki;
  readonly session: Handle;
  readonly key: Handle;
}

export const DEFAULT_IV = Buffer.alloc(8, 0xa6);
const ECB = { type: CKM.AES_ECB } as const;
const ROUNDS = 6;

/** Changes `first` by the step's number, counted from 1. */
function mix(first: Buffer, step: number): void {
  first.writeUInt32BE((first.readUInt32BE(4) ^ step) >>> 0, 4);
}

export async function wrapHostKey(
  { module, session, key }: HsmKey,
  plain: Uint8Array,
  iv = DEFAULT_IV,
): Promise<Buffer> {
  const pad = 8 - (plain.length % 8);
  const padded = Buffer.concat([plain, Buffer.alloc(pad, pad)]);
  const blocks = padded.length / 8;
  const first = Buffer.from(iv);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let block = 0; block < blocks; block += 1) {
      const place = padded.subarray(block * 8, block * 8 + 8);
      const out = Buffer.from(await module.encrypt(session, ECB, key, Buffer.concat([first, place])));
      out.copy(first, 0, 0, 8);
      mix(first, blocks * round + block + 1);
      out.copy(place, 0, 8);
    }
  }
  return Buffer.concat([first, padded]);
}

/** null: not wrapped under this key, or not with this IV. */
export async function unwrapHostKey(
  { module, session, key }: HsmKey,
  wrapped: Uint8Array,
  iv = DEFAULT_IV,
): Promise<Buffer | null> {
  if (wrapped.length < 16 || wrapped.length % 8 !== 0) return null;
  const first = Buffer.from(wrapped.subarray(0, 8));
  const padded = Buffer.from(wrapped.subarray(8));
  const blocks = padded.length / 8;
  for (let round = ROUNDS - 1; round >= 0; round -= 1) {
    for (let block = blocks - 1; block >= 0; block -= 1) {
      const place = padded.subarray(block * 8, block * 8 + 8);
      mix(first, blocks * round + block + 1);
      const out = Buffer.from(await module.decrypt(session, ECB, key, Buffer.concat([first, place])));
      out.copy(first, 0, 0, 8);
      out.copy(place, 0, 8);
    }
  }
  const pad = padded.at(-1) ?? 0;
  const isSound = first.equals(iv) && pad >= 1 && pad <= 8 && padded.subarray(-pad).every((byte) => byte === pad);
  return isSound ? padded.subarray(0, padded.length - pad) : null;
}
