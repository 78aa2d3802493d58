/** Builds the context of a run for this process: first start and resume alike. */
import type { OwnedRun } from '../journal/run-store.ts';
import type { PlanHead } from '../plan/model.ts';
import type { Playbook } from '../playbook/model.ts';
import { ApprovalGate } from './approval-gate.ts';
import { BuiltIns } from './built-ins.ts';
import { systemClock } from './call-clock.ts';
import type { RunEnvironment } from './engine.ts';
import { LeftoverList } from './leftover-list.ts';
import { RateLimiter } from './rate-limiter.ts';
import { type RunContext, StopSwitch } from './run-environment.ts';
import { StepRunner } from './step-runner.ts';

export interface RunContextOptions {
  readonly environment: RunEnvironment;
  readonly owned: OwnedRun;
  readonly plan: PlanHead;
  readonly playbook: Playbook;
  readonly generation: number;
  readonly isResumed: boolean;
}

export function runContext(options: RunContextOptions): RunContext {
  const { environment, owned, plan, playbook, generation } = options;
  const { journal } = owned;
  const { devices } = environment;
  const clock = environment.clock ?? systemClock();
  const stop = new StopSwitch();
  const salt = new Uint8Array(Buffer.from(plan.salt, 'hex'));
  const leftovers = new LeftoverList(journal);
  const approvals = new ApprovalGate({
    journal,
    generation,
    clock,
    stop,
    observer: environment.observer,
    isPatient: environment.wait ?? false,
  });
  const runner = new StepRunner({
    journal,
    devices,
    generation,
    salt,
    clock,
    limiter: new RateLimiter(clock, stop.interruption),
    builtIns: new BuiltIns({ devices, salt, verify: playbook.verify }),
    approvals,
    isStopping: () => stop.isInterrupted,
    interruption: stop.interruption,
    leftover: (device, object, reason) => leftovers.add(device, object, reason),
  });
  return {
    run: journal.run,
    owned,
    journal,
    plan,
    playbook,
    devices,
    inputs: { ...environment.inputs, ...environment.secretInputs },
    observer: environment.observer,
    clock,
    salt,
    generation,
    concurrency: environment.concurrency ?? playbook.policy.concurrency,
    runner,
    approvals,
    leftovers,
    isResumed: options.isResumed,
    stop,
  };
}
