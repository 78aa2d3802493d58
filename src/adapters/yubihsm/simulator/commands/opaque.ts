/**
 * Opaque objects. Reading one takes get-opaque on the session alone: Yubico's own device tests read objects that have no capability at
 * all. Object 0 is the certificate of the attestation key that the device was made with.
 */
import { isOpaque } from '../../wire/algorithms.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import { OBJECT_TYPE } from '../../wire/object-types.ts';
import { refuse } from '../refusal.ts';
import type { CommandHandler } from './command.ts';
import { creation, imported } from './created-object.ts';

const ATTESTATION_CERTIFICATE_ID = 0;

const putOpaque = creation({
  ...imported,
  type: OBJECT_TYPE.opaque,
  isOfType: isOpaque,
  code: COMMAND['put-opaque'],
  capability: 'put-opaque',
  material: (_algorithm, rest) => (rest.remaining === 0 ? refuse('wrong-length') : rest.rest()),
});

const getOpaque: CommandHandler = {
  code: COMMAND['get-opaque'],
  capability: 'get-opaque',
  run: (request, context) => {
    const id = request.u16();
    request.end();
    if (id === ATTESTATION_CERTIFICATE_ID)
      return context.state.identity?.attestationCertificate ?? refuse('object-not-found');
    return context.object(OBJECT_TYPE.opaque, id).material;
  },
};

export const OPAQUE_COMMANDS: readonly CommandHandler[] = [putOpaque, getOpaque];
