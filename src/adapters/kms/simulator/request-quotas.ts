/**
 * Request quotas: so many calls per second for account and region (developer guide, "Request quotas"), by the service's clock. A bucket that
 * holds one second's calls, at least one.
 */
import { refuse } from './service-error.ts';

/** Per second. Cryptographic operations share quotas of thousands that differ by Region: not enforced unless given. */
export const DEFAULT_QUOTAS: Readonly<Record<string, number>> = {
  CreateAlias: 5,
  CreateKey: 5,
  DeleteAlias: 15,
  DeleteImportedKeyMaterial: 5,
  DescribeKey: 2000,
  DisableKey: 5,
  EnableKey: 5,
  GetKeyPolicy: 1000,
  GetParametersForImport: 0.25,
  GetPublicKey: 2000,
  ImportKeyMaterial: 5,
  ListAliases: 500,
  ListKeys: 500,
  ListResourceTags: 2000,
  PutKeyPolicy: 15,
  ReplicateKey: 5,
  ScheduleKeyDeletion: 15,
  TagResource: 10,
  UntagResource: 5,
  UpdateAlias: 5,
  UpdateKeyDescription: 5,
};

const TOO_FAST = 'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.';

export const throttle = (): never => refuse('ThrottlingException', TOO_FAST);

export class RequestQuotas {
  readonly #rates: Readonly<Record<string, number>>;
  readonly #buckets = new Map<string, { left: number; atMs: number }>();

  constructor(overrides: Readonly<Record<string, number>>) {
    this.#rates = { ...DEFAULT_QUOTAS, ...overrides };
  }

  /** Counts the call. Throws ServiceError `ThrottlingException`; a call that was refused does not count. */
  take(operation: string, nowMs: number): void {
    const rate = this.#rates[operation];
    if (rate === undefined) return;
    const room = Math.max(1, rate);
    const bucket = this.#buckets.get(operation) ?? { left: room, atMs: nowMs };
    const refilled = Math.min(room, bucket.left + (Math.max(0, nowMs - bucket.atMs) / 1000) * rate);
    // Sums of fractions fall short of 1 by rounding.
    const isEnough = refilled >= 1 - 1e-9;
    this.#buckets.set(operation, { left: isEnough ? refilled - 1 : refilled, atMs: nowMs });
    if (!isEnough) throttle();
  }
}
