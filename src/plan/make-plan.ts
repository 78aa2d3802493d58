/**
 * Makes a plan: what would happen to every key, and why. Reads only: inventories and previews, never a call that changes a device. Items
 * are spooled to a file and each is looked at once, so that a million keys take little more memory than ten thousand.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BoundDevice, InventoryQuery } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Json, Playbook } from '../playbook/model.ts';
import { Capacity } from './capacity.ts';
import { digestDocument, documentDigest, type HeadWithoutDigest, planDevice } from './digest.ts';
import { estimate } from './estimate.ts';
import type { PreviewContext } from './item-preview.ts';
import { ItemSpool } from './item-spool.ts';
import { fileError } from './line-file.ts';
import { PLAN_FORMAT, type PlanHead, type PlanSource } from './model.ts';
import { planFindings } from './plan-findings.ts';
import { type PlannedItems, planItems } from './plan-items.ts';
import { arrivalDevices, commonFingerprints, routesOf } from './routes.ts';
import { stepLine } from './step-lines.ts';

export interface MakePlanOptions {
  readonly playbook: Playbook;
  /** Resolved; secrets are absent. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Role → open device. */
  readonly devices: ReadonlyMap<string, BoundDevice>;
  /** Name → SHA-256 of the approver's public key (SPKI), hex. */
  readonly approvers: Readonly<Record<string, string>>;
  /** False: no key is used, so neither fingerprints nor KCVs are taken. */
  readonly fingerprint: boolean;
  readonly version: string;
  /** Made if it is not there. The plan's items live in a folder of their own in it until `dispose`. */
  readonly spoolDir: string;
  readonly now?: () => Date;
  /** 16 random bytes when absent. */
  readonly salt?: Uint8Array;
  /** Source objects looked at so far. */
  readonly onProgress?: (count: number) => void;
}

/** Rejects with what devices and expressions reject with, and `disk-full` or `state-unwritable` for the spool. */
export async function makePlan(options: MakePlanOptions): Promise<PlanSource> {
  const { playbook, spoolDir } = options;
  for (const role of Object.keys(playbook.devices)) {
    if (!options.devices.has(role)) {
      throw new KeyferryError('device-unknown', `no device is bound to ${role}, which the playbook needs`);
    }
  }
  let folder: string | null = null;
  try {
    await mkdir(spoolDir, { recursive: true, mode: 0o700 });
    folder = await mkdtemp(join(spoolDir, 'plan-'));
    return await planInto(folder, options);
  } catch (error) {
    if (folder !== null) {
      await rm(folder, { recursive: true, force: true });
    }
    throw fileError(error, spoolDir, 'cannot keep the plan in', 'state-unwritable');
  }
}

async function planInto(folder: string, options: MakePlanOptions): Promise<PlanSource> {
  const { playbook, devices } = options;
  const inputs = withoutSecrets(options);
  const salt = options.salt ?? randomBytes(16);
  const context: PreviewContext = {
    playbook,
    devices,
    salt: options.fingerprint ? salt : null,
    routes: routesOf(playbook),
    planScope: { inputs, steps: {} },
  };
  const spool = new ItemSpool(join(folder, 'items.jsonl'));
  const capacity = new Capacity(playbook, devices);
  const findings = await planFindings(context, options.approvers);
  let planned: PlannedItems;
  try {
    planned = await planItems({
      context,
      spool,
      capacity,
      folder,
      query: inventoryQuery(playbook, devices, context.salt),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    });
  } finally {
    spool.close();
  }
  const pace = estimate(planned.summary.move, playbook, { inputs, steps: {} }, devices);
  const lines = (steps: Playbook['each']) => steps.map((step) => stepLine(step, devices));
  const head: HeadWithoutDigest = {
    format: PLAN_FORMAT,
    playbook: playbook.name,
    title: playbook.title,
    inputs,
    devices: Object.keys(playbook.devices)
      .sort()
      .flatMap((role) => devices.get(role) ?? [])
      .map(planDevice),
    approvers: { ...options.approvers },
    summary: planned.summary,
    prepare: lines(playbook.prepare),
    canary: playbook.canary === null ? null : stepLine(playbook.canary, devices),
    each: lines(playbook.each),
    afterEach: lines(playbook.afterEach),
    finally: lines(playbook.finally),
    exposesPlaintext: playbook.exposesPlaintext,
    estimateSeconds: pace.seconds,
    salt: Buffer.from(salt).toString('hex'),
    fingerprinted: options.fingerprint,
    itemsHash: spool.itemsHash,
    blocks: [...findings.blocks, ...capacity.blocks()],
    warnings: [
      ...findings.warnings,
      ...planned.warnings,
      ...(options.fingerprint
        ? []
        : [
            'no fingerprints were taken: keys that are on the target already, and keys that cannot be compared, show only in the run',
          ]),
      ...(pace.inWords === null ? [] : [pace.inWords]),
    ],
    version: options.version,
    createdAt: (options.now?.() ?? new Date()).toISOString(),
  };
  const document = digestDocument(head, playbook.document);
  const whole: PlanHead = { ...head, document, digest: documentDigest(document) };
  return {
    head: whole,
    items: () => spool.items(),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Without fingerprints no key is used at all, not even for its KCV. */
export function inventoryQuery(
  playbook: Playbook,
  devices: ReadonlyMap<string, BoundDevice>,
  salt: Uint8Array | null,
): InventoryQuery {
  const source = playbook.over?.kind === 'keys' ? devices.get(playbook.over.from) : undefined;
  if (salt === null || source === undefined) {
    return { kcv: false };
  }
  const { capabilities } = source.description;
  const common = commonFingerprints(capabilities, arrivalDevices(playbook, devices));
  // What no target can do tells the source's own keys apart all the same, and whether one has changed since.
  const methods = [...common, ...capabilities.fingerprints.filter((method) => !common.includes(method))];
  return { kcv: true, ...(methods.length === 0 ? {} : { fingerprint: { salt, methods } }) };
}

/** What is called secret in the playbook stays out of the plan even if a caller hands it over. */
function withoutSecrets({ inputs, playbook }: MakePlanOptions): Record<string, Json> {
  const open = Object.entries(inputs).filter(([name]) => playbook.inputs[name]?.type !== 'secret');
  return Object.fromEntries(open.map(([name, value]) => [name, value as Json]));
}
