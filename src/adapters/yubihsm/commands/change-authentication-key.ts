/** `change-authentication-key`: new keys for the authentication key of this very session. The session itself goes on. */
import { COMMAND } from '../wire/command-codes.ts';
import { ByteWriter } from '../wire/writer.ts';
import {
  type AuthenticationKeyMaterial,
  authenticationAlgorithm,
  writeAuthenticationKey,
} from './authentication-key-material.ts';
import type { Command } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export interface ChangeAuthenticationKey {
  readonly id: number;
  readonly material: AuthenticationKeyMaterial;
}

export const changeAuthenticationKey: Command<ChangeAuthenticationKey, number> = {
  code: COMMAND['change-authentication-key'],
  effect: 'change',
  encode({ id, material }) {
    const writer = new ByteWriter().u16(id).u8(authenticationAlgorithm(material));
    return writeAuthenticationKey(writer, material).toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
