/** C_CreateObject, C_GenerateKey and C_GenerateKeyPair: from a template to objects that are not yet on the device. */
import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { CURVE_PARAMETERS, curveOfParameters } from '../../../keys/curve.ts';
import { CKA, CKK, CKO, CKR } from '../constants.ts';
import type { Attribute } from '../cryptoki.ts';
import { readUlong } from './attribute-values.ts';
import {
  ecPublicKey,
  publicComponents,
  RSA_PRIVATE_COMPONENTS,
  rsaPrivateKey,
  rsaPublicKey,
} from './key-components.ts';
import { type MechanismRow, OPERATION_KEY_TYPE } from './mechanism-table.ts';
import { isSecretLength, makeObject } from './object-maker.ts';
import type { Personality } from './personality.ts';
import type { Role } from './record-codec.ts';
import { refuse } from './refusal.ts';
import type { SimulatedObject } from './simulated-object.ts';
import { type CheckedTemplate, checkTemplate } from './template.ts';

const generatePair = promisify(generateKeyPair);

export interface CreationContext {
  readonly personality: Personality;
  readonly session: number;
  readonly login: Role | null;
}

export const publicDer = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' });
export const privateDer = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'pkcs8' });

export function createFromTemplate(context: CreationContext, template: readonly Attribute[]): SimulatedObject {
  const { personality } = context;
  const checked = checkTemplate(template, { personality, way: 'create', login: context.login });
  if (!personality.createClasses.includes(checked.class)) refuse(personality.refusals.createObject);
  const parts = { ...context, way: 'create', template: checked } as const;
  if (checked.class === CKO.SECRET_KEY) return makeObject({ ...parts, material: createdSecret(checked) });
  const key = checked.class === CKO.PUBLIC_KEY ? createdPublicKey(checked) : createdPrivateKey(checked);
  const components = key === null ? null : publicComponents(key);
  if (key === null || components === null) return refuse(CKR.ATTRIBUTE_VALUE_INVALID);
  const material = checked.class === CKO.PUBLIC_KEY ? publicDer(key) : privateDer(key);
  return makeObject({ ...parts, material, components: components.values });
}

function required(template: CheckedTemplate, type: number): Uint8Array {
  return template.values.get(type) ?? refuse(CKR.TEMPLATE_INCOMPLETE);
}

function createdSecret(template: CheckedTemplate): Uint8Array {
  const value = required(template, CKA.VALUE);
  if (!isSecretLength(template.keyType, value.length)) refuse(CKR.ATTRIBUTE_VALUE_INVALID);
  return value;
}

function createdPublicKey(template: CheckedTemplate): KeyObject | null {
  if (template.keyType === CKK.RSA)
    return rsaPublicKey(required(template, CKA.MODULUS), required(template, CKA.PUBLIC_EXPONENT));
  if (template.keyType === CKK.EC)
    return ecPublicKey(required(template, CKA.EC_PARAMS), required(template, CKA.EC_POINT));
  return refuse(CKR.ATTRIBUTE_VALUE_INVALID);
}

/** EC private keys arrive by unwrapping only. */
function createdPrivateKey(template: CheckedTemplate): KeyObject | null {
  if (template.keyType !== CKK.RSA) return refuse(CKR.ATTRIBUTE_VALUE_INVALID);
  for (const type of RSA_PRIVATE_COMPONENTS) required(template, type);
  return rsaPrivateKey(template.values);
}

/** DES keys carry odd parity in every byte. */
function withOddParity(key: Buffer): Buffer {
  for (let i = 0; i < key.length; i += 1) {
    const high = (key[i] ?? 0) & 0xfe;
    let ones = 0;
    for (let bit = 1; bit < 8; bit += 1) ones += (high >> bit) & 1;
    key[i] = high | (ones % 2 === 0 ? 1 : 0);
  }
  return key;
}

export function generateSecret(
  context: CreationContext,
  row: MechanismRow,
  template: readonly Attribute[],
): SimulatedObject {
  const { personality, login } = context;
  const keyType = OPERATION_KEY_TYPE[row.operation][0] ?? refuse(CKR.MECHANISM_INVALID);
  const checked = checkTemplate(template, { personality, way: 'generate', class: CKO.SECRET_KEY, keyType, login });
  const bytes = generatedLength(row, keyType, checked);
  const material = keyType === CKK.DES3 ? withOddParity(randomBytes(bytes)) : randomBytes(bytes);
  return makeObject({ ...context, way: 'generate', template: checked, material, mechanism: row.type });
}

function generatedLength(row: MechanismRow, keyType: number, template: CheckedTemplate): number {
  const given = template.values.get(CKA.VALUE_LEN);
  // DES3 keys have no CKA_VALUE_LEN (pkcs11-curr v2.40 §2.16.2).
  if (keyType === CKK.DES3) return given === undefined ? 24 : refuse(CKR.ATTRIBUTE_TYPE_INVALID);
  if (given === undefined) return refuse(CKR.TEMPLATE_INCOMPLETE);
  const bytes = readUlong(given) ?? 0;
  if (bytes < row.minKeySize || bytes > row.maxKeySize || !isSecretLength(keyType, bytes)) {
    refuse(CKR.ATTRIBUTE_VALUE_INVALID);
  }
  return bytes;
}

export interface PairTemplates {
  readonly publicTemplate: readonly Attribute[];
  readonly privateTemplate: readonly Attribute[];
}

/** What a pair of templates asks for, checked before the slow part. */
export interface PairRequest {
  readonly publicTemplate: CheckedTemplate;
  readonly privateTemplate: CheckedTemplate;
  generate(): Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }>;
}

export function checkPair(context: CreationContext, row: MechanismRow, templates: PairTemplates): PairRequest {
  const { personality, login } = context;
  const keyType = OPERATION_KEY_TYPE[row.operation][0] ?? refuse(CKR.MECHANISM_INVALID);
  const common = { personality, way: 'generate', keyType, login } as const;
  const publicTemplate = checkTemplate(templates.publicTemplate, { ...common, class: CKO.PUBLIC_KEY });
  const privateTemplate = checkTemplate(templates.privateTemplate, { ...common, class: CKO.PRIVATE_KEY });
  if (keyType === CKK.EC) {
    const curve = curveOfParameters(required(publicTemplate, CKA.EC_PARAMS)) ?? refuse(CKR.ATTRIBUTE_VALUE_INVALID);
    const { bits } = CURVE_PARAMETERS[curve];
    if (bits < row.minKeySize || bits > row.maxKeySize) refuse(CKR.KEY_SIZE_RANGE);
    return { publicTemplate, privateTemplate, generate: () => generatePair('ec', { namedCurve: curve }) };
  }
  const modulusLength = readUlong(required(publicTemplate, CKA.MODULUS_BITS)) ?? 0;
  const { leastExponent, bitsStep } = personality.rsaPairs ?? { leastExponent: 3, bitsStep: 1 };
  if (modulusLength < row.minKeySize || modulusLength > row.maxKeySize || modulusLength % bitsStep !== 0) {
    refuse(CKR.KEY_SIZE_RANGE);
  }
  const publicExponent = exponentOf(publicTemplate.values.get(CKA.PUBLIC_EXPONENT), leastExponent);
  return { publicTemplate, privateTemplate, generate: () => generatePair('rsa', { modulusLength, publicExponent }) };
}

function exponentOf(given: Uint8Array | undefined, least: number): number {
  if (given === undefined) return 65_537;
  const value = given.reduce((sum, byte) => sum * 256 + byte, 0);
  if (value < least || value > 0xffff_ffff || value % 2 === 0) refuse(CKR.ATTRIBUTE_VALUE_INVALID);
  return value;
}

export function makePair(
  context: CreationContext,
  row: MechanismRow,
  request: PairRequest,
  pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
): { readonly publicKey: SimulatedObject; readonly privateKey: SimulatedObject } {
  const common = { ...context, way: 'generate', mechanism: row.type } as const;
  const components = (key: KeyObject): ReadonlyMap<number, Uint8Array> => publicComponents(key)?.values ?? new Map();
  return {
    publicKey: makeObject({
      ...common,
      template: request.publicTemplate,
      material: publicDer(pair.publicKey),
      components: components(pair.publicKey),
    }),
    privateKey: makeObject({
      ...common,
      template: request.privateTemplate,
      material: privateDer(pair.privateKey),
      components: components(pair.privateKey),
    }),
  };
}
