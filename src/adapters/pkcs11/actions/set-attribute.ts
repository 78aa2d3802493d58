/** set-attribute: changes one attribute of a key and reads it back. Devices that cannot change attributes say so in the plan. */
import { type AttributeName, attributeFromKebab, kebabName } from '../../../keys/attributes.ts';
import type { KeyRef } from '../../../keys/key-record.ts';
import { labelHex } from '../../../keys/locator.ts';
import { required } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import { key, readKey, readText, shape } from '../../actions/arguments.ts';
import type { ActionResult, Violation } from '../../adapter.ts';
import { boolAttribute, bytesOf, CKA_OF } from '../attribute-codec.ts';
import { CKA } from '../constants.ts';
import type { Attribute, Handle } from '../cryptoki.ts';
import { findByName, inWords, locate } from '../locate.ts';
import type { ObjectName } from '../object-index.ts';
import { settled } from '../settle.ts';
import type { Token } from '../token.ts';
import type { Pkcs11Action } from './action.ts';

/** Attributes that PKCS#11 lets change at all; which way and by whom is the device's to say. */
const CHANGEABLE: readonly AttributeName[] = [
  'sensitive',
  'extractable',
  'encrypt',
  'decrypt',
  'sign',
  'verify',
  'wrap',
  'unwrap',
  'derive',
  'trusted',
  'wrapWithTrusted',
  'modifiable',
  'destroyable',
];

interface Change {
  readonly ref: KeyRef;
  readonly attribute: Attribute;
  readonly name: string;
  /** What the object is called afterwards. */
  readonly renamed: ObjectName;
}

function readChange(args: Arguments): Change {
  const ref = readKey(args, 'key');
  const name = readText(args, 'name');
  const { class: keyClass, type, id, label } = ref.locator;
  const named: ObjectName = { class: keyClass, type, id, label };
  if (name === 'label') {
    const hex = labelHex(readText(args, 'value'));
    return { ref, name, attribute: { type: CKA.LABEL, value: bytesOf(hex) }, renamed: { ...named, label: hex } };
  }
  if (name === 'id') {
    const hex = readText(args, 'value').toLowerCase();
    return { ref, name, attribute: { type: CKA.ID, value: bytesOf(hex) }, renamed: { ...named, id: hex } };
  }
  const attribute = attributeFromKebab(name);
  const type_ = attribute === undefined ? Number.NaN : CKA_OF[attribute];
  return { ref, name, attribute: boolAttribute(type_, args.value === true), renamed: named };
}

function violations(token: Token, handle: Handle, change: Change): Violation[] {
  const [reading] = token.module.C_GetAttributeValue(token.lookups, handle, [change.attribute.type]);
  const got = reading?.value ?? null;
  if (got !== null && Buffer.compare(got, change.attribute.value) === 0) return [];
  return [
    {
      code: 'attribute-mismatch',
      message: `${token.name}: ${change.name} is not what was asked for after it was set.`,
    },
  ];
}

const result = (token: Token, handle: Handle, change: Change): ActionResult =>
  done({ key: token.ref(change.renamed, change.ref.locator.fingerprint) }, violations(token, handle, change));

const unable = (token: Token): string => `${token.name} cannot change attributes of a key that exists`;

export const setAttribute: Pkcs11Action = {
  spec: {
    name: 'set-attribute',
    summary: 'Change an attribute of a key',
    effect: 'change',
    input: shape({
      key: key('The key to change'),
      name: required({ kind: 'enum', values: [...CHANGEABLE.map(kebabName), 'label', 'id'], description: 'Attribute' }),
      value: required({
        kind: 'union',
        of: [{ kind: 'boolean' }, { kind: 'string' }],
        description: 'true or false; text for label, hex for id',
      }),
    }),
    outputs: {
      key: {
        type: 'key',
        lifetime: 'permanent',
        description: 'The key, under its new label or id if that was changed',
      },
    },
  },
  async preview(token, calls) {
    return calls.map(() => (token.profile.canSetAttributes ? [] : [{ level: 'block', reason: unable(token) }]));
  },
  async perform(token, { args }) {
    const change = readChange(args);
    if (!token.profile.canSetAttributes) throw token.fail('capability-missing', `${unable(token)}.`);
    const what = inWords(change.ref.locator);
    const handle = await token.guard('reading', `find the ${what}`, () => locate(token, change.ref, 'change'));
    await token.guard('changing', `set ${change.name} of the ${what}`, () =>
      token.module.C_SetAttributeValue(token.lookups, handle, [change.attribute]),
    );
    token.forget(handle);
    token.index.remove(change.ref.locator, handle);
    token.index.add(change.renamed, handle);
    return await token.guard('checking', `read the ${what} back`, () => result(token, handle, change));
  },
  async reconcile(token, { args }) {
    const change = readChange(args);
    return await token.guard('reading', `look at the ${inWords(change.ref.locator)}`, async () => {
      const candidates = () =>
        new Set([...findByName(token, change.renamed), ...findByName(token, change.ref.locator)]);
      if (candidates().size > 1) {
        return { state: 'ambiguous', reason: `several objects are a ${inWords(change.ref.locator)}` };
      }
      const changed = await settled(token, () =>
        [...candidates()].find((handle) => violations(token, handle, change).length === 0),
      );
      if (changed !== undefined) return { state: 'done', ...result(token, changed, change) };
      if (candidates().size === 0) return { state: 'ambiguous', reason: `the ${inWords(change.ref.locator)} is gone` };
      return { state: 'absent' };
    });
  },
};
