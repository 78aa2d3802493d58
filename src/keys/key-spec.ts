/** What kinds of keys there are, in the field's words. */
export const KEY_CLASSES = ['secret', 'public', 'private'] as const;
export type KeyClass = (typeof KEY_CLASSES)[number];

export const KEY_TYPES = ['aes', 'des3', 'generic-secret', 'rsa', 'ec', 'other'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** Named curves (SEC 2, FIPS 186-4) that keyferry tells apart. */
export const CURVES = ['P-256', 'P-384', 'P-521', 'secp256k1'] as const;
export type Curve = (typeof CURVES)[number];
