import { expect, test } from 'vitest';
import { compileKeyCondition } from '../../../src/playbook/key-condition.ts';

const fields = { label: 'payments-1', bits: 256, type: 'aes', extractable: true };

test('a condition on keys holds or not', () => {
  expect(compileKeyCondition('key.bits == 256 && key.extractable')({ ref: {}, fields })).toBe(true);
  expect(compileKeyCondition('key.label.endsWith("2")')({ ref: {}, fields })).toBe(false);
});

test('a wrong one is an error of use, with the nearest name', () => {
  expect(() => compileKeyCondition('key.lable == "x"')).toThrow(
    expect.objectContaining({
      code: 'usage',
      message: 'The expression of --where has a problem: key has no field lable (did you mean label?).',
    }),
  );
  expect(() => compileKeyCondition('inputs.x == 1')).toThrow(expect.objectContaining({ code: 'usage' }));
  expect(() => compileKeyCondition('')).toThrow(expect.objectContaining({ code: 'usage' }));
});
