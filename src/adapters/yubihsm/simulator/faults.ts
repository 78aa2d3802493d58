/**
 * Planned misbehaviour of the simulated YubiHSM and of the way to it: which command, which time, what goes wrong. Seeded, so that a failing
 * test can be run again. The plan is JSON: a devices file may carry it.
 */
import type { Shape } from '../../../schema/shape.ts';
import { seededRandom } from '../../simulation/seeded-random.ts';
import { COMMAND } from '../wire/command-codes.ts';

/**
 * `lose-reply`: acts, durably, and never answers · `drop-before`: never acts and never answers · `delay`: answers `ms` later ·
 * `corrupt-reply`: acts and one bit of the answer is another · `outer-error`: does not act, answers with an unprotected error and forgets the
 * session · `log-full`: refuses as if the log were full · `busy-sessions`: refuses a new session as if all 16 were taken.
 * After `drop-before` inside a session the two sides' chains differ, as they would on a device that lost power in between.
 */
export const YUBIHSM_FAULT_KINDS = [
  'lose-reply',
  'drop-before',
  'delay',
  'corrupt-reply',
  'outer-error',
  'log-full',
  'busy-sessions',
] as const;
export type YubiHsmFaultKind = (typeof YUBIHSM_FAULT_KINDS)[number];

export interface YubiHsmFault {
  /** By name, inside or outside a session: `put-opaque`, `create-session`; `*`: every one. */
  readonly command: string;
  readonly kind: YubiHsmFaultKind;
  /** The nth such command since the device was opened, from 1. */
  readonly nth?: number;
  /** Each such command with this probability, 0 to 1. Without `nth` and `probability`: every one. */
  readonly probability?: number;
  /** Milliseconds of `delay`; default 10. */
  readonly ms?: number;
  /** Error byte of `outer-error`; default 06, session failed. */
  readonly error?: number;
}

export interface YubiHsmFaultPlan {
  readonly seed?: number;
  readonly faults: readonly YubiHsmFault[];
}

/** The commands that carry others or are errors cannot go wrong by themselves. */
const FAULT_COMMANDS: readonly string[] = [
  '*',
  ...Object.keys(COMMAND).filter((name) => name !== 'session-message' && name !== 'error'),
];

/** A list of faults in a devices file. */
export const YUBIHSM_FAULTS_SHAPE: Shape = {
  kind: 'list',
  description: 'planned misbehaviour of the simulated device',
  of: {
    kind: 'object',
    fields: {
      command: { shape: { kind: 'enum', values: FAULT_COMMANDS }, required: true },
      kind: { shape: { kind: 'enum', values: YUBIHSM_FAULT_KINDS }, required: true },
      nth: { shape: { kind: 'integer', minimum: 1 } },
      probability: { shape: { kind: 'number' } },
      ms: { shape: { kind: 'integer', minimum: 0 } },
      error: { shape: { kind: 'integer', minimum: 1, maximum: 255 } },
    },
  },
};

/** The device or the way to it gave no answer; what the device did before is done. */
export class DroppedReply extends Error {
  override readonly name = 'DroppedReply';

  constructor() {
    super('the simulated YubiHSM gave no answer');
  }
}

export class FaultPlanner {
  readonly #faults: readonly YubiHsmFault[];
  readonly #random: () => number;
  readonly #counts = new Map<string, number>();

  constructor(plan: YubiHsmFaultPlan | undefined) {
    this.#faults = plan?.faults ?? [];
    this.#random = seededRandom(plan?.seed ?? 1);
  }

  /** Counts the command; the first fault that is due. */
  next(command: string): YubiHsmFault | undefined {
    if (this.#faults.length === 0) return undefined;
    const count = this.#count(command);
    const total = this.#count('*');
    return this.#faults.find((fault) => {
      if (fault.command !== '*' && fault.command !== command) return false;
      if (fault.nth !== undefined && fault.nth !== (fault.command === '*' ? total : count)) return false;
      return fault.probability === undefined || this.#random() < fault.probability;
    });
  }

  /** What leaves the device after it has acted. Throws DroppedReply where nothing does. */
  after(fault: YubiHsmFault | undefined, reply: Uint8Array): Uint8Array {
    if (fault?.kind === 'lose-reply') throw new DroppedReply();
    return fault?.kind === 'corrupt-reply' ? this.#corrupted(reply) : reply;
  }

  /** One bit somewhere behind the type is another, where a MAC or a parser has to notice. */
  #corrupted(reply: Uint8Array): Uint8Array {
    const copy = reply.slice();
    const at = 1 + Math.floor(this.#random() * (copy.length - 1));
    copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(this.#random() * 8));
    return copy;
  }

  #count(command: string): number {
    const count = (this.#counts.get(command) ?? 0) + 1;
    this.#counts.set(command, count);
    return count;
  }
}

const DEFAULT_DELAY_MS = 10;

/** Waits, or throws DroppedReply, as the fault says for the time before the device acts. */
export async function beforeActing(fault: YubiHsmFault | undefined): Promise<void> {
  if (fault?.kind === 'drop-before') throw new DroppedReply();
  if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.ms ?? DEFAULT_DELAY_MS));
}
