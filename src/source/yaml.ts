/**
 * YAML 1.2 text → tree with places, by the `yaml` package. Warnings are errors. Tags, anchors, aliases, merge keys, directives,
 * duplicate or non-text keys and several documents are refused: a reviewer must be able to read a playbook from top to bottom.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import type { MapEntry, ScalarNode, SourceNode, SourcePlace } from './node.ts';
import type { Problems } from './problems.ts';
import { type ScalarStyle, scalarOffsets } from './scalar-offsets.ts';
import { stripByteOrderMark } from './text.ts';
import { reword, rewordTag } from './yaml-traps.ts';

export interface YamlOptions {
  readonly file: string;
  /** Keys whose value is an expression: a tag there is a `!` that was meant. */
  readonly expressionKeys?: readonly string[];
}

const MAX_DEPTH = 40;

const STYLES: Readonly<Record<string, ScalarStyle>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

/** undefined when the text is not YAML enough to be checked any further; the problems say why. */
export function parseYaml(text: string, options: YamlOptions, problems: Problems): SourceNode | undefined {
  return new YamlReader(stripByteOrderMark(text), options, problems).read();
}

class YamlReader {
  readonly #text: string;
  readonly #options: YamlOptions;
  readonly #problems: Problems;
  /** Offsets at which lines start. The parser's own LineCounter loses lines after some syntax errors. */
  readonly #lineStarts: readonly number[];

  constructor(text: string, options: YamlOptions, problems: Problems) {
    this.#text = text;
    this.#lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
    this.#options = options;
    this.#problems = problems;
  }

  read(): SourceNode | undefined {
    const document = this.#parse();
    if (document === undefined) return undefined;
    const isReadable = this.#reportComplaints(document);
    if (document.directives?.yaml.explicit === true) {
      this.#problems.add(this.#place(0), 'YAML directives are not used here', 'drop the %YAML line');
    }
    if (!isReadable) return undefined;
    if (document.contents === null) {
      this.#problems.add(this.#place(0), 'the file is empty');
      return undefined;
    }
    return this.#node(document.contents, { depth: 0, key: undefined, fallback: this.#place(0) });
  }

  #parse(): Document.Parsed | undefined {
    try {
      return parseDocument(this.#text, { prettyErrors: false, logLevel: 'error' });
    } catch (error) {
      const reason = error instanceof RangeError ? 'it is nested too deeply' : 'the parser gave up';
      this.#problems.add(
        { file: this.#options.file, line: 1, column: 1 },
        `the file is not readable as YAML: ${reason}`,
      );
      return undefined;
    }
  }

  /** One per line, and no mere consequences: the parser stumbles over the same slip again and again. False when the tree is not worth checking. */
  #reportComplaints(document: Document.Parsed): boolean {
    let isReadable = true;
    const lines = new Set<number>();
    for (const { code, message, pos } of document.errors) {
      const complaint = reword(this.#text, { code, message, offset: pos[0] });
      const place = this.#place(complaint.offset);
      if (code !== 'DUPLICATE_KEY') isReadable = false;
      if (lines.has(place.line) || (complaint.isCascade === true && lines.size > 0)) continue;
      lines.add(place.line);
      this.#problems.add(place, complaint.message, complaint.hint);
    }
    for (const { code, message, pos } of document.warnings) {
      // Unknown tags are reported with the node that bears them.
      if (code !== 'TAG_RESOLVE_FAILED') this.#problems.add(this.#place(pos[0]), `YAML: ${message}`);
    }
    return isReadable;
  }

  #node(node: Node | null, context: { depth: number; key: string | undefined; fallback: SourcePlace }): SourceNode {
    const place = node?.range ? this.#place(node.range[0]) : context.fallback;
    if (node === null) return constantScalar(null, place);
    if (context.depth > MAX_DEPTH) return this.#broken(place, 'the file is nested too deeply');
    if (isAlias(node)) return this.#broken(place, 'YAML aliases are not used here', 'write the value out');
    if (node.tag !== undefined) {
      const isExpression = context.key !== undefined && (this.#options.expressionKeys ?? []).includes(context.key);
      const { message, hint } = rewordTag(node.tag, isExpression);
      return this.#broken(this.#beforeNode(node, '!') ?? place, message, hint);
    }
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) {
      return this.#broken(
        this.#beforeNode(node, '&') ?? place,
        'YAML anchors are not used here',
        'write the value out where it is needed',
      );
    }
    const child = { depth: context.depth + 1, fallback: place };
    if (isScalar(node)) return this.#scalar(node, place);
    if (isSeq(node)) {
      return {
        kind: 'list',
        place,
        items: node.items.map((item) => this.#node(item as Node | null, { ...child, key: context.key })),
      };
    }
    if (isMap(node))
      return { kind: 'map', place, entries: this.#entries(node.items as Pair<Node, Node | null>[], child) };
    return this.#broken(place, 'this is not a value keyferry reads');
  }

  #entries(pairs: readonly Pair<Node, Node | null>[], context: { depth: number; fallback: SourcePlace }): MapEntry[] {
    const entries = new Map<string, MapEntry>();
    for (const pair of pairs) {
      const keyPlace = pair.key?.range ? this.#place(pair.key.range[0]) : context.fallback;
      if (
        !isScalar(pair.key) ||
        typeof pair.key.value !== 'string' ||
        pair.key.tag !== undefined ||
        pair.key.anchor !== undefined
      ) {
        this.#problems.add(keyPlace, 'a key must be text', 'put it in quotes');
        continue;
      }
      const key = pair.key.value;
      if (key === '<<') {
        this.#problems.add(keyPlace, 'YAML merge keys are not used here', 'write the values out');
        continue;
      }
      if (key === '__proto__') {
        this.#problems.add(keyPlace, '__proto__ is not a name');
        continue;
      }
      const value = this.#node(pair.value ?? null, { depth: context.depth, key, fallback: keyPlace });
      if (!entries.has(key)) entries.set(key, { key, keyPlace, value });
    }
    return [...entries.values()];
  }

  #scalar(node: Scalar, place: SourcePlace): SourceNode {
    const value = node.value;
    if (
      typeof value === 'number' &&
      (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    ) {
      return this.#broken(place, 'this number cannot be held exactly', 'put it in quotes if it is text');
    }
    if (value !== null && typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      return this.#broken(place, 'this is not a value keyferry reads', 'put it in quotes');
    }
    const [start, end] = node.range ?? [0, 0];
    const style = STYLES[node.type ?? 'PLAIN'] ?? 'plain';
    const decoded = typeof value === 'string' ? value : this.#text.slice(start, end);
    let offsets: number[] | undefined;
    const scalar: ScalarNode = {
      kind: 'scalar',
      place,
      value,
      isPlain: style === 'plain',
      hasCommentBehind: /^[ \t]+#/.test(this.#text.slice(end, end + 80)),
      at: (offset) => {
        offsets ??= scalarOffsets(this.#text.slice(start, end), decoded, style);
        return this.#place(start + (offsets[Math.min(Math.max(offset, 0), offsets.length - 1)] ?? 0));
      },
    };
    return scalar;
  }

  /** A tag or anchor stands before its node and is outside its range. */
  #beforeNode(node: Node, sign: '!' | '&'): SourcePlace | undefined {
    const start = node.range?.[0];
    if (start === undefined) return undefined;
    const lineStart = this.#text.lastIndexOf('\n', Math.max(0, start - 1)) + 1;
    const before = this.#text.slice(lineStart, start + 1);
    const inLine = sign === '&' ? before.lastIndexOf(sign) : before.search(/!!?[^!\s]*\s*\S?$/);
    return inLine === -1 ? undefined : this.#place(lineStart + inLine);
  }

  #broken(place: SourcePlace, message: string, hint?: string): SourceNode {
    this.#problems.add(place, message, hint);
    return { kind: 'broken', place };
  }

  #place(offset: number): SourcePlace {
    let [low, high] = [0, this.#lineStarts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.#options.file, line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }
}

const constantScalar = (value: null, place: SourcePlace): ScalarNode => ({
  kind: 'scalar',
  place,
  value,
  isPlain: true,
  hasCommentBehind: false,
  at: () => place,
});
