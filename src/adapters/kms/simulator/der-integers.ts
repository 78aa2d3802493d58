/** A DER SEQUENCE of two INTEGERs, as an ECDSA signature is (RFC 3279, 2.2.3). */

export function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
  return Buffer.concat([Buffer.from([0x02, padded.length]), padded]);
}

/** null: not exactly that, in its shortest form. */
export function readDerIntegers(der: Buffer): readonly [bigint, bigint] | null {
  const isLong = der[1] === 0x81;
  const start = isLong ? 3 : 2;
  if (der[0] !== 0x30 || der[isLong ? 2 : 1] !== der.length - start) return null;
  const first = readInteger(der, start);
  const second = first === null ? null : readInteger(der, first.end);
  return first === null || second === null || second.end !== der.length ? null : [first.value, second.value];
}

function readInteger(der: Buffer, at: number): { readonly value: bigint; readonly end: number } | null {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  if (der[at] !== 0x02 || length === 0 || length >= 0x80 || end > der.length) return null;
  const bytes = der.subarray(at + 2, end);
  if ((bytes[0] ?? 0) >= 0x80) return null;
  if (length > 1 && bytes[0] === 0 && (bytes[1] ?? 0) < 0x80) return null;
  return { value: BigInt(`0x${bytes.toString('hex')}`), end };
}
