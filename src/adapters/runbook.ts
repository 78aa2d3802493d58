/**
 * What an adapter knows of doing its actions by hand: the vendor's tools, how a session with one begins and ends, and the lines that a
 * person types in place of an action. Pure text, written from a plan; no device is open and no secret is at hand. The order, the layout and
 * the items are not its business.
 */
import type { KeyAttributes } from '../keys/attributes.ts';
import type { KeyClass, KeyType } from '../keys/key-spec.ts';

/** A key as a runbook speaks of it: planned or yet to be made, so it may have no check value. */
export interface RunbookKey {
  readonly kind: 'runbook-key';
  /** Unique in the runbook: `"payments-1" (3fa9…)`. */
  readonly name: string;
  /** Role in the playbook. */
  readonly device: string;
  readonly class: KeyClass;
  readonly type: KeyType;
  /** 0: not known. */
  readonly bits: number;
  /** null: it is not text, so nobody can type it. */
  readonly label: string | null;
  /** Hex; empty: none, or not known. */
  readonly id: string;
  /** Six hex digits; null: not known before the ceremony. */
  readonly kcv: string | null;
  /** null: not known. */
  readonly attributes: KeyAttributes | null;
}

export const isRunbookKey = (value: unknown): value is RunbookKey =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'runbook-key';

/** A file that one step writes and another reads. */
export interface RunbookFile {
  readonly kind: 'runbook-file';
  readonly path: string;
  /** `bare`: nothing but the bytes, for any device; else a name that the writing adapter gave, for itself. */
  readonly format: string;
  /** Of a wrapped key. */
  readonly mechanism: string | null;
}

export const isRunbookFile = (value: unknown): value is RunbookFile =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'runbook-file';

/** What only the ceremony shows: stands in a command as `<name>`. `lookup` is a command of the same tool that shows it; null: people fill it in. */
export interface RunbookBlank {
  readonly name: string;
  readonly lookup: string | null;
  /** What the tool asks after the lookup. */
  readonly answers?: readonly string[];
}

export type RunbookLine =
  /** Something to know, to compare, or to do in words. */
  | {
      readonly kind: 'words';
      readonly text: string;
      /** Done at no device but where the files are: a sitting of its own. */
      readonly isOnHost?: true;
    }
  | {
      readonly kind: 'command';
      readonly tool: string;
      readonly text: string;
      readonly blanks: readonly RunbookBlank[];
      /** What the tool asks after it, answered line by line. */
      readonly answers: readonly string[];
      /** What must be seen; null: that it succeeds. */
      readonly expect: string | null;
    };

export interface RunbookCall {
  readonly action: string;
  /** Role in the playbook. */
  readonly device: string;
  /** Known values; RunbookKey and RunbookFile for keys and artifacts; NotYet for what is not known. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Unique in the runbook, `[A-Za-z0-9_-]`: for names of files, and of objects where the playbook leaves the id free. */
  readonly stem: string;
  /** The same for people. */
  readonly title: string;
  /** The steps that read this one's outputs: adapters of their devices, and names of the arguments that they are given. */
  readonly readBy: readonly { readonly adapter: string; readonly given: readonly string[] }[];
}

export interface RunbookStep {
  readonly lines: readonly RunbookLine[];
  /** By output name: RunbookKey, RunbookFile or a plain value; what is missing is not known. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

export interface RunbookTool {
  /** As `keyferry console` has it, where two sittings with one tool are not one. Absent: the key in the table. */
  readonly name?: string;
  readonly opening: readonly RunbookLine[];
  readonly closing: readonly RunbookLine[];
}

export interface RunbookWriter {
  /** By name, as lines have it. Tools that are spoken of in words only are not listed. */
  readonly tools: Readonly<Record<string, RunbookTool>>;
  write(call: RunbookCall): RunbookStep;
  /** How a person sees a key's check value. `stem` as in a call. */
  check(key: RunbookKey, stem: string): readonly RunbookLine[];
}

export const words = (text: string): Extract<RunbookLine, { kind: 'words' }> => ({ kind: 'words', text });
