/** The parser throws KeyferryError `playbook-invalid` with diagnostics that lie in the file, and never anything else. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMap, isScalar, parseDocument } from 'yaml';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { Json } from '../../src/playbook/model.ts';
import { parsePlaybook, parsePlaybookDocument } from '../../src/playbook/parse-playbook.ts';
import { scalarOffsets } from '../../src/source/scalar-offsets.ts';
import { TEST_ADAPTERS } from '../support/playbook-adapters.ts';
import { where } from '../support/playbook-problems.ts';

const MAIN = readFileSync(new URL('../../playbooks/classic-to-cloudhsm.yaml', import.meta.url), 'utf8');

function expectOnlyDiagnostics(text: string): void {
  try {
    parsePlaybook({ file: 'p.yaml', text, adapters: TEST_ADAPTERS });
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error;
    expect(error.code).toBe('playbook-invalid');
    expect(error.diagnostics.length).toBeGreaterThan(0);
    const lines = text.replace(/^\ufeff/, '').split('\n');
    for (const { file, line, column, message } of error.diagnostics) {
      expect(file).toBe('p.yaml');
      expect(message).not.toBe('');
      expect(line).toBeGreaterThanOrEqual(1);
      expect(line).toBeLessThanOrEqual(lines.length + 1);
      expect(column).toBeGreaterThanOrEqual(1);
      expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 2);
    }
  }
}

/** Pieces that YAML or CEL reads specially: mutations of text alone hardly ever hit on them. */
const PIECES = [
  '${{',
  '}}',
  '${{ key }}',
  '${{ steps.pair.public_key }}',
  '"',
  "'",
  '"""',
  '{',
  '}',
  '[',
  ']',
  ': ',
  '? ',
  '- ',
  ' #',
  '&a ',
  '*a',
  '!t ',
  '!!int ',
  '|',
  '>',
  '---\n',
  '%YAML 1.1\n',
  '<<: ',
  '\t',
  '\r\n',
  '\n',
  '\ufeff',
  '\u0000',
  '\ud800',
  '😀',
  '\\',
  '\\x',
  '__proto__: ',
  'constructor',
  'inputs.',
  'steps.',
  'key',
  'item.',
  'has(',
  '.matches("(a+)+")',
  '.map(x, ',
  '[0]',
  '-',
  '1e999',
  '0x',
  'each:\n',
  'canary: ',
  'when: ',
  'rollback: ',
  'null',
  'true',
  '.inf',
  '99999999999999999999',
];

const mutated = fc
  .array(
    fc.record({
      at: fc.nat(),
      cut: fc.nat({ max: 30 }),
      put: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 5 })),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((edits) =>
    edits.reduce((text, { at, cut, put }) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + put + text.slice(start + cut);
    }, MAIN),
  );

describe('whatever the text', () => {
  test('random text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), expectOnlyDiagnostics), { numRuns: 300 });
  });
  test('random pieces of YAML and CEL', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map((pieces) => pieces.join('')),
        expectOnlyDiagnostics,
      ),
      { numRuns: 500 },
    );
  });
  test('the main playbook, mutated', () => {
    fc.assert(fc.property(mutated, expectOnlyDiagnostics), { numRuns: 400 });
  }, 120_000);
  test('random conditions', () => {
    const words = fc.constantFrom(
      'key',
      'key.label',
      'inputs.bits',
      'inputs',
      'steps',
      'x',
      '(',
      ')',
      '[',
      ']',
      '.',
      ',',
      '-',
      '!',
      '&&',
      '||',
      '==',
      '<',
      '?',
      ':',
      '"a"',
      "'b'",
      '1',
      '1.5',
      'b"x"',
      'r"\\"',
      'in',
      'has',
      '.map',
      '.matches',
      '{',
      '}',
      '//',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 12 }), (parts) => {
        expectOnlyDiagnostics(where(JSON.stringify(parts.join(' '))));
        expectOnlyDiagnostics(where(parts.join('')));
      }),
      { numRuns: 400 },
    );
  }, 120_000);
});

test('whatever the pinned document', () => {
  const document: Json = parsePlaybook({ file: 'p.yaml', text: MAIN, adapters: TEST_ADAPTERS }).document;
  const inside = fc.record({ path: fc.array(fc.nat(), { maxLength: 6 }), value: fc.jsonValue({ maxDepth: 2 }) });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        inside.map(({ path, value }) => replaceAt(document, path, value as Json)),
      ),
      (json) => {
        try {
          parsePlaybookDocument(json as Json, TEST_ADAPTERS);
        } catch (error) {
          expect(error).toBeInstanceOf(KeyferryError);
          expect(error).toMatchObject({ code: 'playbook-invalid' });
        }
      },
    ),
    { numRuns: 300 },
  );
}, 120_000);

test('every character of a scalar is found in the file, whatever its style', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', ' ', '\n', "'", '"', '\\', '\t', ':', '#', 'é', '😀'),
    maxLength: 30,
  });
  const style = fc.constantFrom('PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED');
  fc.assert(
    fc.property(text, style, (value, type) => {
      const document = parseDocument('a: x\n');
      const node = isMap(document.contents) ? document.contents.items[0]?.value : undefined;
      if (!isScalar(node)) throw new Error('no scalar');
      node.value = value;
      node.type = type as 'PLAIN';
      const source = document.toString({ lineWidth: 20 });
      const read = parseDocument(source);
      const again = isMap(read.contents) ? read.contents.items[0]?.value : undefined;
      if (!isScalar(again) || typeof again.value !== 'string' || !again.range) return;
      const styles = {
        PLAIN: 'plain',
        QUOTE_SINGLE: 'single',
        QUOTE_DOUBLE: 'double',
        BLOCK_LITERAL: 'literal',
        BLOCK_FOLDED: 'folded',
      } as const;
      const [start, end] = again.range;
      const offsets = scalarOffsets(source.slice(start, end), again.value, styles[again.type as keyof typeof styles]);
      expect(offsets).toHaveLength(again.value.length + 1);
      for (const [index, character] of [...again.value].entries()) {
        // Letters stand for themselves in every style; the rest may be escaped or folded.
        if (/[ab]/.test(character)) {
          const unit = [...again.value].slice(0, index).join('').length;
          expect(source[start + (offsets[unit] ?? -1)]).toBe(character);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

function replaceAt(json: Json, [first, ...rest]: readonly number[], value: Json): Json {
  if (first === undefined || json === null || typeof json !== 'object') return value;
  if (Array.isArray(json)) {
    const index = json.length === 0 ? 0 : first % json.length;
    return json.map((item: Json, at) => (at === index ? replaceAt(item, rest, value) : item));
  }
  const entries = Object.entries(json);
  const index = entries.length === 0 ? 0 : first % entries.length;
  return Object.fromEntries(
    entries.map(([key, item], at) => [key, at === index ? replaceAt(item, rest, value) : item]),
  );
}
