/**
 * A YAML document as keyferry reads it: scalars, lists and maps with text keys, each with its place. Nothing of the YAML library
 * leaves src/source, so a playbook pinned in a journal (plain JSON) becomes the same tree.
 */

/** Lines and columns count from 1; columns count UTF-16 units, as editors do. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly place: SourcePlace;
  readonly value: string | number | boolean | null;
  /** Written without quotes and not as a block. */
  readonly isPlain: boolean;
  /** A comment follows on the same line: an unquoted ` #` cuts an expression off without any error of the YAML parser. */
  readonly hasCommentBehind: boolean;
  /** Place of a character of the decoded value, whatever the quoting or folding. */
  at(offset: number): SourcePlace;
}

export interface ListNode {
  readonly kind: 'list';
  readonly place: SourcePlace;
  readonly items: readonly SourceNode[];
}

export interface MapEntry {
  readonly key: string;
  readonly keyPlace: SourcePlace;
  readonly value: SourceNode;
}

export interface MapNode {
  readonly kind: 'map';
  readonly place: SourcePlace;
  readonly entries: readonly MapEntry[];
}

/** Stands where a problem has been reported already; checkers pass over it. */
export interface BrokenNode {
  readonly kind: 'broken';
  readonly place: SourcePlace;
}

export type SourceNode = ScalarNode | ListNode | MapNode | BrokenNode;

export function entryOf(node: SourceNode | undefined, key: string): MapEntry | undefined {
  return node?.kind === 'map' ? node.entries.find((entry) => entry.key === key) : undefined;
}

export function fieldOf(node: SourceNode | undefined, key: string): SourceNode | undefined {
  return entryOf(node, key)?.value;
}

/** The text of a string scalar, else undefined. */
export function textOf(node: SourceNode | undefined): string | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}

export function itemsOf(node: SourceNode | undefined): readonly SourceNode[] {
  return node?.kind === 'list' ? node.items : [];
}

export function entriesOf(node: SourceNode | undefined): readonly MapEntry[] {
  return node?.kind === 'map' ? node.entries : [];
}

export function toJson(node: SourceNode): JsonValue {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(toJson);
    case 'map':
      return Object.fromEntries(node.entries.map((entry) => [entry.key, toJson(entry.value)]));
    case 'broken':
      return null;
  }
}

/** The other way: every place is the file's first line, since a pinned document has no text. */
export function fromJson(value: JsonValue, file: string): SourceNode {
  const place: SourcePlace = { file, line: 1, column: 1 };
  if (value === null || typeof value !== 'object') {
    return { kind: 'scalar', place, value, isPlain: false, hasCommentBehind: false, at: () => place };
  }
  if (Array.isArray(value)) return { kind: 'list', place, items: value.map((item: JsonValue) => fromJson(item, file)) };
  const entries = Object.entries(value).map(([key, item]) => ({ key, keyPlace: place, value: fromJson(item, file) }));
  return { kind: 'map', place, entries };
}
