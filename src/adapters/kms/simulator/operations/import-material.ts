/** GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial. All is checked before anything changes. */
import { createPublicKey, randomUUID } from 'node:crypto';
import { type ImportToken, openToken, sealToken, wrappingKeyOf } from '../import-token.ts';
import { materialId, requireFitting } from '../key-material.ts';
import {
  currentMaterial,
  isSymmetric,
  type KeyRecord,
  keyArn,
  type Material,
  type Place,
  seconds,
  stateOf,
} from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import { rulesOf } from '../key-specs.ts';
import { refusePendingDeletion, requireOrigin } from '../key-state.ts';
import type { StateView } from '../key-store.ts';
import { blob, type InputOf, oneOf, required, text, time } from '../members.ts';
import { acting, type OperationContext } from '../operation.ts';
import { refuse } from '../service-error.ts';
import { unwrapMaterial } from '../unwrap-material.ts';
import { withoutBytes } from '../withdrawn-material.ts';
import { requiredKeyId } from './request-members.ts';

const TOKEN_LIFE_MS = 24 * 3_600_000;
const LONGEST_VALIDITY_MS = 365 * 24 * 3_600_000;

/** Throws ServiceError unless material may come to the key or leave it. */
function importableKey(state: StateView, place: Place, reference: string): KeyRecord {
  const key = findKey(state, place, reference);
  requireOrigin(key, place, 'EXTERNAL');
  return key;
}

export const getParametersForImport = acting(
  {
    KeyId: requiredKeyId,
    WrappingAlgorithm: required(
      oneOf([
        'RSAES_PKCS1_V1_5',
        'RSAES_OAEP_SHA_1',
        'RSAES_OAEP_SHA_256',
        'RSA_AES_KEY_WRAP_SHA_1',
        'RSA_AES_KEY_WRAP_SHA_256',
        'SM2PKE',
      ]),
    ),
    WrappingKeySpec: required(oneOf(['RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2'])),
  },
  async (context, { KeyId, WrappingAlgorithm: algorithm, WrappingKeySpec: spec }) => {
    const { place } = context;
    const checked = (state: StateView): KeyRecord => {
      const key = importableKey(state, place, KeyId);
      refusePendingDeletion(key, place);
      requireRoute(key, algorithm, spec);
      return key;
    };
    checked(context.view);
    if (spec === 'SM2') return refuse('UnsupportedOperationException', 'SM2 is for the China Regions.');
    const wrapping = await context.wrappingKeys.next(spec);
    return context.change((state) => {
      const key = checked(state);
      const token: ImportToken = {
        ...{ nonce: randomUUID(), keyId: key.id, algorithm, validToMs: context.nowMs + TOKEN_LIFE_MS },
        privateKey: wrapping.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
      };
      return {
        entries: [{ kind: 'key', key: { ...key, token: { newest: token.nonce } } }],
        result: {
          KeyId: keyArn(place, key.id),
          ImportToken: sealToken(context.secret, token).toString('base64'),
          PublicKey: createPublicKey(wrapping).export({ type: 'spki', format: 'der' }).toString('base64'),
          ParametersValidTo: seconds(token.validToMs),
        },
      };
    });
  },
);

/** Which algorithm brings which material (API reference of GetParametersForImport). What is not documented is refused. */
function requireRoute(key: KeyRecord, algorithm: string, wrappingSpec: string): void {
  if (!isRoute(key, algorithm, wrappingSpec))
    refuse(
      'UnsupportedOperationException',
      `The wrapping algorithm ${algorithm} with the wrapping key spec ${wrappingSpec} is not valid for key spec ${key.spec}.`,
    );
}

function isRoute({ spec }: KeyRecord, algorithm: string, wrappingSpec: string): boolean {
  if (algorithm === 'RSAES_PKCS1_V1_5' || algorithm === 'SM2PKE' || wrappingSpec === 'SM2') return false;
  const isHybrid = algorithm.startsWith('RSA_AES_KEY_WRAP');
  const kind = rulesOf(spec)?.kind;
  if (kind === 'rsa') return isHybrid;
  if (kind === 'symmetric' || kind === 'hmac') return !isHybrid;
  return isHybrid || spec !== 'ECC_NIST_P521' || wrappingSpec !== 'RSA_2048';
}

const importMembers = {
  KeyId: requiredKeyId,
  ImportToken: required(blob(6144)),
  EncryptedKeyMaterial: required(blob(6144)),
  ValidTo: time,
  ExpirationModel: oneOf(['KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE']),
  ImportType: oneOf(['NEW_KEY_MATERIAL', 'EXISTING_KEY_MATERIAL']),
  KeyMaterialDescription: text({ max: 256, pattern: /^[a-zA-Z0-9:/_\s.-]+$/ }),
  KeyMaterialId: text({ min: 64, max: 64, pattern: /^[a-f0-9]+$/ }),
};
type ImportInput = InputOf<typeof importMembers>;

export const importKeyMaterial = acting(importMembers, (context, input) => {
  const { place } = context;
  const expiry = expiryOf(input, context.nowMs);
  return context.change((state) => {
    const key = importableKey(state, place, input.KeyId);
    refusePendingDeletion(key, place);
    requireSymmetricOptions(key, input);
    const token = acceptedToken(context, key, input.ImportToken);
    const bytes = unwrapMaterial(wrappingKeyOf(token), token.algorithm, input.EncryptedKeyMaterial);
    requireFitting(key.spec, bytes);
    const id = materialId(context.secret, key.id, bytes);
    const known = key.materials.find((material) => material.id === id);
    const asked = { key, id, isKnown: known !== undefined, input };
    const isNew = requireImportType(asked, place);
    const material: Material = {
      ...{ id, bytes: bytes.toString('base64'), rotatedMs: known?.rotatedMs ?? null },
      ...expiry,
      state: known?.state ?? (key.materials.length === 0 ? 'CURRENT' : 'PENDING_ROTATION'),
      description: input.KeyMaterialDescription ?? known?.description ?? null,
    };
    const materials = isNew
      ? [...key.materials, material]
      : key.materials.map((one) => (one.id === id ? material : one));
    const isEnabled = key.isEnabled || stateOf(key) === 'PendingImport';
    return {
      entries: [{ kind: 'key', key: { ...key, materials, isEnabled, token: { newest: null } } }],
      result: { KeyId: keyArn(place, key.id), ...(isSymmetric(key) ? { KeyMaterialId: id } : {}) },
    };
  });
});

function expiryOf(
  { ExpirationModel, ValidTo }: ImportInput,
  nowMs: number,
): Pick<Material, 'expirationModel' | 'validToMs'> {
  const expirationModel = ExpirationModel ?? 'KEY_MATERIAL_EXPIRES';
  if (expirationModel === 'KEY_MATERIAL_DOES_NOT_EXPIRE') {
    if (ValidTo !== undefined)
      refuse(
        'ValidationException',
        'A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE',
      );
    return { expirationModel, validToMs: null };
  }
  if (ValidTo === undefined)
    return refuse('ValidationException', 'A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES');
  if (ValidTo <= nowMs) refuse('ValidationException', 'The validTo date must be in the future');
  if (ValidTo > nowMs + LONGEST_VALIDITY_MS)
    refuse('ValidationException', 'The validTo date must be within 365 days of the import');
  return { expirationModel, validToMs: ValidTo };
}

function requireSymmetricOptions(key: KeyRecord, input: ImportInput): void {
  for (const name of ['ImportType', 'KeyMaterialDescription', 'KeyMaterialId'] as const)
    if (input[name] !== undefined && !isSymmetric(key))
      refuse('ValidationException', `${name} is valid for symmetric encryption KMS keys only.`);
  if (input.ImportType === 'NEW_KEY_MATERIAL' && input.KeyMaterialId !== undefined)
    refuse('ValidationException', 'KeyMaterialId cannot be specified when ImportType is NEW_KEY_MATERIAL.');
}

/** Bound to the key, within its 24 hours, and the newest one that was not used. */
function acceptedToken(context: OperationContext, key: KeyRecord, sealed: Uint8Array): ImportToken {
  const token = openToken(context.secret, sealed);
  if (token.keyId !== key.id) refuse('InvalidImportTokenException');
  if (context.nowMs > token.validToMs) refuse('ExpiredImportTokenException');
  if (!context.areTokensLenient && token.nonce !== key.token.newest) refuse('InvalidImportTokenException');
  return token;
}

interface AskedImport {
  readonly key: KeyRecord;
  readonly id: string;
  /** The key had this material before. */
  readonly isKnown: boolean;
  readonly input: ImportInput;
}

/** Is it to be added? Throws ServiceError `IncorrectKeyMaterialException` or `KMSInvalidStateException`. */
function requireImportType({ key, id, isKnown, input }: AskedImport, place: Place): boolean {
  const type = input.ImportType ?? (key.materials.length === 0 ? 'NEW_KEY_MATERIAL' : 'EXISTING_KEY_MATERIAL');
  if (type === 'EXISTING_KEY_MATERIAL') {
    if (!isKnown || (input.KeyMaterialId !== undefined && input.KeyMaterialId !== id))
      refuse('IncorrectKeyMaterialException');
    return false;
  }
  if (input.KeyMaterialId !== undefined) refuse('ValidationException', 'The key has no key material yet.');
  if (isKnown) refuse('IncorrectKeyMaterialException');
  const pending = key.materials.find((material) => material.state === 'PENDING_ROTATION');
  if (pending !== undefined)
    refuse(
      'KMSInvalidStateException',
      `New key material (id: ${id}) cannot be imported into KMS key ${keyArn(place, key.id)}, because another key material (id: ${pending.id}) is pending rotation.`,
    );
  return true;
}

export const deleteImportedKeyMaterial = acting(
  { KeyId: requiredKeyId, KeyMaterialId: importMembers.KeyMaterialId },
  ({ place, change }, { KeyId, KeyMaterialId }) =>
    change((state) => {
      const key = importableKey(state, place, KeyId);
      if (KeyMaterialId !== undefined && !isSymmetric(key))
        refuse('ValidationException', 'KeyMaterialId is valid for symmetric encryption KMS keys only.');
      const chosen =
        KeyMaterialId === undefined ? currentMaterial(key) : key.materials.find(({ id }) => id === KeyMaterialId);
      if (KeyMaterialId !== undefined && chosen === undefined)
        refuse('NotFoundException', `Key material ${KeyMaterialId} is not found.`);
      const result = {
        KeyId: keyArn(place, key.id),
        ...(isSymmetric(key) && chosen !== undefined ? { KeyMaterialId: chosen.id } : {}),
      };
      if (chosen === undefined) return { entries: [], result };
      const materials = withoutBytes(key.materials, chosen.id);
      return { entries: [{ kind: 'key', key: { ...key, materials } }], result };
    }),
);
