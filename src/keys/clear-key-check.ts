/**
 * May these bytes be that key? Length, and the mistakes that people make: a key as hex or base64 text, a newline behind it, a constant,
 * a triple-DES key that is single DES or a weak one (NIST SP 800-67 rev. 2 §3.3). Says what is wrong, never a byte of it.
 */
import type { ClearKeyType } from './clear-key.ts';

const LENGTHS: Readonly<Record<ClearKeyType, readonly number[]>> = { aes: [16, 24, 32], des3: [24] };
/** Lengths that a key of any type here has. */
const KEY_BYTES: readonly number[] = LENGTHS.aes;
const NAMES: Readonly<Record<ClearKeyType, string>> = { aes: 'an AES', des3: 'a triple-DES' };

export interface ClearKeyVerdict {
  /** Why they are not: null when they may be. */
  readonly problem: string | null;
  /** What is allowed and should be known. */
  readonly notes: readonly string[];
}

const refused = (problem: string): ClearKeyVerdict => ({ problem, notes: [] });

export function checkClearKey(type: ClearKeyType, bytes: Uint8Array): ClearKeyVerdict {
  const wanted = LENGTHS[type].join(', ').replace(/, (\d+)$/, ' or $1');
  const problem = bytesProblem(bytes, {
    isWanted: (length) => LENGTHS[type].includes(length),
    wanted: `${NAMES[type]} key has ${wanted}`,
    isLength: isKeyLength,
  });
  if (problem !== null) return refused(problem);
  const verdict = type === 'des3' ? checkTripleDes(bytes) : { problem: null, notes: [] };
  // One random AES-128 key in three million is printable too, so this is no refusal.
  const password = isPrintable(bytes) ? ['all its bytes are printable characters: is it a password?'] : [];
  return { ...verdict, notes: [...verdict.notes, ...password] };
}

/**
 * The same for bytes that are to be the material of some device's key: `name` of such a key with its article, and how many bytes it takes.
 * null: they may be that.
 */
export function materialProblem(name: string, least: number, most: number, bytes: Uint8Array): string | null {
  const isWanted = (length: number): boolean => length >= least && length <= most;
  const wanted = `${name} takes ${least === most ? `exactly ${least}` : `${least} to ${most}`}`;
  return bytesProblem(bytes, { isWanted, wanted, isLength: (length) => isWanted(length) || isKeyLength(length) });
}

interface Wanted {
  readonly isWanted: (length: number) => boolean;
  /** In words, after "it holds 31 bytes, and". */
  readonly wanted: string;
  /** Is it the length of some key, so that its text may have been given instead? */
  readonly isLength: (length: number) => boolean;
}

function bytesProblem(bytes: Uint8Array, { isWanted, wanted, isLength }: Wanted): string | null {
  const encoded = encodedAs(bytes, isLength);
  if (!isWanted(bytes.length)) {
    const looks = encoded ?? (isPrintable(bytes) ? 'text' : withNewline(bytes, isLength));
    const text = `it holds ${bytes.length} bytes, and ${wanted}`;
    return looks === null ? text : `${text}; it looks like ${looks}`;
  }
  if (encoded !== null) return `it holds ${bytes.length} bytes, but looks like ${encoded}`;
  return bytes.every((byte) => byte === bytes[0]) ? 'all its bytes are the same, which is no key' : null;
}

const isKeyLength = (length: number): boolean => KEY_BYTES.includes(length);

/** Text that stands for bytes; null: none. Random bytes of a key's length never look so (below 10^-9 for base64, 10^-16 for hex). */
function encodedAs(bytes: Uint8Array, isLength: Wanted['isLength']): string | null {
  // A key is not made a string of, which nobody could wipe.
  if (!isPrintable(bytes)) return null;
  const text = Buffer.from(bytes).toString('latin1');
  if (text.includes('-----BEGIN ')) return 'PEM text';
  const line = text.replace(/\r?\n$/, '');
  const newline = line === text ? '' : ' with a newline behind it';
  const digits = /^(?:0x)?((?:[0-9a-f]{2})+)$/i.exec(line)?.[1]?.length;
  if (digits !== undefined) {
    return `${digits} hex digits${newline}: the text of ${digits / 2} bytes; decode it first (xxd -r -p)`;
  }
  const decoded = /^[A-Za-z0-9+/]+={0,2}$/.test(line) && line.length % 4 === 0 ? Buffer.from(line, 'base64').length : 0;
  return isLength(decoded) ? `base64${newline}: the text of ${decoded} bytes; decode it first (base64 -d)` : null;
}

/** Tab to carriage return, and space to tilde. */
const isPrintable = (bytes: Uint8Array): boolean =>
  bytes.length > 0 && bytes.every((byte) => (byte >= 0x09 && byte <= 0x0d) || (byte >= 0x20 && byte <= 0x7e));

function withNewline(bytes: Uint8Array, isLength: Wanted['isLength']): string | null {
  const length = bytes.length - (bytes.at(-2) === 0x0d ? 2 : 1);
  return bytes.at(-1) === 0x0a && isLength(length) ? `${length} bytes with a newline behind them` : null;
}

/** Weak and semi-weak keys of DES, parity bits taken off. */
const WEAK_DES: ReadonlySet<string> = new Set([
  '0000000000000000',
  'fefefefefefefefe',
  '1e1e1e1e0e0e0e0e',
  'e0e0e0e0f0f0f0f0',
  '001e001e000e000e',
  '1e001e000e000e00',
  '00e000e000f000f0',
  'e000e000f000f000',
  '00fe00fe00fe00fe',
  'fe00fe00fe00fe00',
  '1ee01ee00ef00ef0',
  'e01ee01ef00ef00e',
  '1efe1efe0efe0efe',
  'fe1efe1efe0efe0e',
  'e0fee0fef0fef0fe',
  'fee0fee0fef0fef0',
]);

function checkTripleDes(bytes: Uint8Array): ClearKeyVerdict {
  const halves = [0, 8, 16].map((start) =>
    Buffer.from(bytes.subarray(start, start + 8).map((byte) => byte & 0xfe)).toString('hex'),
  );
  const [first, second, third] = halves;
  if (first === second || second === third) return refused('two neighbouring parts are equal, so it is single DES');
  if (halves.some((half) => WEAK_DES.has(half))) return refused('one of its parts is a weak DES key');
  const notes: string[] = [];
  if (first === third) notes.push('its first and last part are equal: two-key triple DES, 112 bits at most');
  if (bytes.some((byte) => !hasOddParity(byte))) {
    notes.push('its parity bits are not set as DES has them: some devices refuse that, others set them');
  }
  return { problem: null, notes };
}

function hasOddParity(byte: number): boolean {
  let ones = 0;
  for (let bit = 0; bit < 8; bit += 1) ones += (byte >> bit) & 1;
  return ones % 2 === 1;
}
