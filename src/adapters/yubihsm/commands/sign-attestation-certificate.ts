/**
 * `sign-attestation-certificate`: an X.509 certificate over the public half of an asymmetric key that says where the key comes from and what
 * it may do. Attester 0 is the device's own key, whose certificate is opaque object 0.
 */
import { COMMAND } from '../wire/command-codes.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';

export interface SignAttestation {
  readonly id: number;
  /** 0: the built-in key. */
  readonly attesterId: number;
}

/** DER; whether it proves anything is for its reader to check. */
export const signAttestationCertificate: Command<SignAttestation, Uint8Array> = {
  code: COMMAND['sign-attestation-certificate'],
  effect: 'read',
  encode: ({ id, attesterId }) => new ByteWriter().u16(id).u16(attesterId).toBytes(),
  decode(reply) {
    if (reply[0] !== 0x30) throw new WireError('not a certificate');
    return new Uint8Array(reply);
  },
};
