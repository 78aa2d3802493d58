/**
 * Templates of new objects: what must be set, and what is set where the device takes it (usages that are to be off and that some modules
 * do not know at all). Everything asked for is read back afterwards.
 */
import { ATTRIBUTE_NAMES, type AttributeName, type KeyAttributes, kebabName } from '../../keys/attributes.ts';
import type { KeyClass, KeyType } from '../../keys/key-spec.ts';
import type { Violation } from '../adapter.ts';
import { boolAttribute, bytesOf, CKA_OF, CKO_OF, ckkOf, hexOf, ulongAttribute } from './attribute-codec.ts';
import { isTemplateRefusal } from './ckr-errors.ts';
import { CKA } from './constants.ts';
import type { Attribute, Handle } from './cryptoki.ts';
import type { Token } from './token.ts';

export interface Template {
  readonly required: readonly Attribute[];
  /** Left out when the device does not take them; all of them switch something off or say that there is none. */
  readonly optional: readonly Attribute[];
}

export interface TemplateOptions {
  readonly class: KeyClass;
  readonly type: KeyType;
  /** Hex. */
  readonly id: string;
  readonly label: string;
  readonly attributes: KeyAttributes;
  /** Further attributes, as they are. */
  readonly more?: readonly Attribute[];
}

/** Switched off where the device knows them: DERIVE makes new keys from a key, RECOVER is a raw private-key operation. */
const RECOVER: Readonly<Partial<Record<KeyClass, number>>> = {
  private: CKA.SIGN_RECOVER,
  public: CKA.VERIFY_RECOVER,
};

export function templateOf(token: Token, options: TemplateOptions): Template {
  const ckk = ckkOf(options.type);
  if (ckk === undefined) {
    throw token.fail('capability-missing', `a ${options.class} key of this type cannot be made.`);
  }
  const required: Attribute[] = [
    CLASS[options.class],
    KEY_TYPES.get(ckk) ?? ulongAttribute(CKA.KEY_TYPE, ckk),
    { type: CKA.LABEL, value: bytesOf(options.label) },
    boolAttribute(CKA.TOKEN, true),
  ];
  const optional: Attribute[] = [];
  // An empty id is offered too: a device that gives ids of its own would change the key's name unseen.
  (options.id === '' ? optional : required).push({ type: CKA.ID, value: bytesOf(options.id) });
  for (const name of Object.keys(options.attributes) as AttributeName[]) {
    const value = options.attributes[name];
    if (value === undefined) continue;
    const isLeftOut = name === 'derive' && !value;
    (isLeftOut ? optional : required).push(boolAttribute(CKA_OF[name], value));
  }
  const recover = RECOVER[options.class];
  if (recover !== undefined) optional.push(boolAttribute(recover, false));
  if (options.more !== undefined) required.push(...options.more);
  return { required, optional };
}

const CLASS: Readonly<Record<KeyClass, Attribute>> = {
  secret: ulongAttribute(CKA.CLASS, CKO_OF.secret),
  public: ulongAttribute(CKA.CLASS, CKO_OF.public),
  private: ulongAttribute(CKA.CLASS, CKO_OF.private),
};
const KEY_TYPES: ReadonlyMap<number, Attribute> = new Map(
  (['aes', 'des3', 'generic-secret', 'rsa', 'ec'] as const).map((type) => {
    const ckk = ckkOf(type) ?? 0;
    return [ckk, ulongAttribute(CKA.KEY_TYPE, ckk)];
  }),
);

/**
 * Calls `make` with the whole template, and once more without the optional part when the device refuses the template: that refusal
 * promises that nothing was made. What it did not take is not offered again.
 */
export async function makeWith<T>(
  token: Token,
  templates: readonly Template[],
  make: (attributes: readonly (readonly Attribute[])[]) => Promise<T> | T,
): Promise<T> {
  const offered = templates.map(({ optional }) => optional.filter(({ type }) => !token.unknownAttributes.has(type)));
  try {
    return await make(templates.map(({ required }, index) => [...required, ...(offered[index] ?? [])]));
  } catch (error) {
    if (!isTemplateRefusal(error) || offered.every((part) => part.length === 0)) throw error;
    const result = await make(templates.map(({ required }) => required));
    for (const { type } of offered.flat()) token.unknownAttributes.add(type);
    return result;
  }
}

const NAMES: ReadonlyMap<number, string> = new Map<number, string>([
  ...ATTRIBUTE_NAMES.map((name) => [CKA_OF[name], kebabName(name)] as const),
  [CKA.SIGN_RECOVER, 'sign-recover'],
  [CKA.VERIFY_RECOVER, 'verify-recover'],
  [CKA.LABEL, 'label'],
  [CKA.ID, 'id'],
  [CKA.CLASS, 'class'],
  [CKA.KEY_TYPE, 'type'],
]);

/** Reads back what was asked for. Attributes that the object has not are fine only where they were to be off. */
export function differences(
  token: Token,
  handle: Handle,
  template: Template,
  code: Violation['code'] = 'attribute-mismatch',
): Violation[] {
  const asked = [...template.required, ...template.optional].filter(({ type }) => NAMES.has(type));
  const readings = token.module.C_GetAttributeValue(
    token.lookups,
    handle,
    asked.map(({ type }) => type),
  );
  const violations: Violation[] = [];
  for (let index = 0; index < asked.length; index += 1) {
    const wanted = asked[index];
    if (wanted === undefined) continue;
    const got = readings[index]?.value ?? null;
    if (isSame(wanted.value, got)) continue;
    const name = NAMES.get(wanted.type) ?? '';
    const message = `${token.name}: ${name} was asked to be ${shown(wanted)}, the device says ${got === null ? 'nothing' : shown({ type: wanted.type, value: got })}.`;
    violations.push({ code: PERMISSIONS.has(wanted.type) ? code : 'attribute-mismatch', message });
  }
  return violations;
}

/** What widens a key when it comes out otherwise than asked. */
const PERMISSIONS: ReadonlySet<number> = new Set([
  CKA.SENSITIVE,
  CKA.EXTRACTABLE,
  CKA.ENCRYPT,
  CKA.DECRYPT,
  CKA.SIGN,
  CKA.SIGN_RECOVER,
  CKA.VERIFY,
  CKA.VERIFY_RECOVER,
  CKA.WRAP,
  CKA.UNWRAP,
  CKA.DERIVE,
]);

function isSame(wanted: Uint8Array, got: Uint8Array | null): boolean {
  if (got === null || got.length === 0) return wanted.length === 0 || (wanted.length === 1 && wanted[0] === 0);
  if (wanted.length === 1) return (wanted[0] !== 0) === (got[0] !== 0);
  return Buffer.compare(wanted, got) === 0;
}

const TEXTS: ReadonlySet<number> = new Set([CKA.LABEL, CKA.ID, CKA.CLASS, CKA.KEY_TYPE]);

function shown(attribute: Attribute): string {
  if (TEXTS.has(attribute.type)) return `0x${hexOf(attribute.value)}`;
  return attribute.value[0] === 0 ? 'false' : 'true';
}
