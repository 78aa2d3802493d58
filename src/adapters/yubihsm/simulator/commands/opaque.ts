/**
 * Opaque objects, and templates, which are kept like them: nothing reads what is in them here. Reading one takes get-opaque on the session alone: Yubico's own device tests read objects that have no capability at
 * all. Object 0 is the certificate of the attestation key that the device was made with.
 */
import { isOpaque, isTemplate } from '../../wire/algorithms.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import { OBJECT_TYPE } from '../../wire/object-types.ts';
import type { ByteReader } from '../../wire/reader.ts';
import { refuse } from '../refusal.ts';
import type { CommandHandler } from './command.ts';
import { creation, imported } from './created-object.ts';

const ATTESTATION_CERTIFICATE_ID = 0;

const wholeRest = (_algorithm: number, rest: ByteReader): Uint8Array =>
  rest.remaining === 0 ? refuse('wrong-length') : rest.rest();

const putOpaque = creation({
  ...imported,
  type: OBJECT_TYPE.opaque,
  isOfType: isOpaque,
  code: COMMAND['put-opaque'],
  capability: 'put-opaque',
  material: wholeRest,
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

const putTemplate = creation({
  ...imported,
  type: OBJECT_TYPE.template,
  isOfType: isTemplate,
  code: COMMAND['put-template'],
  capability: 'put-template',
  material: wholeRest,
});

const getTemplate: CommandHandler = {
  code: COMMAND['get-template'],
  capability: 'get-template',
  run: (request, context) => {
    const id = request.u16();
    request.end();
    return context.object(OBJECT_TYPE.template, id).material;
  },
};

export const OPAQUE_COMMANDS: readonly CommandHandler[] = [putOpaque, getOpaque, putTemplate, getTemplate];
