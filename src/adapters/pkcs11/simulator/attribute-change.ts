/** C_SetAttributeValue: which attributes change, in which direction, by whom (pkcs11-base v2.40 §4.1.1, §4.4 and the key tables). */
import { CKR } from '../constants.ts';
import type { Attribute } from '../cryptoki.ts';
import { type AttributeRow, attributeRow, CLASS_BIT, FLAG } from './attribute-table.ts';
import type { Personality } from './personality.ts';
import type { Role } from './record-codec.ts';
import { refuse } from './refusal.ts';
import { has, LooseObject, type SimulatedObject } from './simulated-object.ts';
import { checkForm } from './template.ts';

/** A changed copy; the whole template is refused when one attribute is. */
export function changedObject(
  personality: Personality,
  object: SimulatedObject,
  template: readonly Attribute[],
  login: Role | null,
): SimulatedObject {
  if (!has(object, FLAG.MODIFIABLE)) refuse(CKR.ACTION_PROHIBITED);
  const values = object.values.copy();
  let { flags } = object;
  for (const { type, value } of template) {
    const row = attributeRow(type);
    if (
      row === undefined ||
      (row.classes & (CLASS_BIT[object.class] ?? 0)) === 0 ||
      personality.unknownAttributes.includes(type)
    ) {
      return refuse(CKR.ATTRIBUTE_TYPE_INVALID);
    }
    checkDeviceChanges(personality, row);
    const wanted = checkForm(row, value);
    checkDirection(personality, row, { wanted, current: (flags & (1 << row.bit)) !== 0, login });
    if (row.bit < 0) values.set(type, new Uint8Array(value));
    else flags = wanted ? flags | (1 << row.bit) : flags & ~(1 << row.bit);
  }
  const { uid, index, keyType, keyGenMechanism, isCheckValueEmpty, material, keyObject, session } = object;
  return new LooseObject({
    ...{ uid, index, class: object.class, keyType, keyGenMechanism, isCheckValueEmpty, material, keyObject, session },
    flags,
    values,
  });
}

function checkDeviceChanges(personality: Personality, row: AttributeRow): void {
  if (personality.changeable === 'standard') return;
  if (!personality.changeable.includes(row.type)) refuse(personality.refusals.setAttribute);
}

function checkDirection(
  personality: Personality,
  row: AttributeRow,
  change: { readonly wanted: boolean; readonly current: boolean; readonly login: Role | null },
): void {
  const { wanted, current, login } = change;
  switch (row.change) {
    case 'free':
      return;
    case 'raise':
      if (current && !wanted) refuse(CKR.ATTRIBUTE_READ_ONLY);
      return;
    case 'lower':
      if (!current && wanted) refuse(CKR.ATTRIBUTE_READ_ONLY);
      return;
    case 'officer':
      if (wanted && !current && login !== 'officer') refuse(CKR.ATTRIBUTE_READ_ONLY);
      return;
    case 'never':
      // A device's own list may name what the standard does not let change (Luna and CloudHSM tools change CKA_DESTROYABLE).
      if (personality.changeable === 'standard') refuse(CKR.ATTRIBUTE_READ_ONLY);
  }
}
