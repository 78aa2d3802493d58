import { expect, test } from 'vitest';
import type { KeyRecord } from '../../../src/keys/key-record.ts';
import { compileKeyCondition } from '../../../src/playbook/key-condition.ts';
import { keyScope } from '../../../src/playbook/key-fields.ts';

const fields = { label: 'payments-1', bits: 256, type: 'aes', extractable: true };

test('a condition on keys holds or not', () => {
  expect(compileKeyCondition('key.bits == 256 && key.extractable')({ ref: {}, fields })).toBe(true);
  expect(compileKeyCondition('key.label.endsWith("2")')({ ref: {}, fields })).toBe(false);
});

test('the curve of an EC key can be asked for, and is empty for other keys', () => {
  const record: KeyRecord = {
    locator: { serial: '1', class: 'private', type: 'ec', id: '', label: '', fingerprint: null },
    ...{ handle: '1', label: '', labelIsHex: false, id: '', class: 'private', type: 'ec', bits: 256 },
    ...{ kcv: null, attributes: {}, exportable: true, reason: null },
  };
  const isOn = compileKeyCondition('key.curve == "secp256k1"');
  expect(isOn(keyScope({ ...record, curve: 'secp256k1' }, {}))).toBe(true);
  expect(isOn(keyScope({ ...record, curve: 'P-256' }, {}))).toBe(false);
  expect(compileKeyCondition('key.curve == ""')(keyScope(record, {}))).toBe(true);
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
