/** Kinds of objects, where they came from, and the domains that they are in. An object is named by its type and its id together. */

export const OBJECT_TYPE = {
  opaque: 1,
  'authentication-key': 2,
  'asymmetric-key': 3,
  'wrap-key': 4,
  'hmac-key': 5,
  template: 6,
  'otp-aead-key': 7,
  'symmetric-key': 8,
  'public-wrap-key': 9,
} as const;

export type ObjectTypeName = keyof typeof OBJECT_TYPE;

const NAMES: ReadonlyMap<number, ObjectTypeName> = new Map(
  Object.entries(OBJECT_TYPE).map(([name, value]) => [value, name as ObjectTypeName]),
);

/** For people: `type-10` for a number that has no name. */
export function objectTypeName(type: number): string {
  return NAMES.get(type) ?? `type-${type}`;
}

export function isObjectTypeName(name: string): name is ObjectTypeName {
  return Object.hasOwn(OBJECT_TYPE, name);
}

/** Bits: `importedWrapped` is set besides one of the two others. */
export const ORIGIN = { generated: 0x01, imported: 0x02, importedWrapped: 0x10 } as const;

/** `generated`, `imported`, `generated, imported under wrap`; a byte without such bits is shown as it is. */
export function originName(origin: number): string {
  const words: string[] = [];
  if (origin & ORIGIN.generated) words.push('generated');
  if (origin & ORIGIN.imported) words.push('imported');
  if (origin & ORIGIN.importedWrapped) words.push('imported under wrap');
  return words.length === 0 ? `0x${origin.toString(16).padStart(2, '0')}` : words.join(', ');
}

/** In a create: the device picks the id. */
export const ANY_ID = 0;
/** Ids that no object of a user can have. */
export const isReservedId = (id: number): boolean => id === 0 || id === 0xffff;

export const ALL_DOMAINS = 0xffff;

/** `1,3` → 5; `all` → 0xffff. undefined: not a list of domains from 1 to 16. */
export function domainsMask(text: string): number | undefined {
  if (text.trim() === 'all') return ALL_DOMAINS;
  let mask = 0;
  for (const part of text.split(',')) {
    if (!/^\s*\d{1,2}\s*$/.test(part)) return undefined;
    const domain = Number(part);
    if (domain < 1 || domain > 16) return undefined;
    mask |= 1 << (domain - 1);
  }
  return mask;
}

/** 5 → `1,3`; none → ''. */
export function domainsText(mask: number): string {
  const domains: number[] = [];
  for (let domain = 1; domain <= 16; domain += 1) if ((mask >> (domain - 1)) & 1) domains.push(domain);
  return domains.join(',');
}
