/**
 * Checks an attribute template by the rules of pkcs11-base v2.40 §4.1.1: unknown → ATTRIBUTE_TYPE_INVALID, not for this creation →
 * ATTRIBUTE_READ_ONLY, malformed → ATTRIBUTE_VALUE_INVALID, contradicting → TEMPLATE_INCONSISTENT, missing → TEMPLATE_INCOMPLETE.
 */

import { CKA, CKR } from '../constants.ts';
import type { Attribute } from '../cryptoki.ts';
import { type AttributeRow, attributeRow, CLASS_BIT, CLASS_FLAGS, FLAG } from './attribute-table.ts';
import { decodeTemplate, readBool, readUlong, sameBytes } from './attribute-values.ts';
import type { Personality, Way } from './personality.ts';
import type { Role } from './record-codec.ts';
import { refuse } from './refusal.ts';
import { ValueList } from './value-list.ts';

export interface CheckedTemplate {
  readonly class: number;
  readonly keyType: number;
  /** Booleans that the template sets, and which it names. */
  readonly flags: number;
  readonly given: number;
  readonly values: ValueList;
}

export interface TemplateContext {
  readonly personality: Personality;
  readonly way: Way;
  /** What a mechanism implies; absent: the template must say. */
  readonly class?: number;
  readonly keyType?: number;
  /** Only the user makes private objects (CKR_USER_NOT_LOGGED_IN); only the SO sets CKA_TRUSTED. */
  readonly login: Role | null;
}

/** The form of one value: CKR_ATTRIBUTE_VALUE_INVALID unless it is right. Gives the boolean, false for other forms. */
export function checkForm(row: AttributeRow, value: Uint8Array): boolean {
  switch (row.form) {
    case 'bool':
      return readBool(value) ?? refuse(CKR.ATTRIBUTE_VALUE_INVALID);
    case 'ulong':
      if (readUlong(value) === null) refuse(CKR.ATTRIBUTE_VALUE_INVALID);
      return false;
    case 'template':
      if (decodeTemplate(value) === null) refuse(CKR.ATTRIBUTE_VALUE_INVALID);
      return false;
    case 'bytes':
      return false;
  }
}

function ulongIn(template: readonly Attribute[], type: number): number | null {
  for (const attribute of template) {
    if (attribute.type === type) return readUlong(attribute.value) ?? refuse(CKR.ATTRIBUTE_VALUE_INVALID);
  }
  return null;
}

/** What the template says, what the mechanism implies, and that they agree. */
function agreed(stated: number | null, implied: number | undefined): number {
  if (stated === null) return implied ?? refuse(CKR.TEMPLATE_INCOMPLETE);
  if (implied !== undefined && stated !== implied) refuse(CKR.TEMPLATE_INCONSISTENT);
  return stated;
}

function isPrivate(template: readonly Attribute[], context: TemplateContext, cls: number, keyType: number): boolean {
  if (context.personality.alwaysPrivate === true) return true;
  const stated = template.find((attribute) => attribute.type === CKA.PRIVATE);
  if (stated !== undefined) return stated.value[0] === 1;
  return (defaultFlags(context.personality, cls, keyType, context.way) & FLAG.PRIVATE) !== 0;
}

export function checkTemplate(template: readonly Attribute[], context: TemplateContext): CheckedTemplate {
  const cls = agreed(ulongIn(template, CKA.CLASS), context.class);
  const keyType = agreed(ulongIn(template, CKA.KEY_TYPE), context.keyType);
  const classBit = CLASS_BIT[cls];
  if (classBit === undefined) refuse(CKR.ATTRIBUTE_VALUE_INVALID);
  // Before the rest of the template is looked at, as SoftHSM does.
  if (context.login !== 'user' && isPrivate(template, context, cls, keyType)) refuse(CKR.USER_NOT_LOGGED_IN);
  const values = new ValueList();
  let flags = 0;
  let given = 0;
  for (const { type, value } of template) {
    const row = attributeRow(type);
    if (
      row === undefined ||
      (row.classes & (classBit ?? 0)) === 0 ||
      context.personality.unknownAttributes.includes(type)
    ) {
      refuse(CKR.ATTRIBUTE_TYPE_INVALID);
    } else if (!row.given.includes(context.way)) {
      refuse(CKR.ATTRIBUTE_READ_ONLY);
    } else if (row.bit >= 0) {
      const bit = 1 << row.bit;
      const isSet = checkForm(row, value);
      if ((given & bit) !== 0 && ((flags & bit) !== 0) !== isSet) refuse(CKR.TEMPLATE_INCONSISTENT);
      if (isSet && type === CKA.TRUSTED && context.login !== 'officer') refuse(CKR.ATTRIBUTE_READ_ONLY);
      given |= bit;
      if (isSet) flags |= bit;
    } else {
      checkForm(row, value);
      const earlier = values.get(type);
      if (earlier !== undefined && !sameBytes(earlier, value)) refuse(CKR.TEMPLATE_INCONSISTENT);
      if (type !== CKA.CLASS && type !== CKA.KEY_TYPE) values.set(type, new Uint8Array(value));
    }
  }
  return { class: cls, keyType, flags, given, values };
}

const defaultFlagsCache = new WeakMap<Personality, Map<string, number>>();

/** Booleans of an object of that class, type and creation, before its template is applied. */
export function defaultFlags(personality: Personality, cls: number, keyType: number, way: Way): number {
  let cache = defaultFlagsCache.get(personality);
  if (cache === undefined) {
    cache = new Map();
    defaultFlagsCache.set(personality, cache);
  }
  const key = `${cls}/${keyType}/${way}`;
  const cached = cache.get(key);
  if (cached !== undefined) return cached;
  let flags = 0;
  for (const row of personality.defaults) {
    if (row.class !== undefined && row.class !== cls) continue;
    if (row.keyType !== undefined && row.keyType !== keyType) continue;
    if (row.way !== undefined && row.way !== way) continue;
    for (const [type, value] of Object.entries(row.attributes)) {
      const bit = attributeRow(Number(type))?.bit ?? -1;
      if (bit >= 0) flags = value ? flags | (1 << bit) : flags & ~(1 << bit);
    }
  }
  flags &= CLASS_FLAGS[cls] ?? 0;
  cache.set(key, flags);
  return flags;
}
