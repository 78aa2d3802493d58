/**
 * A runbook: a plan as what people do by hand, in parts. A part is one sitting at one device with one tool; all keys that can be done in it
 * are, each in a block of its own, so that a ceremony with a hundred keys has as many parts as one with a single key.
 */
import type { RunbookLine, RunbookTool } from '../adapters/runbook.ts';
import type { PlanDevice, PlanHead, PlanItem } from '../plan/model.ts';

/** One step of the playbook, for one key where it is done per key. */
export interface RunbookEntry {
  /** `pair: Generate an RSA key pair for wrapping on the device` */
  readonly title: string;
  readonly lines: readonly RunbookLine[];
}

export interface RunbookBlock {
  /** What it is about: `Before the keys`, or one key. */
  readonly heading: string;
  readonly entries: readonly RunbookEntry[];
}

export interface RunbookPart {
  /** From 1. */
  readonly number: number;
  /** null: at no device, on the host where the files are. */
  readonly device: PlanDevice | null;
  /** As `keyferry console` has it; null: no command lines, the part is in words. */
  readonly tool: { readonly name: string; readonly lines: RunbookTool } | null;
  readonly blocks: readonly RunbookBlock[];
}

export interface Runbook {
  readonly head: PlanHead;
  readonly parts: readonly RunbookPart[];
  /** Not moved, with the plan's reason. */
  readonly left: readonly Pick<PlanItem, 'key' | 'label' | 'action' | 'reason'>[];
}
