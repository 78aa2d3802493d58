/**
 * The engine in a process of its own, as a command runs it: plan, journal with fsync, run, verification of every key. Is forked with one
 * EngineRequest in its arguments, sends one EngineMessage and ends.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadAdapters } from '../src/adapters/registry.ts';
import { openRunStore } from '../src/journal/sqlite/sqlite-run-store.ts';
import { makePlan } from '../src/plan/make-plan.ts';
import { resolveInputs } from '../src/playbook/inputs.ts';
import { loadPlaybook } from '../src/playbook/load-playbook.ts';
import { startRun } from '../src/workflows/start-run.ts';
import { openEngineDevices } from './engine-devices.ts';
import type { EngineMessage, EngineReply, EngineRequest } from './engine-messages.ts';
import { makeSoftHsmTokens } from './softhsm-tokens.ts';

const ADAPTERS = await loadAdapters();

const PLAYBOOK = fileURLToPath(new URL('../../playbooks/classic-to-cloudhsm.yaml', import.meta.url));
const MB = 1024 * 1024;

const send = (message: EngineMessage): Promise<void> =>
  new Promise((sent) => {
    process.send?.(message, undefined, undefined, () => sent());
  });

/** CPU time of the calling thread in seconds, which no load on the machine stretches; null where there is no /proc. */
function threadSeconds(): number | null {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e9;
  } catch {
    return null;
  }
}

const between = (from: number | null, to: number | null): number | null =>
  from === null || to === null ? null : to - from;

async function measure(request: EngineRequest): Promise<EngineReply> {
  if (request.devices === 'softhsm') makeSoftHsmTokens(`${request.dir}/softhsm`, request.keys);
  const playbook = loadPlaybook(PLAYBOOK, ADAPTERS);
  const { inputs } = await resolveInputs({
    playbook,
    given: {},
    ports: { env: {}, prompt: async () => Promise.reject(new Error('there is nothing to ask')) },
  });
  const home = `${request.dir}/home`;
  const store = await openRunStore(home);
  const devices = await openEngineDevices(request);
  globalThis.gc?.();
  const cpuBefore = process.cpuUsage();
  const cpuBegun = threadSeconds();
  const begun = performance.now();
  const plan = await makePlan({
    playbook,
    inputs,
    devices,
    approvers: {},
    fingerprint: true,
    version: 'bench',
    spoolDir: home,
  });
  const planned = performance.now();
  const cpuPlanned = threadSeconds();
  const handle = await startRun({
    store,
    version: 'bench',
    observer: { progress: () => undefined, notice: () => undefined },
    devices,
    secretInputs: {},
    inputs,
    concurrency: null,
    plan,
    playbook,
  });
  const result = await handle.result;
  const ended = performance.now();
  const cpuEnded = threadSeconds();
  const cpu = process.cpuUsage(cpuBefore);
  if (result.counts.migrated !== request.keys) {
    throw new Error(
      `${result.counts.migrated} of ${request.keys} keys moved: ${result.error?.message ?? result.state}`,
    );
  }
  const peakRssMb = process.resourceUsage().maxRSS / 1024;
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  await plan.dispose();
  for (const { device } of devices.values()) await device.close();
  return {
    planSeconds: (planned - begun) / 1000,
    runSeconds: (ended - planned) / 1000,
    migrated: result.counts.migrated,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    mainThread: { planSeconds: between(cpuBegun, cpuPlanned), runSeconds: between(cpuPlanned, cpuEnded) },
    peakRssMb,
    retainedMb: (heapUsed + external) / MB,
  };
}

try {
  const reply = await measure(JSON.parse(process.argv[2] ?? '') as EngineRequest);
  await send({ kind: 'done', reply });
} catch (error) {
  await send({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
process.exit(0);
