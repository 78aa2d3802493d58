/**
 * Planned misbehaviour of the simulated service: which operation, which time, what goes wrong. Seeded, so that a failing test can be run
 * again. Plain data: a devices file may carry it.
 */
import type { Shape } from '../../../schema/shape.ts';
import { seededRandom } from '../../simulation/seeded-random.ts';

/**
 * `throttle`: ThrottlingException, nothing done · `internal-error`: KMSInternalException, nothing done · `access-denied`:
 * AccessDeniedException, nothing done · `drop-before`: nothing done, and the connection ends · `lose-reply`: done, and the connection ends
 * · `delay`: done `ms` later · `stale`: done, but reads do not see it for `reads` reads of that key or alias and for `ms`; with `isFlipping`
 * every second read does see it.
 */
export const KMS_FAULT_KINDS = [
  'throttle',
  'internal-error',
  'access-denied',
  'drop-before',
  'lose-reply',
  'delay',
  'stale',
] as const;
export type KmsFaultKind = (typeof KMS_FAULT_KINDS)[number];

export interface KmsFault {
  /** `ImportKeyMaterial`, or `*` for every operation. */
  readonly operation: string;
  readonly kind: KmsFaultKind;
  /** The nth such call of this process, from 1. */
  readonly nth?: number;
  /** Every nth such call. */
  readonly every?: number;
  /** Each such call with this probability, 0 to 1. Without `nth`, `every` and `probability`: each call. */
  readonly probability?: number;
  /** Milliseconds of `delay` and `stale`; default 10 for `delay`, 0 for `stale`. */
  readonly ms?: number;
  /** Reads that do not see a change; default 1, for `stale` only. */
  readonly reads?: number;
  /** For `stale` only. */
  readonly isFlipping?: boolean;
}

export interface KmsFaultPlan {
  readonly seed?: number;
  readonly faults: readonly KmsFault[];
}

/** A list of faults in a devices file. */
export const KMS_FAULTS_SHAPE: Shape = {
  kind: 'list',
  description: 'planned misbehaviour of the simulated service',
  of: {
    kind: 'object',
    fields: {
      operation: {
        shape: { kind: 'string', pattern: '^(\\*|[A-Z][A-Za-z]+)$', description: 'an operation of AWS KMS, or *' },
        required: true,
      },
      kind: { shape: { kind: 'enum', values: KMS_FAULT_KINDS }, required: true },
      nth: { shape: { kind: 'integer', minimum: 1 } },
      every: { shape: { kind: 'integer', minimum: 1 } },
      probability: { shape: { kind: 'number' } },
      ms: { shape: { kind: 'integer', minimum: 0 } },
      reads: { shape: { kind: 'integer', minimum: 0 } },
      flipping: { shape: { kind: 'boolean' } },
    },
  },
};

/** `values` fits KMS_FAULTS_SHAPE. */
export function readKmsFaults(values: readonly Readonly<Record<string, unknown>>[]): readonly KmsFault[] {
  return values.map(({ flipping, ...fault }) => ({
    ...(fault as unknown as KmsFault),
    ...(flipping === undefined ? {} : { isFlipping: flipping === true }),
  }));
}

export class KmsFaultChooser {
  readonly #plan: KmsFaultPlan;
  readonly #random: () => number;
  readonly #counts = new Map<string, number>();

  constructor(plan: KmsFaultPlan) {
    this.#plan = plan;
    this.#random = seededRandom(plan.seed ?? 1);
  }

  /** Every fault that this call meets. Counts the call. */
  choose(operation: string): readonly KmsFault[] {
    if (this.#plan.faults.length === 0) return [];
    const count = this.#count(operation);
    const total = this.#count('*');
    return this.#plan.faults.filter((fault) => {
      if (fault.operation !== '*' && fault.operation !== operation) return false;
      const nth = fault.operation === '*' ? total : count;
      if (fault.nth !== undefined && fault.nth !== nth) return false;
      if (fault.every !== undefined && nth % fault.every !== 0) return false;
      return fault.probability === undefined || this.#random() < fault.probability;
    });
  }

  #count(name: string): number {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count;
  }
}
