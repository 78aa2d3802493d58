/**
 * An object on the simulated device. Its material is kept in the form that leaves the device under wrap (without the delegated
 * capabilities), from which every other form follows: RSA p|q|dp|dq|qinv|n, EC d|x|y, HMAC both padded blocks, Ed25519 scalar|prefix|point
 * and, when it is known, the seed.
 */
import { ALGORITHM } from '../wire/algorithms.ts';
import type { ObjectInfo } from '../wire/object-info.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';

export interface StoredObject {
  readonly type: number;
  readonly id: number;
  /** Without padding. */
  readonly label: Uint8Array;
  readonly domains: number;
  readonly capabilities: bigint;
  /** 0n where the type has none. */
  readonly delegated: bigint;
  readonly algorithm: number;
  readonly sequence: number;
  readonly origin: number;
  readonly material: Uint8Array;
}

export const objectKey = (type: number, id: number): string => `${type}/${id}`;

const WITH_DELEGATED: readonly number[] = [
  OBJECT_TYPE['authentication-key'],
  OBJECT_TYPE['wrap-key'],
  OBJECT_TYPE['public-wrap-key'],
];

/** Types whose objects delegate capabilities. */
export const hasDelegated = (type: number): boolean => WITH_DELEGATED.includes(type);

/** As firmware 2.5.0 reports it (measured by qpernil/virtual-yubihsm). An Ed25519 key takes its 128 bytes with or without a seed. */
function reportedLength(object: StoredObject): number {
  if (object.algorithm === ALGORITHM.ed25519) return 128;
  return object.material.length + (hasDelegated(object.type) ? 8 : 0);
}

export const infoOf = (object: StoredObject): ObjectInfo => ({
  capabilities: object.capabilities,
  id: object.id,
  length: reportedLength(object),
  domains: object.domains,
  type: object.type,
  algorithm: object.algorithm,
  sequence: object.sequence,
  origin: object.origin,
  label: object.label,
  delegatedCapabilities: object.delegated,
});

const STORAGE_PAGE_BYTES = 126;

/** A page holds 126 bytes and belongs to one object. */
export const pagesOf = (object: StoredObject): number =>
  Math.max(1, Math.ceil(reportedLength(object) / STORAGE_PAGE_BYTES));

/** 1024 pages of 126 bytes: the 126 KB of Yubico's user guide. */
export const STORAGE = { records: 256, pages: 1024, pageBytes: STORAGE_PAGE_BYTES } as const;
