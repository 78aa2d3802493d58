/** put-wrap-key: an AES wrap key that the custodians hold. Its bytes come as a secret input, in hex, and cannot be read back. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { Secret } from '../../../keys/secret.ts';
import { required, withDefault } from '../../../schema/shape.ts';
import type { Arguments } from '../../actions/action.ts';
import { readBooleanIfGiven, shape } from '../../actions/arguments.ts';
import { isNotYet } from '../../adapter.ts';
import { putWrapKey as putCommand } from '../commands/put-wrap-key.ts';
import { headerOf } from '../objects/asked.ts';
import { refOf } from '../objects/locate.ts';
import { WRAP_ALGORITHM } from '../objects/object-kinds.ts';
import { capabilityMask } from '../wire/capabilities.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import { makingAction, toMake } from './making.ts';
import { choose, delegationOf, labelOf, NEW_WRAP_KEY } from './new-object.ts';

/** The caller wipes it. Never quotes what was given. */
function keyBytes(args: Arguments): Uint8Array | null {
  const value = args.secret;
  if (value === undefined || isNotYet(value)) return null;
  if (!(value instanceof Secret))
    throw new KeyferryError('argument-invalid', 'The argument "secret" must be a secret.');
  const text = value.reveal().trim();
  if (!/^([0-9a-f]{32}|[0-9a-f]{48}|[0-9a-f]{64})$/i.test(text)) {
    throw new KeyferryError('argument-invalid', 'The wrap key must be 32, 48 or 64 hex digits: 16, 24 or 32 bytes.', {
      hint: 'Give it anew, as its hex digits and nothing else; `openssl rand -hex 32` makes a new one.',
    });
  }
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function bitsOf(args: Arguments): number {
  const bytes = keyBytes(args);
  const bits = (bytes?.length ?? 32) * 8;
  bytes?.fill(0);
  return bits;
}

export const putWrapKey = makingAction({
  spec: {
    name: 'put-wrap-key',
    summary: 'Create an AES wrap key from a secret',
    effect: 'create',
    input: shape({
      secret: required({ kind: 'opaque', type: 'secret', description: 'The key: 32, 48 or 64 hex digits' }),
      ...NEW_WRAP_KEY,
      extractable: withDefault({ kind: 'boolean', description: 'Whether it may leave under another wrap key' }, false),
    }),
    outputs: { key: { type: 'key', lifetime: 'permanent', description: 'The wrap key' } },
    undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
  },
  needs: () => ['put-wrap-key'],
  async asked(hsm, args) {
    const extractable = readBooleanIfGiven(args, 'extractable') === true;
    return {
      type: OBJECT_TYPE['wrap-key'],
      algorithm: choose(WRAP_ALGORITHM, bitsOf(args), 'wrap key in bits'),
      label: labelOf(args),
      capabilities: capabilityMask([
        'export-wrapped',
        'import-wrapped',
        ...(extractable ? (['exportable-under-wrap'] as const) : []),
      ]),
      ...(await delegationOf(hsm, args)),
    };
  },
  async make(hsm, args, asked, id) {
    const key = keyBytes(args);
    if (key === null) throw hsm.fail('argument-invalid', 'the argument "secret" must be a secret.');
    try {
      const request = { ...headerOf(asked, id), delegatedCapabilities: asked.delegated ?? 0n, key };
      return await hsm.call(putCommand, request, toMake('put', asked, id));
    } finally {
      key.fill(0);
    }
  },
  outputs: (hsm, _args, found) => ({ key: refOf(hsm, found) }),
});
