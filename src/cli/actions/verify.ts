/** `verify`: compares source and target of every migrated key again, now. */
import { checkPlanDevices } from '../../plan/plan-devices.ts';
import { readRunRecord } from '../../report/run-record.ts';
import { verifyRun } from '../../workflows/verify-run.ts';
import { bindPlaybook, pinnedPlaybook } from '../bound-playbook.ts';
import { namedOrLatest, readRun } from '../recorded-run.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import { verifyView } from '../views/verify-view.ts';

export async function verify(shell: Shell, named: string | undefined, options: CommonOptions): Promise<number> {
  const run = await namedOrLatest(options.home, named);
  return await readRun(options.home, run, async (journal) => {
    const { plan } = readRunRecord(journal);
    const bind = { options, concurrency: null, plan, secrets: 'unused' } as const;
    const bound = await bindPlaybook(shell, await pinnedPlaybook(plan), bind);
    try {
      checkPlanDevices(plan, bound.devices);
      const view = verifyView(createScreen(shell.io), options.json);
      const { different } = await view.show(
        run,
        verifyRun({ journal, playbook: bound.playbook, devices: bound.devices }),
      );
      return different === 0 ? 0 : 5;
    } finally {
      await bound.close();
    }
  });
}
