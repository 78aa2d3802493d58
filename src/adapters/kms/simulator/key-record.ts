/**
 * A KMS key as the simulator keeps it: a record that is replaced whole and written as JSON. What a caller sees (state, metadata) is worked
 * out from it and stored nowhere.
 */
import { partitionOf } from '../partitions.ts';
import { algorithmsOf, type KeySpec, type KeyUsage, rulesOf } from './key-specs.ts';
import { refuse } from './service-error.ts';

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingImport';
export type ExpirationModel = 'KEY_MATERIAL_EXPIRES' | 'KEY_MATERIAL_DOES_NOT_EXPIRE';

export interface Material {
  /** 64 hex digits over key and material: what it was stays known when the bytes are gone. */
  readonly id: string;
  readonly state: 'CURRENT' | 'NON_CURRENT' | 'PENDING_ROTATION';
  /** base64; raw, or PKCS#8 DER of a private key. null: deleted or expired. */
  readonly bytes: string | null;
  readonly expirationModel: ExpirationModel | null;
  /** Milliseconds since the epoch. */
  readonly validToMs: number | null;
  readonly description: string | null;
  /** When it became current by a rotation; null for the first. */
  readonly rotatedMs: number | null;
}

export interface ImportTokenState {
  /** The newest that was given out and not used; null: none. */
  readonly newest: string | null;
}

export interface KeyRecord {
  readonly id: string;
  readonly spec: KeySpec;
  readonly usage: KeyUsage;
  readonly origin: 'AWS_KMS' | 'EXTERNAL';
  readonly isMultiRegion: boolean;
  readonly createdMs: number;
  readonly description: string;
  readonly isEnabled: boolean;
  readonly deletion: { readonly atMs: number; readonly windowDays: number } | null;
  readonly policy: string;
  readonly tags: readonly (readonly [string, string])[];
  readonly materials: readonly Material[];
  readonly token: ImportTokenState;
  /** Automatic rotation; null: off. */
  readonly rotation: { readonly periodDays: number; readonly sinceMs: number } | null;
  readonly onDemandRotations: number;
}

export interface AliasRecord {
  readonly name: string;
  readonly keyId: string;
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface GrantRecord {
  readonly id: string;
  readonly token: string;
  readonly keyId: string;
  readonly createdMs: number;
  readonly name: string | null;
  readonly grantee: string;
  readonly retiring: string | null;
  readonly operations: readonly string[];
  readonly constraints: Readonly<Record<string, unknown>> | null;
}

export interface Place {
  readonly account: string;
  readonly region: string;
}

const arnOf = ({ account, region }: Place, resource: string): string =>
  `arn:${partitionOf(region).id}:kms:${region}:${account}:${resource}`;
export const keyArn = (place: Place, id: string): string => arnOf(place, `key/${id}`);
export const aliasArn = (place: Place, name: string): string => arnOf(place, name);
/** Everybody of the account whom its policies give the right to. */
export const accountArn = (place: Place): string => iamArn(place, 'root');
export const iamArn = ({ account, region }: Place, principal: string): string =>
  `arn:${partitionOf(region).id}:iam::${account}:${principal}`;

export const currentMaterial = (key: KeyRecord): Material | undefined =>
  key.materials.find((material) => material.state === 'CURRENT');

/** Enabled only when every material that ciphertexts may need is there. */
export function stateOf(key: KeyRecord): KeyState {
  if (key.deletion !== null) return 'PendingDeletion';
  const needed = key.materials.filter((material) => material.state !== 'PENDING_ROTATION');
  if (needed.length === 0 || needed.some((material) => material.bytes === null)) return 'PendingImport';
  return key.isEnabled ? 'Enabled' : 'Disabled';
}

export const isSymmetric = (key: KeyRecord): boolean => rulesOf(key.spec)?.kind === 'symmetric';

/** The bytes of a material that the key's state says is there. */
export function bytesOf(material: Material | undefined): Buffer {
  if (material === undefined || material.bytes === null) return refuse('KMSInternalException');
  return Buffer.from(material.bytes, 'base64');
}

/** Timestamps are epoch seconds with fractions. */
export const seconds = (ms: number): number => ms / 1000;

export function metadataOf(key: KeyRecord, place: Place): Readonly<Record<string, unknown>> {
  const state = stateOf(key);
  const arn = keyArn(place, key.id);
  const current = currentMaterial(key);
  return {
    AWSAccountId: place.account,
    KeyId: key.id,
    Arn: arn,
    CreationDate: seconds(key.createdMs),
    Enabled: state === 'Enabled',
    Description: key.description,
    KeyUsage: key.usage,
    KeyState: state,
    ...(key.deletion === null ? {} : { DeletionDate: seconds(key.deletion.atMs) }),
    ...(current?.validToMs == null ? {} : { ValidTo: seconds(current.validToMs) }),
    Origin: key.origin,
    ...(current?.expirationModel == null ? {} : { ExpirationModel: current.expirationModel }),
    KeyManager: 'CUSTOMER',
    CustomerMasterKeySpec: key.spec,
    KeySpec: key.spec,
    ...algorithmsOf(key.spec, key.usage),
    MultiRegion: key.isMultiRegion,
    ...(key.isMultiRegion
      ? {
          MultiRegionConfiguration: {
            MultiRegionKeyType: 'PRIMARY',
            PrimaryKey: { Arn: arn, Region: place.region },
            ReplicaKeys: [],
          },
        }
      : {}),
    ...(isSymmetric(key) && current !== undefined ? { CurrentKeyMaterialId: current.id } : {}),
  };
}
