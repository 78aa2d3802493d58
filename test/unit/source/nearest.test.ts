import { expect, test } from 'vitest';
import { nearest, suggestion } from '../../../src/source/nearest.ts';

test('finds a name with a letter missing, doubled, wrong or swapped', () => {
  const known = ['wrap-key', 'unwrap-key', 'delete-key'];
  expect(nearest('wrap-ky', known)).toBe('wrap-key');
  expect(nearest('wrapp-key', known)).toBe('wrap-key');
  expect(nearest('wrap_key', known)).toBe('wrap-key');
  expect(nearest('wrpa-key', known)).toBe('wrap-key');
  expect(nearest('UNWRAP-KEY', known)).toBe('unwrap-key');
});

test('finds nothing where nothing is near', () => {
  expect(nearest('import-public-key', ['wrap-key', 'delete-key'])).toBeUndefined();
  expect(nearest('x', ['key'])).toBeUndefined();
  expect(nearest('anything', [])).toBeUndefined();
});

test('lists what there is when it is little and nothing is near', () => {
  expect(suggestion('zzz', ['one', 'two'])).toBe('known: one, two');
  expect(suggestion('zzz', [])).toBeUndefined();
  expect(
    suggestion(
      'zzz',
      Array.from({ length: 13 }, (_, index) => `name${index}`),
    ),
  ).toBeUndefined();
});
