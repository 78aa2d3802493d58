/** A playbook with its inputs resolved and its devices open: what plan, run, resume and verify work on. */
import type { BoundDevice } from '../adapters/adapter.ts';
import { loadAdaptersIn } from '../adapters/registry.ts';
import { bindDevices } from '../devices/bind-devices.ts';
import { loadDevicesFile } from '../devices/devices-file.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { pinnedDocument } from '../plan/digest.ts';
import type { PlanHead } from '../plan/model.ts';
import { resolveInputs, type SecretsWanted } from '../playbook/inputs.ts';
import { loadPlaybook } from '../playbook/load-playbook.ts';
import type { Json, Playbook } from '../playbook/model.ts';
import { parsePlaybookDocument } from '../playbook/parse-playbook.ts';
import { adaptersInFile } from './adapters-in-file.ts';
import { deviceOpener, openDevices } from './open-devices.ts';
import { promptSecret } from './prompt.ts';
import type { CommonOptions, Shell } from './shell.ts';

export interface BoundPlaybook {
  readonly playbook: Playbook;
  readonly inputs: Readonly<Record<string, Json>>;
  readonly secretInputs: Readonly<Record<string, unknown>>;
  readonly devices: ReadonlyMap<string, BoundDevice>;
  /** Name → SHA-256 of the approver's public key. */
  readonly approvers: Readonly<Record<string, string>>;
  /** Closes the devices. */
  close(): Promise<void>;
}

export interface BindOptions {
  readonly options: CommonOptions;
  /** `--concurrency`; null: the playbook's. */
  readonly concurrency: number | null;
  /** From a plan or a run: the devices and inputs that it was made with. */
  readonly plan?: PlanHead;
  /** Default: `needed`. */
  readonly secrets?: SecretsWanted;
}

export async function readPlaybook(file: string): Promise<Playbook> {
  return loadPlaybook(file, await adaptersInFile(file));
}

/** The playbook that a plan pins. */
export async function pinnedPlaybook(plan: PlanHead): Promise<Playbook> {
  const document = pinnedDocument(plan);
  return parsePlaybookDocument(document, await loadAdaptersIn(JSON.stringify(document)));
}

export async function bindPlaybook(shell: Shell, written: Playbook, bind: BindOptions): Promise<BoundPlaybook> {
  const { options, plan } = bind;
  const playbook = withConcurrency(written, bind.concurrency);
  const planned = Object.fromEntries((plan?.devices ?? []).map((device) => [device.role, device.name]));
  const { inputs, secrets } = await resolveInputs({
    playbook,
    given: options.input,
    ...(plan === undefined ? {} : { pinned: plan.inputs }),
    ...(bind.secrets === undefined ? {} : { secrets: bind.secrets }),
    ports: { env: shell.io.env, prompt: (question) => promptSecret(shell.io, shell.interrupts, question) },
  });
  if (plan !== undefined) requirePlannedInputs(plan, inputs);
  const file = loadDevicesFile({ path: options.devices, adapters: await adaptersInFile(options.devices) });
  const bound = bindDevices({ playbook, file, overrides: { ...planned, ...options.device } });
  const open = await deviceOpener(shell, { options, sessions: playbook.policy.concurrency });
  const { devices, close } = await openDevices(shell, bound, open);
  const approvers = Object.fromEntries(
    Object.entries(file.approvers).map(([name, approver]) => [name, approver.spkiSha256]),
  );
  return { playbook, inputs, secretInputs: secrets, devices, approvers, close };
}

/** Devices open as many sessions as are wanted, and the plan compares the two: both go by what the operator asked for. */
const withConcurrency = (playbook: Playbook, concurrency: number | null): Playbook =>
  concurrency === null ? playbook : { ...playbook, policy: { ...playbook.policy, concurrency } };

/** What was planned is what runs: an input given anew may not change it. */
function requirePlannedInputs(plan: PlanHead, inputs: Readonly<Record<string, Json>>): void {
  const changed = Object.keys(plan.inputs).filter(
    (name) => JSON.stringify(inputs[name]) !== JSON.stringify(plan.inputs[name]),
  );
  if (changed.length === 0) return;
  const was = changed.map((name) => `${name}=${JSON.stringify(plan.inputs[name])}`).join(', ');
  throw new KeyferryError('input-invalid', `The plan was made with ${was}; nothing was done.`, {
    hint: 'Leave these inputs out, or make a new plan with other ones.',
  });
}
