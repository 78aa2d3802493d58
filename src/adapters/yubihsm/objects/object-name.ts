/** Type and id as one word, `symmetric-key-0x0100`: no two objects of a device share it, so it names the file of an exported one. */
import type { ObjectRef } from '../commands/created-object.ts';
import { isObjectTypeName, OBJECT_TYPE, objectTypeName } from '../wire/object-types.ts';
import { idText, objectIdOf } from './object-id.ts';

export const objectName = ({ type, id }: ObjectRef): string => `${objectTypeName(type)}-${idText(id)}`;

/** Also with an ending, as a file has it. undefined: the text does not begin with such a name. */
export function readObjectName(text: string): ObjectRef | undefined {
  const [, typeName = '', hex = ''] = /^([a-z-]+)-0x([0-9a-f]{4})(?:\.|$)/.exec(text) ?? [];
  const id = objectIdOf(hex);
  return id === undefined || !isObjectTypeName(typeName) ? undefined : { type: OBJECT_TYPE[typeName], id };
}
