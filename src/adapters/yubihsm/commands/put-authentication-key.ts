/** `put-authentication-key`: a way to log in, with the capabilities of its sessions and those that it may give to what it creates. */
import { COMMAND } from '../wire/command-codes.ts';
import { type ObjectHeader, writeObjectHeader } from '../wire/object-header.ts';
import { ByteWriter } from '../wire/writer.ts';
import {
  type AuthenticationKeyMaterial,
  authenticationAlgorithm,
  writeAuthenticationKey,
} from './authentication-key-material.ts';
import type { Command } from './command.ts';
import { decodeCreatedId } from './created-object.ts';

export interface PutAuthenticationKey extends Omit<ObjectHeader, 'algorithm'> {
  readonly delegatedCapabilities: bigint;
  readonly material: AuthenticationKeyMaterial;
}

export const putAuthenticationKey: Command<PutAuthenticationKey, number> = {
  code: COMMAND['put-authentication-key'],
  effect: 'create',
  encode(request) {
    const header = { ...request, algorithm: authenticationAlgorithm(request.material) };
    const writer = writeObjectHeader(new ByteWriter(), header).u64(request.delegatedCapabilities);
    return writeAuthenticationKey(writer, request.material).toBytes();
  },
  decode: (reply, request) => decodeCreatedId(reply, request.id),
};
