/**
 * EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand, ListKeyRotations. Imported keys rotate on demand only, to
 * material that was imported before. The clock rotates nothing by itself.
 */
import { randomBytes } from 'node:crypto';
import { materialId, newMaterial } from '../key-material.ts';
import { isSymmetric, type KeyRecord, keyArn, type Material, type Place, seconds, stateOf } from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import { refusePendingDeletion, requireOrigin, requireState } from '../key-state.ts';
import type { StateView } from '../key-store.ts';
import { integer, oneOf } from '../members.ts';
import { acting, reading } from '../operation.ts';
import { pageOf } from '../pages.ts';
import { refuse } from '../service-error.ts';
import { paging, requiredKeyId } from './request-members.ts';

const DAY_MS = 24 * 3_600_000;
const DEFAULT_PERIOD_DAYS = 365;
const MAX_ON_DEMAND = 25;

function symmetricKey(state: StateView, place: Place, reference: string): KeyRecord {
  const key = findKey(state, place, reference);
  if (!isSymmetric(key))
    refuse(
      'UnsupportedOperationException',
      `${keyArn(place, key.id)} keySpec is ${key.spec} which is not valid for this operation.`,
    );
  return key;
}

export const enableKeyRotation = acting(
  { KeyId: requiredKeyId, RotationPeriodInDays: integer(90, 2560) },
  ({ place, nowMs, change }, { KeyId, RotationPeriodInDays }) =>
    change((state) => {
      const key = symmetricKey(state, place, KeyId);
      requireOrigin(key, place, 'AWS_KMS');
      requireState(key, place, 'Enabled');
      const periodDays = RotationPeriodInDays ?? key.rotation?.periodDays ?? DEFAULT_PERIOD_DAYS;
      return { entries: [{ kind: 'key', key: { ...key, rotation: { periodDays, sinceMs: nowMs } } }], result: null };
    }),
);

export const disableKeyRotation = acting({ KeyId: requiredKeyId }, ({ place, change }, { KeyId }) =>
  change((state) => {
    const key = symmetricKey(state, place, KeyId);
    requireOrigin(key, place, 'AWS_KMS');
    requireState(key, place, 'Enabled');
    return { entries: [{ kind: 'key', key: { ...key, rotation: null } }], result: null };
  }),
);

export const getKeyRotationStatus = reading({ KeyId: requiredKeyId }, ({ view, place }, { KeyId }) => {
  const key = findKey(view, place, KeyId);
  // Of an imported key that has its material the status is false; one that waits for it is refused, as the key states say.
  if (stateOf(key) === 'PendingImport') requireOrigin(key, place, 'AWS_KMS');
  const { rotation } = key;
  return {
    KeyId: keyArn(place, key.id),
    KeyRotationEnabled: rotation !== null && key.deletion === null,
    ...(rotation === null
      ? {}
      : {
          RotationPeriodInDays: rotation.periodDays,
          NextRotationDate: seconds(rotation.sinceMs + rotation.periodDays * DAY_MS),
        }),
  };
});

export const rotateKeyOnDemand = acting({ KeyId: requiredKeyId }, ({ place, nowMs, secret, change }, { KeyId }) =>
  change((state) => {
    const key = symmetricKey(state, place, KeyId);
    requireState(key, place, 'Enabled');
    const arn = keyArn(place, key.id);
    if (key.onDemandRotations >= MAX_ON_DEMAND)
      refuse('LimitExceededException', `The key was rotated on demand ${MAX_ON_DEMAND} times already.`);
    const next = nextMaterial(key, arn, secret);
    const materials: readonly Material[] = [
      ...key.materials
        .filter((material) => material.id !== next.id)
        .map((material): Material => (material.state === 'CURRENT' ? { ...material, state: 'NON_CURRENT' } : material)),
      { ...next, state: 'CURRENT', rotatedMs: nowMs },
    ];
    const rotated: KeyRecord = { ...key, materials, onDemandRotations: key.onDemandRotations + 1 };
    return { entries: [{ kind: 'key', key: rotated }], result: { KeyId: arn } };
  }),
);

function nextMaterial(key: KeyRecord, arn: string, secret: Buffer): Material {
  if (key.origin === 'AWS_KMS') {
    const bytes = randomBytes(32);
    return newMaterial(materialId(secret, key.id, bytes), bytes);
  }
  const pending = key.materials.find((material) => material.state === 'PENDING_ROTATION');
  if (pending === undefined || pending.bytes === null)
    return refuse('KMSInvalidStateException', `No available key material pending rotation for the key: ${arn}.`);
  return pending;
}

export const listKeyRotations = reading(
  { KeyId: requiredKeyId, IncludeKeyMaterial: oneOf(['ALL_KEY_MATERIAL', 'ROTATIONS_ONLY']), ...paging },
  ({ view, place }, { KeyId, IncludeKeyMaterial, Limit, Marker }) => {
    const key = symmetricKey(view, place, KeyId);
    refusePendingDeletion(key, place);
    const listed = key.materials
      .map((material, at) => ({ material, name: String(at).padStart(6, '0') }))
      .filter(({ material }) => IncludeKeyMaterial === 'ALL_KEY_MATERIAL' || material.rotatedMs !== null);
    const { items, rest } = pageOf(listed, ({ name }) => name, {
      ...{ limit: Limit, marker: Marker, defaultLimit: 100, maxLimit: 1000 },
    });
    return { Rotations: items.map(({ material }) => shown(key, material, place)), ...rest };
  },
);

function shown(key: KeyRecord, material: Material, place: Place): Readonly<Record<string, unknown>> {
  const { description, expirationModel, validToMs, rotatedMs } = material;
  return {
    KeyId: keyArn(place, key.id),
    KeyMaterialId: material.id,
    KeyMaterialState: material.state,
    ...(description === null ? {} : { KeyMaterialDescription: description }),
    ...(key.origin === 'EXTERNAL' ? { ImportState: material.bytes === null ? 'PENDING_IMPORT' : 'IMPORTED' } : {}),
    ...(expirationModel === null ? {} : { ExpirationModel: expirationModel }),
    ...(validToMs === null ? {} : { ValidTo: seconds(validToMs) }),
    ...(rotatedMs === null ? {} : { RotationDate: seconds(rotatedMs), RotationType: 'ON_DEMAND' }),
  };
}
