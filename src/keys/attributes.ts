/**
 * Boolean attributes of a key, in one table: the name used in code, in YAML (`wrap-with-trusted`) and in expressions
 * (`key.wrap_with_trusted`). An adapter maps them to its device's own numbers.
 */
export const ATTRIBUTE_NAMES = [
  'token',
  'private',
  'sensitive',
  'extractable',
  'alwaysSensitive',
  'neverExtractable',
  'local',
  'modifiable',
  'copyable',
  'destroyable',
  'encrypt',
  'decrypt',
  'sign',
  'verify',
  'wrap',
  'unwrap',
  'derive',
  'trusted',
  'wrapWithTrusted',
] as const;
export type AttributeName = (typeof ATTRIBUTE_NAMES)[number];

/** Usage attributes: what the key may do. They are copied from the source key on arrival. */
export const USAGE_ATTRIBUTES = ['encrypt', 'decrypt', 'sign', 'verify', 'wrap', 'unwrap', 'derive'] as const;

/** An absent name: the device does not have that attribute for this object. */
export type KeyAttributes = { readonly [name in AttributeName]?: boolean };

const joined = (separator: string): Readonly<Record<AttributeName, string>> =>
  Object.fromEntries(
    ATTRIBUTE_NAMES.map((name) => [
      name,
      name
        .split(/(?=[A-Z])/)
        .join(separator)
        .toLowerCase(),
    ]),
  ) as Record<AttributeName, string>;

// Asked for every attribute of every key, so made once.
const KEBAB = joined('-');
const SNAKE = joined('_');

/** `wrapWithTrusted` → `wrap-with-trusted`, as playbooks and JSON write it. */
export const kebabName = (name: AttributeName): string => KEBAB[name];

/** `wrapWithTrusted` → `wrap_with_trusted`, as expressions write it. */
export const snakeName = (name: AttributeName): string => SNAKE[name];

const BY_KEBAB: ReadonlyMap<string, AttributeName> = new Map(ATTRIBUTE_NAMES.map((name) => [kebabName(name), name]));

export function attributeFromKebab(kebab: string): AttributeName | undefined {
  return BY_KEBAB.get(kebab);
}
