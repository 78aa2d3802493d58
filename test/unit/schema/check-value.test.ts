import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/keys/secret.ts';
import { misfit } from '../../../src/schema/check-value.ts';
import { describeShape } from '../../../src/schema/describe.ts';
import { DURATION_PATTERN, parseDuration } from '../../../src/schema/duration.ts';
import { ANYTHING, optional, path, required, type Shape, valueTypeOf } from '../../../src/schema/shape.ts';

const SHAPES = {
  text: { kind: 'string' },
  hex: { kind: 'string', pattern: '^[0-9a-f]+$', description: 'hex digits' },
  count: { kind: 'integer', minimum: 1, maximum: 9 },
  share: { kind: 'number' },
  flag: { kind: 'boolean' },
  wait: { kind: 'duration' },
  choice: { kind: 'enum', values: ['a', 'b'] },
  bits: { kind: 'enum', values: [128, 256] },
  names: { kind: 'list', of: { kind: 'string' } },
  tags: { kind: 'map', of: { kind: 'integer' }, keyPattern: '^[a-z]+$' },
  key: { kind: 'opaque', type: 'key' },
  either: { kind: 'union', of: [{ kind: 'integer' }, { kind: 'string' }] },
  whole: { kind: 'object', fields: { must: required({ kind: 'string' }), may: optional({ kind: 'integer' }) } },
} as const satisfies Record<string, Shape>;

describe('fits', () => {
  const cases: readonly [keyof typeof SHAPES, unknown][] = [
    ['text', ''],
    ['hex', '0a'],
    ['count', 9],
    ['share', 0.5],
    ['flag', false],
    ['wait', '5m'],
    ['choice', 'b'],
    ['bits', 256],
    ['names', []],
    ['names', ['x', 'y']],
    ['tags', { a: 1 }],
    ['key', { kind: 'key' }],
    ['key', new Secret('x')],
    ['either', 1],
    ['either', 'x'],
    ['whole', { must: 'x' }],
    ['whole', { must: 'x', may: 1 }],
  ];
  test.each(cases)('%s: %j', (name, value) => {
    expect(misfit(value, SHAPES[name])).toBeUndefined();
  });
  test('anything takes anything', () => {
    for (const value of [null, 1, 'x', [], {}]) expect(misfit(value, ANYTHING)).toBeUndefined();
  });
});

describe('does not fit', () => {
  const cases: readonly [keyof typeof SHAPES, unknown, string][] = [
    ['text', 1, 'must be text'],
    ['hex', 'xyz', 'must match ^[0-9a-f]+$ (hex digits)'],
    ['count', 0, 'must be a whole number from 1 to 9'],
    ['count', 1.5, 'must be a whole number from 1 to 9'],
    ['share', Number.NaN, 'must be a number'],
    ['flag', 'true', 'must be true or false'],
    ['wait', '5', 'must be a duration such as 500ms, 30s, 5m or 2h'],
    ['choice', 'c', 'must be one of a, b'],
    ['bits', '256', 'must be one of 128, 256'],
    ['names', 'x', 'must be a list'],
    ['names', ['x', 1], '1 must be text'],
    ['tags', { A: 1 }, 'A must match ^[a-z]+$'],
    ['tags', { a: 'x' }, 'a must be a whole number'],
    ['tags', new Map(), 'must be a map'],
    ['key', 'x', 'must be a key'],
    ['key', null, 'must be a key'],
    ['either', true, 'must be a whole number or text'],
    ['whole', {}, 'lacks must'],
    ['whole', { must: 'x', more: 1 }, 'has no field more'],
    ['whole', { must: 1 }, 'must must be text'],
    ['whole', [], 'must be a map'],
  ];
  test.each(cases)('%s: %j', (name, value, message) => {
    expect(misfit(value, SHAPES[name])).toBe(message);
  });
});

test('durations', () => {
  expect(['500ms', '30s', '5m', '2h'].map(parseDuration)).toEqual([500, 30_000, 300_000, 7_200_000]);
  for (const wrong of ['', '0s', '5', 's', '1.5s', '-1s', '5 s', '5d', '999h', '99999999999s'])
    expect(parseDuration(wrong), wrong).toBeUndefined();
  expect(new RegExp(DURATION_PATTERN).test('30s')).toBe(true);
});

test('shapes in words and as types of expressions', () => {
  expect(describeShape(path('a file'))).toBe('a path');
  expect(describeShape({ kind: 'integer', minimum: 1 })).toBe('a whole number, at least 1');
  expect(describeShape({ kind: 'integer', maximum: 9 })).toBe('a whole number, at most 9');
  expect(describeShape(ANYTHING)).toBe('any value');
  expect(Object.values(SHAPES).map((shape) => valueTypeOf(shape))).toEqual([
    'string',
    'string',
    'int',
    'double',
    'bool',
    'string',
    'string',
    'int',
    'list',
    'map',
    'key',
    'any',
    'map',
  ]);
});
