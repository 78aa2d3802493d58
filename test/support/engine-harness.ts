/** Plans, runs and resumes the main playbook between the devices of a site, without the command line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredEntry } from '../../src/journal/journal.ts';
import type { JournalTuning } from '../../src/journal/sqlite/journal-writer.ts';
import { openJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import { openRunStore } from '../../src/journal/sqlite/sqlite-run-store.ts';
import type { Secret } from '../../src/keys/secret.ts';
import { pinnedDocument } from '../../src/plan/digest.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { PlanHead, PlanSource } from '../../src/plan/model.ts';
import { resolveInputs } from '../../src/playbook/inputs.ts';
import type { Json, Playbook } from '../../src/playbook/model.ts';
import { parsePlaybook, parsePlaybookDocument } from '../../src/playbook/parse-playbook.ts';
import type { CallClock } from '../../src/workflows/call-clock.ts';
import type { ResumeOptions, RunHandle, RunObserver, RunResult } from '../../src/workflows/engine.ts';
import { resumeRun } from '../../src/workflows/resume-run.ts';
import { startRun } from '../../src/workflows/start-run.ts';
import { ADAPTERS } from './adapters.ts';
import { type DeviceValues, type OpenedDevices, openDevices, type Site } from './engine-site.ts';

const MAIN_PLAYBOOK = join(import.meta.dirname, '../../playbooks/classic-to-cloudhsm.yaml');

/** Commits apart, so that every write is a point of its own. */
export const EVERY_WRITE: JournalTuning = { groupCommit: false, commitSpacingMs: 0 };

export const NOBODY: RunObserver = { progress: () => undefined, notice: () => undefined };

/** The main playbook, its text changed. */
export function mainPlaybook(edit: (text: string) => string = (text) => text): Playbook {
  const text = edit(readFileSync(MAIN_PLAYBOOK, 'utf8'));
  return parsePlaybook({ file: 'classic-to-cloudhsm.yaml', text, adapters: ADAPTERS });
}

/** Gives text that says something else; throws when nothing was changed. */
export function changed(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  if (result === text) throw new Error(`nothing to change: ${from}`);
  return result;
}

export async function inputsOf(playbook: Playbook): Promise<Readonly<Record<string, Json>>> {
  const ports = { env: {}, prompt: async () => Promise.reject(new Error('nobody to ask')) };
  return (await resolveInputs({ playbook, given: {}, ports })).inputs;
}

/** `inputs`: default: what the playbook says by default. */
export async function planOf(
  site: Site,
  devices: OpenedDevices,
  playbook: Playbook,
  inputs?: Readonly<Record<string, Json>>,
): Promise<PlanSource> {
  return await makePlan({
    playbook,
    inputs: inputs ?? (await inputsOf(playbook)),
    devices: devices.bound,
    approvers: {},
    fingerprint: true,
    version: '0.0.0',
    spoolDir: join(site.dir, 'spool'),
  });
}

export interface RunOptions {
  readonly playbook?: Playbook;
  readonly devices?: DeviceValues;
  /** Devices that are open already; the caller closes them. */
  readonly opened?: OpenedDevices;
  readonly tuning?: JournalTuning;
  readonly observer?: RunObserver;
  /** Default: what the playbook says by default. */
  readonly inputs?: Readonly<Record<string, Json>>;
  readonly secretInputs?: Readonly<Record<string, Secret>>;
  /** Stay where an approval is missing. */
  readonly wait?: boolean;
  readonly stale?: ReadonlyMap<number, string>;
  /** Default: the system's. */
  readonly clock?: CallClock;
  /** Called as soon as there is a run. */
  readonly onHandle?: (handle: RunHandle) => void;
}

/** Plans with sound devices, then runs in a new process with these. */
export async function run(site: Site, options: RunOptions = {}): Promise<RunResult> {
  const playbook = options.playbook ?? mainPlaybook();
  const planners = await openDevices(site);
  const plan = await planOf(site, planners, playbook);
  await planners.close();
  try {
    return await runPlan(site, plan, { ...options, playbook });
  } finally {
    await plan.dispose();
  }
}

export async function runPlan(site: Site, plan: PlanSource, options: RunOptions = {}): Promise<RunResult> {
  const playbook = options.playbook ?? mainPlaybook();
  return await withDevices(site, options, async (devices) => {
    const handle = await startRun({
      ...(await environment(site, playbook, devices, options)),
      plan,
      playbook,
      ...(options.stale === undefined ? {} : { stale: options.stale }),
    });
    options.onHandle?.(handle);
    return await handle.result;
  });
}

/** In a new process: what it knows of the run is the journal. */
export async function resume(
  site: Site,
  id: string,
  options: Omit<RunOptions, 'playbook'> & { readonly mode?: ResumeOptions['mode'] } = {},
): Promise<RunResult> {
  const journal = await journalOf(site, id);
  const plan = journal.plan;
  const playbook = parsePlaybookDocument(pinnedDocument(plan), ADAPTERS);
  return await withDevices(site, options, async (devices) => {
    const handle = await resumeRun({
      ...(await environment(site, playbook, devices, options)),
      run: id,
      playbook,
      mode: options.mode ?? 'resume',
    });
    options.onHandle?.(handle);
    return await handle.result;
  });
}

async function environment(site: Site, playbook: Playbook, devices: OpenedDevices, options: RunOptions) {
  return {
    store: await openRunStore(site.home, options.tuning),
    version: '0.0.0',
    observer: options.observer ?? NOBODY,
    devices: devices.bound,
    secretInputs: options.secretInputs ?? {},
    inputs: options.inputs ?? (await inputsOf(playbook)),
    concurrency: null,
    wait: options.wait ?? false,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  };
}

async function withDevices<T>(
  site: Site,
  options: RunOptions,
  work: (devices: OpenedDevices) => Promise<T>,
): Promise<T> {
  if (options.opened !== undefined) return await work(options.opened);
  const devices = await openDevices(site, options.devices);
  try {
    return await work(devices);
  } finally {
    await devices.close();
  }
}

export interface ReadJournal {
  readonly plan: PlanHead;
  readonly entries: readonly StoredEntry[];
  readonly open: number;
}

/** All of a journal, its chain verified. */
export async function journalOf(site: Site, id: string): Promise<ReadJournal> {
  const journal = await openJournal({ dir: join(site.home, 'runs', id), run: id, readOnly: true });
  try {
    await journal.verifyChain();
    return {
      plan: journal.head().plan as PlanHead,
      entries: [...journal.entries()],
      open: [...journal.openIntents()].length,
    };
  } finally {
    await journal.close();
  }
}
