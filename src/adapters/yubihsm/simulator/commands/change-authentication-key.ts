/** New keys for the authentication key of this very session (firmware 2.1); another's id is refused as invalid. */
import { COMMAND } from '../../wire/command-codes.ts';
import { OBJECT_TYPE } from '../../wire/object-types.ts';
import { refuse } from '../refusal.ts';
import { type CommandHandler, idReply } from './command.ts';
import { authenticationMaterial } from './keys.ts';

export const changeAuthenticationKey: CommandHandler = {
  code: COMMAND['change-authentication-key'],
  capability: 'change-authentication-key',
  run: (request, context) => {
    const id = request.u16();
    const algorithm = request.u8();
    if (id !== context.session.keyId) refuse('invalid-id');
    const key = context.object(OBJECT_TYPE['authentication-key'], id);
    context.requireAlgorithm(algorithm);
    const material = authenticationMaterial(algorithm, request);
    if (material === null) return refuse('invalid-data');
    request.end();
    context.store({ ...key, algorithm, material });
    return idReply(id);
  },
};
