/** AES in ECB and CBC (firmware 2.3) and HMAC, with keys of the device. Whole blocks only: the device pads nothing. */
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { ALGORITHM, hmacSizes } from '../../wire/algorithms.ts';
import type { CapabilityName } from '../../wire/capabilities.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import { OBJECT_TYPE } from '../../wire/object-types.ts';
import type { ByteReader } from '../../wire/reader.ts';
import { decodeHmacBody } from '../../wire/wrapped-body.ts';
import type { CommandContext } from '../command-context.ts';
import { refuse } from '../refusal.ts';
import type { StoredObject } from '../stored-object.ts';
import type { CommandHandler } from './command.ts';

const BLOCK = 16;

interface BlockMode {
  readonly code: number;
  readonly capability: CapabilityName;
  readonly mode: 'ecb' | 'cbc';
  readonly direction: 'encrypt' | 'decrypt';
}

const blockCommand = ({ code, capability, mode, direction }: BlockMode): CommandHandler => ({
  code,
  capability,
  run: (request, context) => {
    const key = context.use(OBJECT_TYPE['symmetric-key'], request.u16(), capability);
    context.requireAlgorithm(ALGORITHM[`aes-${mode}`]);
    const iv = mode === 'cbc' ? request.bytes(BLOCK) : null;
    const data = request.rest();
    if (data.length === 0 || data.length % BLOCK !== 0) refuse('wrong-length');
    const name = `aes-${key.material.length * 8}-${mode}`;
    const make = direction === 'encrypt' ? createCipheriv : createDecipheriv;
    return new Uint8Array(make(name, key.material, iv).setAutoPadding(false).update(data));
  },
});

const hmacOf = (key: StoredObject, data: Uint8Array): Uint8Array =>
  createHmac(hmacSizes(key.algorithm)?.hash ?? 'sha256', decodeHmacBody(key.algorithm, key.material))
    .update(data)
    .digest();

const hmacKey = (request: ByteReader, context: CommandContext, capability: CapabilityName): StoredObject =>
  context.use(OBJECT_TYPE['hmac-key'], request.u16(), capability);

const signHmac: CommandHandler = {
  code: COMMAND['sign-hmac'],
  capability: 'sign-hmac',
  run: (request, context) => new Uint8Array(hmacOf(hmacKey(request, context, 'sign-hmac'), request.rest())),
};

/** One byte: 1 when the MAC is of the data. */
const verifyHmac: CommandHandler = {
  code: COMMAND['verify-hmac'],
  capability: 'verify-hmac',
  run: (request, context) => {
    const key = hmacKey(request, context, 'verify-hmac');
    const mac = request.bytes(hmacSizes(key.algorithm)?.output ?? 0);
    return Uint8Array.of(timingSafeEqual(mac, hmacOf(key, request.rest())) ? 1 : 0);
  },
};

export const SYMMETRIC_COMMANDS: readonly CommandHandler[] = [
  blockCommand({ code: COMMAND['encrypt-ecb'], capability: 'encrypt-ecb', mode: 'ecb', direction: 'encrypt' }),
  blockCommand({ code: COMMAND['decrypt-ecb'], capability: 'decrypt-ecb', mode: 'ecb', direction: 'decrypt' }),
  blockCommand({ code: COMMAND['encrypt-cbc'], capability: 'encrypt-cbc', mode: 'cbc', direction: 'encrypt' }),
  blockCommand({ code: COMMAND['decrypt-cbc'], capability: 'decrypt-cbc', mode: 'cbc', direction: 'decrypt' }),
  signHmac,
  verifyHmac,
];
