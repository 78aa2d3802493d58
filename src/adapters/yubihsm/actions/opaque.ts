/**
 * put-opaque and get-opaque: bytes that the device keeps and does not look into. Whoever has get-opaque reads them in clear: it is no place for
 * a key that the device could hold as a key.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { ClearKey } from '../../../keys/clear-key.ts';
import { isPublicKey } from '../../../keys/public-key.ts';
import { isWrappedKey } from '../../../keys/wrapped-key.ts';
import { withDefault } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import {
  artifact,
  key,
  readBooleanIfGiven,
  readKey,
  readKeyIfKnown,
  readText,
  shape,
} from '../../actions/arguments.ts';
import { isNotYet } from '../../adapter.ts';
import { getOpaque as getCommand } from '../commands/get-opaque.ts';
import { putOpaque as putCommand } from '../commands/put-opaque.ts';
import { headerOf } from '../objects/asked.ts';
import { objectInWords } from '../objects/key-model.ts';
import { locate, refOf } from '../objects/locate.ts';
import { sessionLacks } from '../objects/permissions.ts';
import { ALGORITHM } from '../wire/algorithms.ts';
import { capabilityMask, hasCapability } from '../wire/capabilities.ts';
import type { ObjectInfo } from '../wire/object-info.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { blocks, type YubiHsmAction } from './action.ts';
import { capabilities, readCapabilitiesIfGiven } from './arguments.ts';
import { makingAction, toMake } from './making.ts';
import { choose, domainsOf, labelOf, NEW_OBJECT } from './new-object.ts';

/** What fits into one command of any firmware, with room for the header (Yubico's own limit). */
const LONGEST_BYTES = 1968;

function dataOf(args: Arguments): Uint8Array | null {
  const value = args.data;
  if (value === undefined || isNotYet(value)) return null;
  if (value instanceof ClearKey) return value.reveal();
  if (value instanceof Uint8Array) return value;
  if (isPublicKey(value)) return new TextEncoder().encode(value.pem);
  if (isWrappedKey(value)) return value.bytes;
  throw new KeyferryError(
    'argument-invalid',
    'The argument "data" must be bytes, a key in clear, a wrapped or a public key.',
  );
}

const KINDS = {
  'opaque-data': ALGORITHM['opaque-data'],
  'opaque-x509-certificate': ALGORITHM['opaque-x509-certificate'],
} as const;

export const putOpaque = makingAction({
  spec: {
    name: 'put-opaque',
    summary: 'Keep bytes on the device as an opaque object',
    effect: 'create',
    input: shape({
      data: artifact('What to keep: bytes, a key in clear, a wrapped key, a public key'),
      algorithm: withDefault(
        { kind: 'enum', values: Object.keys(KINDS), description: 'Kind of opaque' },
        'opaque-data',
      ),
      ...NEW_OBJECT,
      capabilities,
      extractable: withDefault({ kind: 'boolean', description: 'Whether it may be backed up under a wrap key' }, false),
    }),
    outputs: { object: { type: 'key', lifetime: 'permanent', description: 'The opaque object' } },
    undo: [{ action: 'delete-object', argument: 'object', output: 'object' }],
  },
  needs: () => ['put-opaque'],
  problems(hsm, args) {
    const length = dataOf(args)?.length ?? 1;
    if (length > 0 && length <= LONGEST_BYTES) return [];
    return [`an opaque object on ${hsm.name} holds 1 to ${LONGEST_BYTES} bytes, not ${length}`];
  },
  asked(hsm, args) {
    const exportable =
      readBooleanIfGiven(args, 'extractable') === true ? capabilityMask(['exportable-under-wrap']) : 0n;
    return {
      type: OBJECT_TYPE.opaque,
      algorithm: choose(KINDS, readText(args, 'algorithm'), 'opaque'),
      label: labelOf(args),
      domains: domainsOf(hsm, args),
      // Without get-opaque nobody could ever read it.
      capabilities: (readCapabilitiesIfGiven(args) ?? capabilityMask(['get-opaque'])) | exportable,
    };
  },
  async make(hsm, args, asked, id) {
    const data = dataOf(args);
    if (data === null) throw hsm.fail('argument-invalid', 'the argument "data" is not there.');
    return await hsm.call(putCommand, { ...headerOf(asked, id), data }, toMake('put', asked, id));
  },
  outputs: (hsm, _args, found) => ({ object: refOf(hsm, found) }),
});

function unreadable(hsm: YubiHsm, info: ObjectInfo): string | null {
  if (info.type !== OBJECT_TYPE.opaque) return `the ${objectInWords(info)} is no opaque object`;
  if (!hasCapability(info.capabilities, 'get-opaque')) return `the ${objectInWords(info)} lacks get-opaque`;
  return sessionLacks(hsm, 'get-opaque');
}

export const getOpaque: YubiHsmAction = {
  spec: {
    name: 'get-opaque',
    summary: 'Bring the bytes of an opaque object in clear to this computer',
    effect: 'read',
    exposes: 'plaintext',
    input: shape({ object: key('The opaque object') }),
    outputs: { material: { type: 'artifact', lifetime: 'run', description: 'Its bytes in clear' } },
  },
  async preview(hsm, calls) {
    const all = [];
    for (const args of calls) {
      const ref = readKeyIfKnown(args, 'object');
      all.push(blocks(ref === null ? sessionLacks(hsm, 'get-opaque') : unreadable(hsm, (await locate(hsm, ref)).info)));
    }
    return all;
  },
  async perform(hsm, { args }) {
    const { info } = await locate(hsm, readKey(args, 'object'));
    const problem = unreadable(hsm, info);
    if (problem !== null) throw hsm.fail('key-not-permitted', `${problem}.`);
    const bytes = await hsm.call(getCommand, { id: info.id }, `read the ${objectInWords(info)}`);
    return done({ material: new ClearKey('aes', bytes) });
  },
};
