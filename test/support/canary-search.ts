/**
 * Looks for secrets in bytes: as they are, and in the forms in which a program spills them without meaning to (hex, base64 at any
 * alignment, UTF-16, percent-encoded, JSON of a byte array). What it cannot see: a secret that was encrypted, compressed or cut up.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface Canary {
  /** For findings: never the secret itself. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Place {
  readonly where: string;
  readonly bytes: Uint8Array;
}

export interface Finding {
  readonly canary: string;
  readonly form: string;
  readonly where: string;
  readonly at: number;
}

/** Shorter needles are found in any megabyte by chance. */
const MIN_BYTES = 6;

export const text = (where: string, value: string): Place => ({ where, bytes: Buffer.from(value, 'utf8') });

/** Every file below the folder, except those in the folders left out. */
export function filesBelow(folder: string, leaveOut: readonly string[] = []): Place[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !leaveOut.some((out) => path === out || path.startsWith(`${out}/`)))
    .map((path) => ({ where: relative(folder, path), bytes: readFileSync(path) }));
}

export class CanarySearch {
  readonly #needles: readonly { readonly canary: string; readonly form: string; readonly needle: Buffer }[];

  constructor(canaries: readonly Canary[]) {
    this.#needles = canaries.flatMap(({ name, bytes }) => {
      // Forms of plain text are often the same; each is looked for once.
      const forms = new Map(
        Object.entries(formsOf(Buffer.from(bytes))).map(([form, needle]) => [
          needle.toString('latin1'),
          { canary: name, form, needle },
        ]),
      );
      return [...forms.values()];
    });
    const short = this.#needles.find(({ needle }) => needle.length < MIN_BYTES);
    if (short !== undefined) throw new Error(`canary ${short.canary} is too short to be looked for as ${short.form}`);
  }

  /** The first form of each canary in each place. */
  in(places: readonly Place[]): Finding[] {
    const found = new Map<string, Finding>();
    for (const { where, bytes } of places) {
      const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (const { canary, form, needle } of this.#needles) {
        const at = haystack.indexOf(needle);
        const name = `${canary}\0${where}`;
        if (at >= 0 && !found.has(name)) found.set(name, { canary, form, where, at });
      }
    }
    return [...found.values()];
  }
}

/** Form → what to look for. */
export function formsOf(bytes: Buffer): Readonly<Record<string, Buffer>> {
  const hex = bytes.toString('hex');
  const latin = bytes.toString('latin1');
  return {
    raw: bytes,
    hex: Buffer.from(hex),
    'HEX in capitals': Buffer.from(hex.toUpperCase()),
    'hex with colons': Buffer.from(hex.replace(/..(?=.)/g, '$&:')),
    ...base64Forms(bytes),
    'UTF-16': Buffer.from(latin, 'utf16le'),
    'UTF-8 of Latin-1': Buffer.from(latin, 'utf8'),
    'percent-encoded': Buffer.from(encodeURIComponent(latin)),
    'array of numbers': Buffer.from([...bytes].join(',')),
    'array of numbers, spaced': Buffer.from([...bytes].join(', ')),
    backwards: Buffer.from(bytes).reverse(),
  };
}

/** Inside of longer base64 the letters depend on where the secret begins; those at its borders are shared with its neighbours. */
function base64Forms(bytes: Buffer): Record<string, Buffer> {
  const forms: Record<string, Buffer> = {};
  for (const shift of [0, 1, 2]) {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const first = shift === 0 ? 0 : shift + 1;
    const last = (shift + bytes.length) % 3 === 0 ? whole.length : whole.length - 1;
    const inner = whole.slice(first, last);
    forms[`base64 at ${shift}`] = Buffer.from(inner);
    forms[`base64url at ${shift}`] = Buffer.from(inner.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}
