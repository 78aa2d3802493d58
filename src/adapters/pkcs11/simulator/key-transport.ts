/**
 * C_WrapKey and C_UnwrapKey: who may wrap what under what. The checks come in the order in which SoftHSM 2.6.1 makes them, where the
 * standard leaves the order open.
 */
import { CKA, CKK, CKO, CKR } from '../constants.ts';
import type { Attribute, Handle, Mechanism } from '../cryptoki.ts';
import { FLAG } from './attribute-table.ts';
import { decodeTemplate, readUlong, sameBytes } from './attribute-values.ts';
import type { CryptoPool } from './crypto-pool.ts';
import { privateKeyFromPkcs8, publicComponents } from './key-components.ts';
import type { CreationContext } from './key-creation.ts';
import { type MechanismRow, OPERATION_KEY_TYPE } from './mechanism-table.ts';
import { isSecretLength, makeObject } from './object-maker.ts';
import type { Personality } from './personality.ts';
import { refuse } from './refusal.ts';
import { has, readAttribute, type SimulatedObject } from './simulated-object.ts';
import type { Slot } from './slot.ts';
import { type CheckedTemplate, checkTemplate } from './template.ts';
import { checkWrapParameter, checkWrappedLength, unwrapPayload, wrapPayload } from './wrap-operations.ts';

/** Class and type of the key that the mechanism works with. */
function isFit(object: SimulatedObject, row: MechanismRow, direction: 'wrap' | 'unwrap'): boolean {
  const isRsa = row.operation === 'rsa-oaep' || row.operation === 'rsa-pkcs' || row.operation === 'rsa-aes-kwp';
  const wanted = !isRsa ? CKO.SECRET_KEY : direction === 'wrap' ? CKO.PUBLIC_KEY : CKO.PRIVATE_KEY;
  return object.class === wanted && OPERATION_KEY_TYPE[row.operation].includes(object.keyType);
}

export interface WrapRequest {
  readonly personality: Personality;
  readonly slot: Slot;
  readonly row: MechanismRow;
  readonly mechanism: Mechanism;
  readonly wrappingKey: Handle;
  readonly key: Handle;
}

export function wrapKey({ personality, slot, row, mechanism, wrappingKey, key }: WrapRequest): Uint8Array {
  const { refusals } = personality;
  checkWrapParameter(row, mechanism, refusals);
  const wrapping = slot.resolve(wrappingKey, CKR.WRAPPING_KEY_HANDLE_INVALID);
  if (!isFit(wrapping, row, 'wrap')) refuse(CKR.WRAPPING_KEY_TYPE_INCONSISTENT);
  if (!has(wrapping, FLAG.WRAP)) refuse(CKR.KEY_FUNCTION_NOT_PERMITTED);
  slot.permit(wrapping, 'use');
  const payload = slot.resolve(key, CKR.KEY_HANDLE_INVALID);
  slot.permit(payload, 'wrap-out');
  if (payload.class === CKO.PUBLIC_KEY) refuse(CKR.KEY_NOT_WRAPPABLE);
  if (!has(payload, FLAG.EXTRACTABLE) && personality.defects?.wrapsUnextractable !== true)
    refuse(CKR.KEY_UNEXTRACTABLE);
  if (has(payload, FLAG.WRAP_WITH_TRUSTED) && !has(wrapping, FLAG.TRUSTED)) refuse(CKR.KEY_NOT_WRAPPABLE);
  if (payload.class === CKO.PRIVATE_KEY) {
    const isPlainRsa = row.operation === 'rsa-oaep' || row.operation === 'rsa-pkcs';
    if (!personality.privateKeysWrappable || isPlainRsa) refuse(CKR.KEY_NOT_WRAPPABLE);
  }
  checkWrapTemplate(wrapping, payload);
  return wrapPayload({ row, mechanism, key: wrapping, data: payload.material, refusals });
}

/** "If any attribute mismatch occurs … the function SHALL return CKR_KEY_HANDLE_INVALID" (pkcs11-base §5.14, on CKA_WRAP_TEMPLATE). */
function checkWrapTemplate(wrapping: SimulatedObject, payload: SimulatedObject): void {
  const nested = wrapping.value(CKA.WRAP_TEMPLATE);
  if (nested === undefined) return;
  for (const { type, value } of decodeTemplate(nested) ?? []) {
    const own = readAttribute(payload, type);
    if (!(own instanceof Uint8Array) || !sameBytes(own, value)) refuse(CKR.KEY_HANDLE_INVALID);
  }
}

export interface UnwrapRequest {
  readonly context: CreationContext;
  readonly slot: Slot;
  readonly row: MechanismRow;
  readonly mechanism: Mechanism;
  readonly unwrappingKey: Handle;
  readonly wrapped: Uint8Array;
  readonly template: readonly Attribute[];
  readonly pool: CryptoPool;
  /** Refuses when the object could not be added, before the slow part. */
  readonly precheck: (template: CheckedTemplate) => void;
}

export async function unwrapKey(request: UnwrapRequest): Promise<SimulatedObject> {
  const { context, slot, row, mechanism, wrapped, pool } = request;
  const { personality } = context;
  checkWrapParameter(row, mechanism, personality.refusals);
  checkWrappedLength(row, wrapped);
  const unwrapping = slot.resolve(request.unwrappingKey, CKR.UNWRAPPING_KEY_HANDLE_INVALID);
  if (!isFit(unwrapping, row, 'unwrap')) refuse(CKR.UNWRAPPING_KEY_TYPE_INCONSISTENT);
  if (!has(unwrapping, FLAG.UNWRAP)) refuse(CKR.KEY_FUNCTION_NOT_PERMITTED);
  slot.permit(unwrapping, 'use');
  const template = checkTemplate(withUnwrapTemplate(unwrapping, request.template), {
    personality,
    way: 'unwrap',
    login: context.login,
  });
  if (template.class === CKO.PUBLIC_KEY) refuse(CKR.ATTRIBUTE_VALUE_INVALID);
  checkValueLen(personality, row, template);
  request.precheck(template);
  const data = { row, mechanism, key: unwrapping, data: wrapped, refusals: personality.refusals };
  return arrived(context, template, await unwrapPayload(data, pool));
}

function checkValueLen(personality: Personality, row: MechanismRow, template: CheckedTemplate): void {
  const rule = row.valueLenOnUnwrap ?? personality.valueLenOnUnwrap;
  const isGiven = template.values.has(CKA.VALUE_LEN);
  const isVariable = template.class === CKO.SECRET_KEY && template.keyType !== CKK.DES3;
  if (rule === 'rejected' && isGiven) refuse(CKR.ATTRIBUTE_READ_ONLY);
  if (rule === 'required' && isVariable && !isGiven) refuse(CKR.TEMPLATE_INCOMPLETE);
}

/** The unwrapping key's CKA_UNWRAP_TEMPLATE and the caller's template together; they may not contradict (CKR_TEMPLATE_INCONSISTENT). */
function withUnwrapTemplate(unwrapping: SimulatedObject, template: readonly Attribute[]): readonly Attribute[] {
  const nested = unwrapping.value(CKA.UNWRAP_TEMPLATE);
  if (nested === undefined) return template;
  const given = new Map(template.map((attribute) => [attribute.type, attribute.value]));
  const added: Attribute[] = [];
  for (const attribute of decodeTemplate(nested) ?? []) {
    const value = given.get(attribute.type);
    if (value === undefined) added.push(attribute);
    else if (!sameBytes(value, attribute.value)) refuse(CKR.TEMPLATE_INCONSISTENT);
  }
  return [...template, ...added];
}

function arrived(context: CreationContext, template: CheckedTemplate, payload: Uint8Array): SimulatedObject {
  const parts = { ...context, way: 'unwrap', template } as const;
  if (template.class === CKO.SECRET_KEY) {
    if (!isSecretLength(template.keyType, payload.length)) refuse(CKR.WRAPPED_KEY_LEN_RANGE);
    const stated = template.values.get(CKA.VALUE_LEN);
    if (stated !== undefined && readUlong(stated) !== payload.length) refuse(CKR.TEMPLATE_INCONSISTENT);
    return makeObject({ ...parts, material: payload });
  }
  const key = privateKeyFromPkcs8(payload);
  const components = key === null ? null : publicComponents(key);
  if (components === null) return refuse(CKR.WRAPPED_KEY_INVALID);
  if (components.keyType !== template.keyType) refuse(CKR.TEMPLATE_INCONSISTENT);
  return makeObject({ ...parts, material: payload, components: components.values });
}
