/** `approval-request`: writes what approvers have to sign. Asks anew where a request expired. */
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ApprovalRecord } from '../../approvals/record.ts';
import { writeStatement } from '../../approvals/statement-file.ts';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { openRunStore } from '../../journal/sqlite/sqlite-run-store.ts';
import type { PlanHead } from '../../plan/model.ts';
import { isOver } from '../../report/run-record.ts';
import { suggestion } from '../../source/nearest.ts';
import { requestApproval } from '../../workflows/approval-entries.ts';
import { currentApprovals, readApprovals } from '../../workflows/approval-records.ts';
import { pinnedPlaybook } from '../bound-playbook.ts';
import { readRun, recordOf } from '../recorded-run.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import { ApprovalView, isUnsigned, mayStillSign, type WrittenStatement } from '../views/approval-view.ts';

export interface ApprovalRequestOptions {
  readonly as?: string;
  readonly out: string;
}

/** How long a run's owner may take to ask anew for what expired. */
const RENEWAL_MS = 10_000;
const LOOK_MS = 200;

export async function approvalRequest(
  shell: Shell,
  run: string,
  options: CommonOptions & ApprovalRequestOptions,
): Promise<number> {
  const { plan, state } = await recordOf(options.home, run);
  if (isOver(state)) throw new KeyferryError('run-finished', `Run ${run} is over (${state}); it waits for nobody.`);
  const { as } = options;
  if (as !== undefined && !Object.hasOwn(plan.approvers, as)) {
    const hint = suggestion(as, Object.keys(plan.approvers));
    throw new KeyferryError('approval-refused', `The plan of run ${run} knows no approver ${as}.`, {
      ...(hint === undefined ? {} : { hint }),
    });
  }
  const waiting = await openRecords(run, plan, options);
  const statements: WrittenStatement[] = [];
  for (const record of waiting) {
    for (const approver of mayStillSign(record, plan)) {
      if (as !== undefined && as !== approver) continue;
      const file = join(options.out, `approval-${run}-${record.request.step}-${approver}.txt`);
      const facts = { run, digest: plan.digest, approver, request: record.request };
      statements.push({ approver, record, file, sha256: await writeStatement(resolve(file), facts) });
    }
  }
  if (statements.length === 0)
    throw new KeyferryError(
      'approval-refused',
      `${as ?? 'Every approver'} has signed already what run ${run} waits for.`,
    );
  await new ApprovalView(createScreen(shell.io, options.carried), options.json).written(run, plan, statements);
  return 0;
}

/** What waits for signatures now. Rejects with `approval-refused` when nothing does. */
async function openRecords(run: string, plan: PlanHead, { home }: CommonOptions): Promise<readonly ApprovalRecord[]> {
  const read = (): Promise<readonly ApprovalRecord[]> =>
    readRun(home, run, async (journal) => currentApprovals(readApprovals(journal, Date.now())).filter(isUnsigned));
  let open = await read();
  if (open.some(({ state }) => state === 'expired')) {
    await renew(run, plan, home);
    open = await read();
  }
  if (open.length > 0) return open;
  throw new KeyferryError('approval-refused', `Run ${run} waits for no approval now.`, {
    hint: `See what it does: keyferry status ${run}`,
  });
}

async function renew(run: string, plan: PlanHead, home: string): Promise<void> {
  const store = await openRunStore(home);
  const owned = await store.open(run).catch((error: unknown) => {
    if (error instanceof KeyferryError && error.code === 'run-held') return null;
    throw error;
  });
  if (owned === null) return await renewedByOwner(run, home);
  try {
    const { prepare, each, afterEach, finally: last } = await pinnedPlaybook(plan);
    const { journal } = owned;
    for (const { state, request } of currentApprovals(readApprovals(journal, Date.now()))) {
      if (state !== 'expired') continue;
      const step = [...prepare, ...each, ...afterEach, ...last].find(({ id }) => id === request.step);
      if (step === undefined) throw new Error(`the pinned playbook has no step ${request.step}`);
      await requestApproval(step, { journal, generation: request.generation, now: Date.now() });
    }
  } finally {
    await owned.close();
  }
}

/** A run that is waited on asks anew by itself. */
async function renewedByOwner(run: string, home: string): Promise<void> {
  const end = Date.now() + RENEWAL_MS;
  for (;;) {
    const hasExpired = await readRun(home, run, async (journal) =>
      currentApprovals(readApprovals(journal, Date.now())).some(({ state }) => state === 'expired'),
    );
    if (!hasExpired) return;
    if (Date.now() > end) {
      throw new KeyferryError(
        'run-held',
        `What run ${run} asked for has expired, and the process that owns the run has not asked anew.`,
      );
    }
    await wait(LOOK_MS);
  }
}
