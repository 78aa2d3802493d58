/**
 * Labels are 40 raw bytes, padded with zeros, in no particular encoding. Here they are bytes without the padding; text is UTF-8. A text
 * that is too long is refused, since cutting it could cut through a character or make two labels one.
 */
import { WireError } from './wire-error.ts';

export const LABEL_BYTES = 40;

const LONE_SURROGATE = /\p{Surrogate}/u;

export function labelOf(text: string): Uint8Array {
  if (LONE_SURROGATE.test(text)) throw new WireError('a label has half of a surrogate pair');
  if (text.endsWith('\0')) throw new WireError('a label ends with a zero byte, which would be lost as padding');
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > LABEL_BYTES) {
    throw new WireError(`a label has ${bytes.length} bytes in UTF-8; ${LABEL_BYTES} is the most`);
  }
  return bytes;
}

/** null: the bytes are not UTF-8, and are to be shown in hex. */
export function labelText(label: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(label);
  } catch {
    return null;
  }
}

export function trimLabel(padded: Uint8Array): Uint8Array {
  let length = padded.length;
  while (length > 0 && padded[length - 1] === 0) length -= 1;
  return new Uint8Array(padded.subarray(0, length));
}
