/** Approvals on the screen: what is waited for, who has signed, until when, and what to do next. */
import type { ApprovalRecord } from '../../approvals/record.ts';
import { expiryText } from '../../approvals/statement.ts';
import type { PlanHead } from '../../plan/model.ts';
import type { Screen } from '../screen.ts';
import { visible } from '../terminal/display-width.ts';
import { dateTime } from '../terminal/quantities.ts';
import type { Styles } from '../terminal/styles.ts';

/** A file that was written for an approver. */
export interface WrittenStatement {
  readonly approver: string;
  readonly record: ApprovalRecord;
  readonly file: string;
  /** Hex, of the file's bytes. */
  readonly sha256: string;
}

type PlanSteps = Pick<PlanHead, 'prepare' | 'each' | 'afterEach' | 'finally' | 'approvers'>;

/** Signatures are missing: somebody has to do something. */
export const isUnsigned = ({ state }: ApprovalRecord): boolean => state === 'waiting' || state === 'expired';

/** Who has not signed and may. */
export function mayStillSign({ approvers }: ApprovalRecord, plan: Pick<PlanHead, 'approvers'>): string[] {
  return Object.keys(plan.approvers).filter((name) => !approvers.includes(name));
}

function actionOf(step: string, plan: PlanSteps): string {
  const lines = [...plan.prepare, ...plan.each, ...(plan.afterEach ?? []), ...plan.finally];
  return lines.find(({ id }) => id === step)?.do ?? '';
}

export function approvalJson(record: ApprovalRecord, plan: PlanSteps): Readonly<Record<string, unknown>> {
  const { request, approvers, state } = record;
  return {
    step: request.step,
    do: actionOf(request.step, plan),
    state,
    quorum: request.quorum,
    approved: approvers,
    expires: expiryText(request.expiresAt),
    mayStillSign: isUnsigned(record) ? mayStillSign(record, plan) : [],
  };
}

export function approvalLine(record: ApprovalRecord, plan: PlanSteps, styles: Styles): string {
  const { request, approvers, state } = record;
  const step = visible(`${request.step} (${actionOf(request.step, plan)})`);
  const until = dateTime(request.expiresAt);
  if (state === 'granted') return styles.dim(`Step ${step} was approved by ${visible(approvers.join(', '))}`);
  if (state === 'expired') return `${styles.yellow('Not approved in time')}: step ${step}, until ${until}`;
  if (state === 'approved')
    return `${styles.green('Approved')}: step ${step}, by ${visible(approvers.join(', '))}, to be begun before ${until}`;
  const given = approvers.length === 0 ? 'nobody yet' : visible(approvers.join(', '));
  return (
    `${styles.yellow('Waits for approval')} of step ${step} until ${until}: ${approvers.length} of ${request.quorum} ` +
    `(${given}); may still sign: ${visible(mayStillSign(record, plan).join(', '))}`
  );
}

export class ApprovalView {
  readonly #screen: Screen;
  readonly #isJson: boolean;

  constructor(screen: Screen, isJson: boolean) {
    this.#screen = screen;
    this.#isJson = isJson;
  }

  async written(run: string, plan: PlanHead, statements: readonly WrittenStatement[]): Promise<void> {
    if (this.#isJson) {
      const requests = statements.map(({ approver, record, file, sha256 }) => {
        const { step, quorum, nonce, expiresAt } = record.request;
        return { step, approver, quorum, nonce, expires: expiryText(expiresAt), file, sha256 };
      });
      await this.#screen.result(JSON.stringify({ run, requests }));
      return;
    }
    const { styles } = this.#screen;
    for (const record of new Set(statements.map((statement) => statement.record)))
      await this.#screen.result(approvalLine(record, plan, styles));
    for (const { approver, file } of statements)
      await this.#screen.result(`  ${visible(file)}  for ${visible(approver)}`);
    const [first] = statements;
    if (first === undefined) return;
    const name = visible(first.approver);
    await this.#screen.result('Each approver reads the file and signs it with their own key, such as:');
    await this.#screen.result(`  openssl dgst -sha256 -sign ${name}.key -out ${name}.sig ${visible(first.file)}`);
    await this.#screen.result(this.#screen.next(`approve ${run} --as ${name} --signature ${name}.sig`));
  }

  /** `isOwned`: a process waits for it and goes on by itself. */
  async taken(
    approver: string,
    record: ApprovalRecord,
    to: { plan: PlanHead; run: string; isOwned: boolean },
  ): Promise<void> {
    if (this.#isJson) {
      await this.#screen.result(JSON.stringify({ run: to.run, approver, ...approvalJson(record, to.plan) }));
      return;
    }
    const { styles } = this.#screen;
    const { request, approvers } = record;
    await this.#screen.result(
      `${styles.green('Taken:')} ${visible(approver)} approves step ${visible(request.step)}, ${Math.min(approvers.length, request.quorum)} of ${request.quorum}.`,
    );
    if (isUnsigned(record)) await this.#screen.result(`  ${approvalLine(record, to.plan, styles)}`);
    else if (to.isOwned) await this.#screen.result('The process that waits for it goes on by itself.');
    else await this.#screen.result(this.#screen.next(`resume ${to.run}`));
  }

  /** The owner has it and has not said anything yet. */
  async handedOver(approver: string, run: string): Promise<void> {
    await this.#screen.result(
      this.#isJson
        ? JSON.stringify({ run, approver, state: 'handed-over' })
        : `The signature is good and was handed to the process that owns run ${run}, which has not taken it yet. See: keyferry status ${run}`,
    );
  }
}
