/**
 * Where a run stops until enough approvers have signed. A step passes once in a generation: that it did is in the journal before the step
 * begins, so a crash in between asks nobody again.
 */

import { refused } from '../approvals/admit-signature.ts';
import type { ApprovalRecord } from '../approvals/record.ts';
import { readApproverKey } from '../approvals/signature.ts';
import { expiryText } from '../approvals/statement.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Journal } from '../journal/journal.ts';
import type { InboxMessage } from '../journal/run-store.ts';
import type { Step } from '../playbook/model.ts';
import { recordApproval, requestApproval } from './approval-entries.ts';
import { currentApprovals, readApprovals } from './approval-records.ts';
import type { CallClock } from './call-clock.ts';
import type { RunObserver } from './engine.ts';
import type { StopSwitch } from './run-environment.ts';
import { Suspension, suspensionOf } from './suspension.ts';

export interface GateEnvironment {
  readonly journal: Journal;
  readonly generation: number;
  readonly clock: Pick<CallClock, 'now'>;
  readonly stop: StopSwitch;
  readonly observer: RunObserver;
  /** `--wait`: stay until the signatures come, instead of giving the run up with `approval-waiting`. */
  readonly isPatient: boolean;
}

/** What the gate wants of the run's owner. */
export interface GateKeeper {
  readInbox(): Promise<void>;
  /** The run waits from now on, and why. */
  waiting(reason: string): Promise<void>;
  /** It goes on. */
  passed(): Promise<void>;
}

/** Longest sleep before the clock is read again: it may have been set. */
const LOOK_MS = 30_000;
/** Nobody tells when a file came. */
const LOOK_FOR_FILES_MS = 2_000;

export class ApprovalGate {
  readonly #env: GateEnvironment;
  readonly #granted = new Set<string>();
  #keeper: GateKeeper | null = null;
  #turn: Promise<void> = Promise.resolve();
  #changes = 0;
  #toldOfFiles: string | null = null;
  #wake: () => void = () => undefined;

  constructor(environment: GateEnvironment) {
    this.#env = environment;
  }

  keep(keeper: GateKeeper): void {
    this.#keeper = keeper;
  }

  /**
   * Resolves when all of these steps may begin. Rejects with a Suspension: `approval` when signatures are missing and the run does not
   * wait for them, `cancelled` and `stopped` when the wait was given up.
   */
  async pass(steps: readonly Step[]): Promise<void> {
    const asked = steps.filter((step) => step.approval !== null && !this.#granted.has(step.id));
    if (asked.length === 0) return;
    // In turn: two that come to the same step at once would both ask for it.
    const mine = this.#turn.then(() => this.#pass(asked));
    this.#turn = mine.catch(() => undefined);
    await mine;
  }

  /** A signature that another process handed in. One that is not good is refused aloud; the run does not stop for it. */
  async take(message: Extract<InboxMessage, { kind: 'approve' }>): Promise<void> {
    const { journal, clock, observer } = this.#env;
    const { approver } = message;
    try {
      const key = readApproverKey(Buffer.from(message.publicKey, 'base64'));
      if (key === null) throw refused({ approver }, 'what came with it is no public key');
      const signature = new Uint8Array(Buffer.from(message.signature, 'base64'));
      const record = await recordApproval({ approver, key, signature }, { journal, now: clock.now() });
      const { request, approvers } = record;
      observer.notice(`${approver} approved step ${request.step}: ${approvers.length} of ${request.quorum}`);
      this.wake();
    } catch (error) {
      if (!(error instanceof KeyferryError) || error.code !== 'approval-refused') throw error;
      observer.notice(error.message);
    }
  }

  /** Looks again at what it waits for. */
  wake(): void {
    this.#changes += 1;
    this.#wake();
  }

  /**
   * A device lacks signatures that come as files (a cluster's quorum token). Resolves with true when it is time to look again; with false,
   * at once, where the run does not wait or the wait was given up.
   */
  async looksAgain(missing: KeyferryError): Promise<boolean> {
    if (!this.#env.isPatient || this.givenUp() !== null) return false;
    const seen = this.#changes;
    if (this.#toldOfFiles === null) await this.#keeper?.waiting(missing.message);
    if (this.#toldOfFiles !== missing.message) this.#env.observer.notice(`${missing.message} ${missing.hint}`);
    this.#toldOfFiles = missing.message;
    await this.#sleep(LOOK_FOR_FILES_MS, seen);
    return this.givenUp() === null;
  }

  /** The device has what it lacked. */
  async came(): Promise<void> {
    if (this.#toldOfFiles === null) return;
    this.#toldOfFiles = null;
    await this.#keeper?.passed();
  }

  /** How a wait for files ends that the operator ended. */
  givenUp(): Suspension | null {
    const { stop } = this.#env;
    if (stop.isInterrupted) return new Suspension('stopped', null);
    return stop.isDraining ? new Suspension('cancelled', null) : null;
  }

  async #pass(steps: readonly Step[]): Promise<void> {
    // Signatures may have come while nobody owned the run.
    await this.#keeper?.readInbox();
    const { stop, isPatient } = this.#env;
    const mayBeCancelled = steps.some((step) => step.block !== 'finally');
    let told: string | null = null;
    for (;;) {
      const seen = this.#changes;
      if (stop.isInterrupted) throw new Suspension('stopped', null);
      if (stop.isDraining && mayBeCancelled) throw new Suspension('cancelled', null);
      const open = await this.#open(steps);
      if (open.every(({ state }) => state === 'approved')) {
        await this.#grant(open);
        if (told !== null) await this.#keeper?.passed();
        return;
      }
      const waiting = approvalWaiting(this.#env.journal.run, open);
      if (!isPatient) throw suspensionOf(waiting);
      if (told === null) await this.#keeper?.waiting(waiting.message);
      if (told !== waiting.message) this.#env.observer.notice(`${waiting.message}. ${waiting.hint}`);
      told = waiting.message;
      const end = Math.min(...open.map(({ request }) => request.expiresAt));
      await this.#sleep(Math.min(LOOK_MS, Math.max(0, end - this.#env.clock.now())), seen);
    }
  }

  /** What the steps still wait for; asks for what was not asked for yet, or not in time. */
  async #open(steps: readonly Step[]): Promise<ApprovalRecord[]> {
    const { journal, generation, clock } = this.#env;
    const read = (): readonly ApprovalRecord[] => currentApprovals(readApprovals(journal, clock.now()));
    const of = (records: readonly ApprovalRecord[], step: Step): ApprovalRecord | undefined =>
      records.find(({ request }) => request.step === step.id);
    let records = read();
    for (const step of steps) {
      const record = of(records, step);
      if (record !== undefined && record.state !== 'expired') continue;
      if (record !== undefined)
        this.#env.observer.notice(
          `The request to approve step ${step.id} expired at ${expiryText(record.request.expiresAt)}: it is asked for anew, and what was signed for it does not count any more`,
        );
      await requestApproval(step, { journal, generation, now: clock.now() });
      records = read();
    }
    const open: ApprovalRecord[] = [];
    for (const step of steps) {
      const record = of(records, step);
      if (record === undefined) throw new Error(`no request for step ${step.id}`);
      if (record.state === 'granted') this.#granted.add(step.id);
      else open.push(record);
    }
    return open;
  }

  async #grant(records: readonly ApprovalRecord[]): Promise<void> {
    for (const { request, approvers } of records) {
      const { generation, step, nonce } = request;
      await this.#env.journal.append({ kind: 'approval', generation, step, event: 'granted', nonce, approvers });
      this.#granted.add(step);
      this.#env.observer.notice(`step ${step} is approved by ${approvers.join(' and ')}`);
    }
  }

  /** So long, or until something came in or the run is interrupted. `seen`: what was looked at already. */
  async #sleep(sleepMs: number, seen: number): Promise<void> {
    if (seen !== this.#changes) return;
    let timer: NodeJS.Timeout | undefined;
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, sleepMs);
    });
    await Promise.race([woken, this.#env.stop.interruption]).finally(() => clearTimeout(timer));
  }
}

function approvalWaiting(run: string, open: readonly ApprovalRecord[]): KeyferryError {
  const parts = open
    .filter(({ state }) => state !== 'approved')
    .map(({ request, approvers }) => {
      const given = approvers.length === 0 ? 'nobody has signed yet' : `${approvers.join(' and ')} signed`;
      const { step, quorum, expiresAt } = request;
      return `step ${step} waits for ${quorum} approval${quorum === 1 ? '' : 's'} until ${expiryText(expiresAt)} (${given})`;
    });
  return new KeyferryError('approval-waiting', parts.join('; '), {
    hint: `What is to be signed: keyferry approval-request ${run}`,
  });
}
