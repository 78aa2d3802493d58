/** What resume, retry and cancel share: bind the devices that the run was planned for and hand the run back to the engine. */

import { openRunStore } from '../journal/sqlite/sqlite-run-store.ts';
import { checkPlanDevices } from '../plan/plan-devices.ts';
import type { ResumeOptions } from '../workflows/engine.ts';
import { resumeRun } from '../workflows/resume-run.ts';
import { bindPlaybook, pinnedPlaybook } from './bound-playbook.ts';
import { carryOut } from './carry-out.ts';
import { packageVersion } from './package-files.ts';
import { recordOf } from './recorded-run.ts';
import type { CommonOptions, Shell } from './shell.ts';

export interface ContinueOptions {
  readonly run: string;
  readonly mode: ResumeOptions['mode'];
  readonly concurrency: number | null;
  /** Stay where an approval is missing. */
  readonly wait?: boolean;
}

/** Gives the exit code. Rejects with `plan-devices` when other devices are bound now, `run-held`, `run-finished`. */
export async function continueRun(
  shell: Shell,
  options: CommonOptions,
  { run, mode, concurrency, wait = false }: ContinueOptions,
): Promise<number> {
  const { plan } = await recordOf(options.home, run);
  const store = await openRunStore(options.home);
  // A run that somebody else works on is refused before any device is opened or any PIN asked for.
  await (await store.open(run)).close();
  // What a secret was for may be done already: the run asks for it when it is not.
  const bind = { options, concurrency, plan, secrets: 'if-given' } as const;
  const bound = await bindPlaybook(shell, await pinnedPlaybook(plan), bind);
  try {
    checkPlanDevices(plan, bound.devices);
    const result = await carryOut(shell, { isJson: options.json, carried: options.carried }, (observer) =>
      resumeRun({
        store,
        version: packageVersion(),
        observer,
        devices: bound.devices,
        secretInputs: bound.secretInputs,
        inputs: bound.inputs,
        concurrency,
        wait,
        run,
        playbook: bound.playbook,
        mode,
      }),
    );
    return result.exitCode;
  } finally {
    await bound.close();
  }
}
