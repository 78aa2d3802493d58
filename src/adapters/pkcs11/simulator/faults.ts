/**
 * Planned misbehaviour of a simulated device: which C_ call, which time, what goes wrong. Seeded, so that a failing test can be run
 * again. The plan is JSON: a devices file may carry it. Calls are named as in the standard (`C_Encrypt` covers init and update).
 */
import type { Shape } from '../../../schema/shape.ts';
import { seededRandom } from '../../simulation/seeded-random.ts';
import { CKR } from '../constants.ts';
import { refuse } from './refusal.ts';

/**
 * `latency`: answers `ms` later · `busy`: does nothing and refuses, works the next time (PKCS#11 v2.40 has no return value for it:
 * CKR_FUNCTION_FAILED) · `lost-reply`: acts, durably, and then fails with CKR_DEVICE_ERROR · `late-reply`: acts at once and answers `ms`
 * later · `gone`: CKR_DEVICE_REMOVED now and for every later call until the module is finalised · `hang`: acts never, answers never.
 * In a call without a promise, latency, late-reply and hang block the thread, as a vendor's module would.
 */
export const FAULT_KINDS = ['latency', 'busy', 'lost-reply', 'late-reply', 'gone', 'hang'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  /** `C_UnwrapKey`, or `*` for every call. */
  readonly call: string;
  readonly kind: FaultKind;
  /** The nth such call of this process, from 1. */
  readonly nth?: number;
  /** Each such call with this probability, 0 to 1. Without `nth` and `probability`: every call. */
  readonly probability?: number;
  /** Milliseconds of latency and late-reply; default 10. */
  readonly ms?: number;
}

export interface FaultPlan {
  readonly seed?: number;
  readonly faults: readonly Fault[];
}

/** The calls that a fault may name. */
export const FAULT_CALLS = [
  '*',
  'C_OpenSession',
  'C_Login',
  'C_CreateObject',
  'C_DestroyObject',
  'C_GetAttributeValue',
  'C_SetAttributeValue',
  'C_FindObjects',
  'C_Encrypt',
  'C_Decrypt',
  'C_Sign',
  'C_GenerateKey',
  'C_GenerateKeyPair',
  'C_WrapKey',
  'C_UnwrapKey',
] as const;

/** A list of faults in a devices file. */
export const FAULTS_SHAPE: Shape = {
  kind: 'list',
  description: 'planned misbehaviour of the simulated device',
  of: {
    kind: 'object',
    fields: {
      call: { shape: { kind: 'enum', values: FAULT_CALLS }, required: true },
      kind: { shape: { kind: 'enum', values: FAULT_KINDS }, required: true },
      nth: { shape: { kind: 'integer', minimum: 1 } },
      probability: { shape: { kind: 'number' } },
      ms: { shape: { kind: 'integer', minimum: 0 } },
    },
  },
};

const DEFAULT_MS = 10;
const FOREVER_MS = Number.POSITIVE_INFINITY;

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    if (ms !== FOREVER_MS) setTimeout(resolve, ms);
  });

export class FaultInjector {
  readonly #plan: FaultPlan | undefined;
  readonly #random: () => number;
  readonly #counts = new Map<string, number>();
  #isGone = false;

  constructor(plan: FaultPlan | undefined) {
    this.#plan = plan === undefined || plan.faults.length === 0 ? undefined : plan;
    this.#random = seededRandom(plan?.seed ?? 1);
  }

  /** No fault is planned: calls may go straight to the device. */
  get isIdle(): boolean {
    return this.#plan === undefined;
  }

  /** After C_Finalize the device may be back. */
  reset(): void {
    this.#isGone = false;
  }

  run<T>(call: string, act: () => T): T {
    if (this.#plan === undefined) return act();
    const fault = this.#before(call);
    if (fault === null) return act();
    const ms = fault.ms ?? DEFAULT_MS;
    if (fault.kind === 'hang') block(FOREVER_MS);
    if (fault.kind === 'latency') block(ms);
    const result = act();
    if (fault.kind === 'late-reply') block(ms);
    if (fault.kind === 'lost-reply') refuse(CKR.DEVICE_ERROR);
    return result;
  }

  async runSlow<T>(call: string, act: () => Promise<T>): Promise<T> {
    const fault = this.#before(call);
    if (fault === null) return await act();
    const ms = fault.ms ?? DEFAULT_MS;
    if (fault.kind === 'hang') await pause(FOREVER_MS);
    if (fault.kind === 'latency') await pause(ms);
    const result = await act();
    if (fault.kind === 'late-reply') await pause(ms);
    if (fault.kind === 'lost-reply') refuse(CKR.DEVICE_ERROR);
    return result;
  }

  /** The fault of this call; refuses for those that keep the device from acting. */
  #before(call: string): Fault | null {
    if (this.#isGone) refuse(CKR.DEVICE_REMOVED);
    const fault = this.#choose(call);
    if (fault?.kind === 'busy') refuse(CKR.FUNCTION_FAILED);
    if (fault?.kind === 'gone') {
      this.#isGone = true;
      refuse(CKR.DEVICE_REMOVED);
    }
    return fault;
  }

  #choose(call: string): Fault | null {
    const count = (this.#counts.get(call) ?? 0) + 1;
    const total = (this.#counts.get('*') ?? 0) + 1;
    this.#counts.set(call, count);
    this.#counts.set('*', total);
    for (const fault of this.#plan?.faults ?? []) {
      if (fault.call !== '*' && fault.call !== call) continue;
      if (fault.nth !== undefined && fault.nth !== (fault.call === '*' ? total : count)) continue;
      if (fault.probability !== undefined && this.#random() >= fault.probability) continue;
      return fault;
    }
    return null;
  }
}
