/** Published vectors of the YubiHSM's protocol; the file names the source of each. */
import { readFileSync } from 'node:fs';

interface Vectors {
  readonly cmac: {
    readonly key: string;
    readonly cases: readonly { readonly message: string; readonly mac: string }[];
  };
  readonly keyWrapWithPadding: {
    readonly key: string;
    readonly cases: readonly { readonly payload: string; readonly wrapped: string }[];
  };
  readonly password: { readonly password: string; readonly enc: string; readonly mac: string };
  readonly login: {
    readonly hostChallenge: string;
    readonly create: string;
    readonly created: string;
    readonly authenticate: string;
    readonly authenticated: string;
  };
  readonly log: { readonly entries: readonly string[] };
  readonly deviceInfo: { readonly reply: string };
}

export const VECTORS: Vectors = JSON.parse(
  readFileSync(new URL('../vectors/yubihsm-crypto.json', import.meta.url), 'utf8'),
) as Vectors;

export const fromHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
