/** Runs of the main playbook with steps that two people must approve, between the devices of a site, without the command line. */
import { join } from 'node:path';
import { statementText } from '../../src/approvals/statement.ts';
import type { Entry } from '../../src/journal/journal.ts';
import { openRunStore } from '../../src/journal/sqlite/sqlite-run-store.ts';
import { keyRefOf } from '../../src/plan/key-scope.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import { recordApproval } from '../../src/workflows/approval-entries.ts';
import { currentApprovals, readApprovals } from '../../src/workflows/approval-records.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import type { Person } from './approval-people.ts';
import { changed, inputsOf, journalOf, mainPlaybook, type RunOptions, runPlan } from './engine-harness.ts';
import { openDevices, type Site } from './engine-site.ts';

export const approvalsAdded = (text: string): string =>
  changed(
    changed(text, '  - id: wrapper\n', '  - id: wrapper\n    approval: { quorum: 2 }\n'),
    '  - id: arrived\n',
    '  - id: arrived\n    approval: { quorum: 2 }\n',
  );

/** Plans with these approvers and runs, up to where it waits. */
export async function runToApproval(
  site: Site,
  approvers: readonly Person[],
  options: RunOptions & { readonly edit?: (text: string) => string } = {},
): Promise<RunResult> {
  const playbook = mainPlaybook(options.edit ?? approvalsAdded);
  const devices = await openDevices(site);
  const plan = await makePlan({
    playbook,
    inputs: await inputsOf(playbook),
    devices: devices.bound,
    approvers: Object.fromEntries(approvers.map(({ name, key }) => [name, key.sha256])),
    fingerprint: true,
    version: '0.0.0',
    spoolDir: join(site.dir, 'spool'),
  });
  await devices.close();
  try {
    return await runPlan(site, plan, { ...options, playbook });
  } finally {
    await plan.dispose();
  }
}

/** Signs everything that the run waits for, as far as these people have not; in a process of its own, like `approve`. */
export async function approveAll(
  site: Site,
  run: string,
  signers: readonly Person[],
  tuning: RunOptions['tuning'] = {},
): Promise<void> {
  const owned = await (await openRunStore(site.home, tuning)).open(run);
  try {
    const { journal } = owned;
    const { ground } = readApprovals(journal, Date.now());
    for (const signer of signers) {
      for (const record of currentApprovals(readApprovals(journal, Date.now()))) {
        if (record.state !== 'waiting' || record.approvers.includes(signer.name)) continue;
        const text = statementText({ ...ground, approver: signer.name, request: record.request });
        const handed = { approver: signer.name, key: signer.key, signature: signer.sign(text) };
        await recordApproval(handed, { journal, now: Date.now() });
      }
    }
  } finally {
    await owned.close();
  }
}

/** What the journal says of approvals, in order: `requested wrapper`, `signed wrapper alice`, … */
export async function approvalsOf(site: Site, run: string): Promise<string[]> {
  return (await journalOf(site, run)).entries.flatMap(({ entry }) => (entry.kind === 'approval' ? [told(entry)] : []));
}

function told(entry: Extract<Entry, { kind: 'approval' }>): string {
  return `${entry.event} ${entry.step}${entry.event === 'signed' ? ` ${entry.approver}` : ''}`;
}

/** Deletes a source key behind the run's back, so that its item fails. */
export async function removeSource(site: Site, label: string): Promise<void> {
  const devices = await openDevices(site);
  const { device } = devices.of('classic');
  for await (const batch of device.inventory({})) {
    for (const record of batch.filter((each) => each.label === label)) {
      const salt = new Uint8Array(0);
      await device.perform({ action: 'delete-key', args: { key: keyRefOf(record, 'classic') }, salt });
    }
  }
  await devices.close();
}
