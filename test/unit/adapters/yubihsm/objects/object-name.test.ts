import { expect, it } from 'vitest';
import { objectName, readObjectName } from '../../../../../src/adapters/yubihsm/objects/object-name.ts';
import { OBJECT_TYPE } from '../../../../../src/adapters/yubihsm/wire/object-types.ts';

it.each(Object.entries(OBJECT_TYPE))('reads what it writes of a %s, with an ending or without', (name, type) => {
  const object = { type, id: 0x01af };
  expect(objectName(object)).toBe(`${name}-0x01af`);
  for (const text of [`${name}-0x01af`, `${name}-0x01af.wrapped`]) expect(readObjectName(text)).toEqual(object);
});

it.each([
  '',
  'key.wrapped',
  'symmetric-key-0x01',
  'symmetric-key-0x01AF',
  'symmetric-key-0x01af0',
  'symmetric-key-0x0000.wrapped',
  'symmetric-key-0xffff.wrapped',
  'constructor-0x0001',
  'my-symmetric-key-0x0001',
  'type-10-0x0001',
])('takes %j for no name of an object', (text) => {
  expect(readObjectName(text)).toBeUndefined();
});
