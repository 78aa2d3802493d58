import { describe, expect, test } from 'vitest';
import { isNotYet } from '../../../src/adapters/adapter.ts';
import { isKnown, mayRun, previewArguments, templateReferences } from '../../../src/plan/preview-arguments.ts';
import type { Scope, Template } from '../../../src/playbook/model.ts';
import { withDefault } from '../../../src/schema/shape.ts';
import {
  ACTIONS,
  anAction,
  anExpression,
  anInput,
  anOutput,
  aStep,
  literal,
  theKey,
} from '../../support/plan-playbook.ts';

const scope: Scope = {
  inputs: { bits: 2048, gone: null },
  steps: { made: { data: 'x' } },
  key: { ref: 'REF', fields: {} },
};
const given = (template: Template) =>
  previewArguments(aStep('d', ACTIONS.generate, { with: { it: template } }), scope).it;
const bits = anExpression([{ kind: 'input', name: 'bits' }], (seen) => seen.inputs.bits);
const later = anExpression([{ kind: 'step', step: 'later', output: 'data' }], () => {
  throw new Error('not to be evaluated');
});

describe('previewArguments', () => {
  test.each<[string, Template, unknown]>([
    ['a literal', literal({ a: [1, null] }), { a: [1, null] }],
    ['an input', anInput('bits'), 2048],
    ['the key', theKey, 'REF'],
    ['text', { kind: 'text', parts: ['rsa-', bits] }, 'rsa-2048'],
    ['a map', { kind: 'map', entries: { a: anInput('bits'), b: literal(1) } }, { a: 2048, b: 1 }],
    ['a list', { kind: 'list', items: [anInput('bits'), theKey] }, [2048, 'REF']],
    ['an output that is known', anOutput('made', 'data'), 'x'],
  ])('%s is known', (_name, template, expected) => {
    expect(given(template)).toEqual(expected);
  });

  test.each<[string, Template, string]>([
    ['an output', anOutput('later', 'data', 'artifact'), 'artifact'],
    ['an input that is secret', anInput('pin'), 'any'],
    ['text with an output', { kind: 'text', parts: ['x', later] }, 'string'],
    [
      'a map with an output deep in it',
      { kind: 'map', entries: { a: { kind: 'list', items: [anOutput('later', 'k')] } } },
      'map',
    ],
    ['a list with an output', { kind: 'list', items: [literal(1), anOutput('later', 'k')] }, 'list'],
  ])('%s is not yet known, as a whole', (_name, template, type) => {
    const value = given(template);
    expect(isNotYet(value)).toBe(true);
    expect(value).toMatchObject({ type });
  });

  test('defaults of the action are filled in, and overridden', () => {
    const spec = anAction('x', 'read', {
      input: {
        kind: 'object',
        fields: { a: withDefault({ kind: 'integer' }, 7), b: withDefault({ kind: 'integer' }, 8) },
      },
    });
    expect(previewArguments(aStep('d', spec, { with: { b: literal(9) } }), scope)).toEqual({ a: 7, b: 9 });
  });
});

describe('what is known', () => {
  test('depends on the scope', () => {
    const empty: Scope = { inputs: {}, steps: {} };
    const full: Scope = {
      ...scope,
      item: { path: '/x', name: 'x', size: 1 },
      counts: { failed: 0, total: 0, finished: 0 },
    };
    const references = [
      { kind: 'input', name: 'gone' },
      { kind: 'step', step: 'made', output: 'data' },
      { kind: 'key' },
      { kind: 'item' },
      { kind: 'count' },
    ] as const;
    expect(references.map((reference) => isKnown(reference, full))).toEqual([true, true, true, true, true]);
    expect(references.map((reference) => isKnown(reference, empty))).toEqual([false, false, false, false, false]);
    expect(isKnown({ kind: 'input', name: 'toString' }, empty)).toBe(false);
  });

  test('references are found at any depth', () => {
    const template: Template = {
      kind: 'map',
      entries: { a: { kind: 'list', items: [theKey, { kind: 'text', parts: ['x', bits] }] }, b: literal(1) },
    };
    expect(templateReferences(template)).toEqual([{ kind: 'key' }, { kind: 'input', name: 'bits' }]);
  });

  test('a step runs unless its condition is known to be false', () => {
    expect(mayRun({ when: null }, scope)).toBe(true);
    expect(mayRun({ when: later }, scope)).toBe(true);
    expect(mayRun({ when: anExpression([], () => false) }, scope)).toBe(false);
    expect(mayRun({ when: anExpression([], () => true) }, scope)).toBe(true);
  });
});
