/**
 * Turns a checked template and key material into an object, by the standard's rules for each way of creation: who is LOCAL, always
 * sensitive, never extractable (pkcs11-base v2.40 §4.7 to §4.10), and the personality's defaults and defects.
 */
import { randomBytes } from 'node:crypto';
import { CKA, CKK, CKO, CKR } from '../constants.ts';
import { CLASS_FLAGS, FLAG } from './attribute-table.ts';
import { sameBytes } from './attribute-values.ts';
import type { Personality, Way } from './personality.ts';
import { refuse } from './refusal.ts';
import { checkValue, LooseObject, type SimulatedObject } from './simulated-object.ts';
import { type CheckedTemplate, defaultFlags } from './template.ts';
import type { ValueList } from './value-list.ts';

let pool = Buffer.alloc(0);
let poolAt = 0;

/** 53 random bits: a name that no other process gives. Drawn from a buffer, since randomBytes costs 3 µs a call. */
export function newUid(): number {
  if (poolAt + 8 > pool.length) {
    pool = randomBytes(4096);
    poolAt = 0;
  }
  const uid = (pool.readUInt32LE(poolAt) & 0x1f_ffff) * 0x1_0000_0000 + pool.readUInt32LE(poolAt + 4);
  poolAt += 8;
  return uid;
}

const SECRET_BYTES: Readonly<Record<number, readonly number[]>> = {
  [CKK.AES]: [16, 24, 32],
  [CKK.DES3]: [24],
  [CKK.DES2]: [16],
};

/** May a secret key of that type have that many bytes? */
export function isSecretLength(keyType: number, bytes: number): boolean {
  const allowed = SECRET_BYTES[keyType];
  return allowed === undefined ? keyType === CKK.GENERIC_SECRET && bytes >= 1 : allowed.includes(bytes);
}

/** Never kept as values: read from the key material. */
const FROM_MATERIAL = [CKA.CHECK_VALUE, CKA.VALUE, CKA.VALUE_LEN];

export interface ObjectParts {
  readonly personality: Personality;
  readonly way: Way;
  readonly template: CheckedTemplate;
  readonly material: Uint8Array;
  /** Attributes that come from the material: modulus, exponent, curve. */
  readonly components?: ReadonlyMap<number, Uint8Array>;
  /** CKM_… for generated keys. */
  readonly mechanism?: number;
  /** Session that owns it if it becomes a session object. */
  readonly session: number;
}

export function makeObject(parts: ObjectParts): SimulatedObject {
  const { personality, way, template, material, session } = parts;
  const isCheckValueEmpty = way === 'unwrap' && personality.checkValueOnUnwrap === 'empty';
  const values = template.values;
  checkGivenCheckValue(values.get(CKA.CHECK_VALUE), template.keyType, material);
  for (const type of FROM_MATERIAL) values.delete(type);
  if (template.class === CKO.PRIVATE_KEY) removePrivateComponents(values);
  if (parts.components !== undefined) for (const [type, value] of parts.components) values.set(type, value);
  const flags = flagsOf(parts);
  return new LooseObject({
    uid: newUid(),
    index: 0,
    class: template.class,
    keyType: template.keyType,
    flags,
    keyGenMechanism: parts.mechanism ?? -1,
    isCheckValueEmpty,
    values,
    material,
    keyObject: null,
    session: (flags & FLAG.TOKEN) === 0 ? session : 0,
  });
}

/** The template's booleans without the ones the standard and the device decide. */
export function requestedFlags(personality: Personality, way: Way, template: CheckedTemplate): number {
  const defaults = defaultFlags(personality, template.class, template.keyType, way);
  const flags = (defaults & ~template.given) | template.flags;
  return personality.alwaysPrivate === true ? flags | FLAG.PRIVATE : flags;
}

function flagsOf({ personality, way, template }: ObjectParts): number {
  let flags = requestedFlags(personality, way, template);
  if (way === 'unwrap' && personality.defects?.unwrappedExtractable === true) flags |= FLAG.EXTRACTABLE;
  if (personality.defects?.widensWrappingKeys === true) flags = widened(flags);
  flags &= ~(FLAG.LOCAL | FLAG.ALWAYS_SENSITIVE | FLAG.NEVER_EXTRACTABLE);
  if (way === 'generate') {
    flags |= FLAG.LOCAL;
    if ((flags & FLAG.SENSITIVE) !== 0) flags |= FLAG.ALWAYS_SENSITIVE;
    if ((flags & FLAG.EXTRACTABLE) === 0) flags |= FLAG.NEVER_EXTRACTABLE;
  }
  return flags & (CLASS_FLAGS[template.class] ?? 0);
}

function widened(flags: number): number {
  if ((flags & (FLAG.WRAP | FLAG.UNWRAP)) === 0) return flags;
  return flags | FLAG.ENCRYPT | FLAG.DECRYPT | FLAG.SIGN;
}

/** An empty check value asks for none to be checked (pkcs11-base §4.7.2). */
function checkGivenCheckValue(given: Uint8Array | undefined, keyType: number, material: Uint8Array): void {
  if (given === undefined || given.length === 0) return;
  const own = checkValue(keyType, material);
  if (own === null || !sameBytes(own, given)) refuse(CKR.ATTRIBUTE_VALUE_INVALID);
}

/** They are read from the material, where the key shows them at all. */
function removePrivateComponents(values: ValueList): void {
  for (const type of [
    CKA.PRIVATE_EXPONENT,
    CKA.PRIME_1,
    CKA.PRIME_2,
    CKA.EXPONENT_1,
    CKA.EXPONENT_2,
    CKA.COEFFICIENT,
  ]) {
    values.delete(type);
  }
}
