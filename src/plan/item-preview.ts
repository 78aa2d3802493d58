/**
 * Walks the steps of `each` for many items at once and asks the devices what would happen, a few hundred items per call and step. The
 * first decisive finding of an item counts; of a block all reasons are kept, so that an operator mends them in one go.
 */
import type { BoundDevice, Finding } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import type { Playbook, Scope, Step } from '../playbook/model.ts';
import { filePreview } from './file-preview.ts';
import { mayRun, previewArguments } from './preview-arguments.ts';
import { arrivalDevices, commonFingerprints, isRouteFixed, type Route, routeProblems } from './routes.ts';

/** An item on its way to its action. */
export interface Draft {
  readonly scope: Scope;
  readonly record: KeyRecord | null;
  /** `move` until something speaks against it. */
  action: 'move' | 'skip' | 'block' | 'duplicate';
  readonly reasons: string[];
  readonly notes: string[];
}

export interface PreviewContext {
  readonly playbook: Playbook;
  readonly devices: ReadonlyMap<string, BoundDevice>;
  /** Salt of the fingerprints, null when none were taken. */
  readonly salt: Uint8Array | null;
  readonly routes: readonly Route[];
  /** The playbook's inputs and nothing else. */
  readonly planScope: Scope;
}

const addOnce = (list: string[], text: string): void => {
  if (!list.includes(text)) {
    list.push(text);
  }
};

export function block(draft: Draft, reason: string): void {
  draft.action = 'block';
  addOnce(draft.reasons, reason);
}

/** Decides `action`, `reasons` and `notes` of every draft. Rejects with what a device's preview rejects with. */
export async function previewItems(drafts: readonly Draft[], context: PreviewContext): Promise<void> {
  const perItem = context.routes.filter((route) => !isRouteFixed(route, context.planScope));
  for (const draft of drafts.filter((each) => isOpen(each))) {
    guard(draft, () => {
      for (const route of perItem) {
        for (const problem of routeProblems(route, draft.scope, context.devices)) {
          block(draft, problem);
        }
      }
    });
  }
  for (const step of context.playbook.each) {
    await previewStep(step, drafts.filter(isOpen), context, (draft, finding) => decide(draft, finding, step));
  }
  for (const step of context.playbook.afterEach) {
    const moving = drafts.filter((draft) => draft.action === 'move');
    await previewStep(step, moving, context, (draft, finding) => {
      addOnce(draft.notes, finding.level === 'note' ? finding.reason : `afterwards, ${step.id}: ${finding.reason}`);
    });
  }
}

/** A blocked item is looked at further, for its other reasons. */
const isOpen = (draft: Draft): boolean => draft.action === 'move' || draft.action === 'block';

type Settle = (draft: Draft, finding: Finding) => void;

async function previewStep(
  step: Step,
  drafts: readonly Draft[],
  context: PreviewContext,
  settle: Settle,
): Promise<void> {
  const asked: Draft[] = [];
  const calls: Record<string, unknown>[] = [];
  for (const draft of drafts) {
    guard(draft, () => {
      if (mayRun(step, draft.scope)) {
        const args = previewArguments(step, draft.scope);
        asked.push(draft);
        calls.push(args);
      }
    });
  }
  if (calls.length === 0) {
    return;
  }
  const findings = await askStep(step, calls, asked, context);
  if (findings.length !== calls.length) {
    throw new Error(`${step.target} gave ${findings.length} answers to ${calls.length} previews of ${step.action}`);
  }
  for (const [at, draft] of asked.entries()) {
    for (const finding of findings[at] ?? []) {
      if (isOpen(draft)) {
        settle(draft, finding);
      }
    }
  }
}

async function askStep(
  step: Step,
  calls: readonly Readonly<Record<string, unknown>>[],
  asked: readonly Draft[],
  context: PreviewContext,
): Promise<readonly (readonly Finding[])[]> {
  if (step.target === 'verify') {
    return asked.map((draft) => comparable(draft, context));
  }
  if (step.target === 'file') {
    return Promise.all(calls.map((args) => filePreview(step, args, context.playbook)));
  }
  const bound = context.devices.get(step.target);
  if (bound === undefined) {
    throw new KeyferryError('device-unknown', `no device is bound to ${step.target}, which step ${step.id} needs`);
  }
  return bound.device.preview(step.action, calls, context.salt);
}

function decide(draft: Draft, finding: Finding, step: Step): void {
  switch (finding.level) {
    case 'note':
      addOnce(draft.notes, finding.reason);
      return;
    case 'block':
      block(draft, finding.reason);
      return;
    case 'duplicate':
      conclude(draft, 'duplicate', finding.reason);
      return;
    case 'skip':
      // Only a check that the playbook lets pass over may leave a key out; whatever else would not happen must not go unnoticed.
      if (step.spec.role?.kind === 'check' && step.otherwise === 'skip') {
        conclude(draft, 'skip', finding.reason);
      } else {
        block(draft, `would fail: ${finding.reason}`);
      }
  }
}

function conclude(draft: Draft, action: 'skip' | 'duplicate', reason: string): void {
  if (draft.action === 'move') {
    draft.action = action;
    draft.reasons.push(reason);
  }
}

/** Can the arrived key be compared with this one? The engine needs a fingerprint method that both devices and the key itself allow. */
function comparable(draft: Draft, context: PreviewContext): readonly Finding[] {
  if (context.salt === null || draft.record === null || isComparable(draft.record, context)) {
    return [];
  }
  if (context.playbook.verify === 'weak') {
    return [
      {
        level: 'note',
        reason: 'no fingerprint method works for this key on both devices; it moves with a weak comparison or none',
      },
    ];
  }
  return [
    {
      level: 'block',
      reason:
        'the arrived key could not be compared: no fingerprint method works for this key on both devices; ' +
        'leave it out, or say "verify: weak" in the playbook',
    },
  ];
}

function isComparable({ locator }: KeyRecord, { playbook, devices }: PreviewContext): boolean {
  const source = playbook.over?.kind === 'keys' ? devices.get(playbook.over.from) : undefined;
  if (locator.fingerprint === null || source === undefined) return false;
  const common = commonFingerprints(source.description.capabilities, arrivalDevices(playbook, devices));
  return common.includes(locator.fingerprint.method);
}

/** An expression that fails for one key concerns that key. */
function guard(draft: Draft, evaluate: () => void): void {
  try {
    evaluate();
  } catch (error) {
    if (!(error instanceof KeyferryError)) {
      throw error;
    }
    block(draft, error.message);
  }
}
