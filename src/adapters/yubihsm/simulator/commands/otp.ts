/** Yubico OTP: keys for AEADs, AEADs of tokens, and the counters inside an OTP. */
import { otpAeadKeyBytes } from '../../wire/algorithms.ts';
import type { CapabilityName } from '../../wire/capabilities.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import { OBJECT_TYPE } from '../../wire/object-types.ts';
import type { ByteReader } from '../../wire/reader.ts';
import type { CommandContext } from '../command-context.ts';
import { randomKey } from '../key-material.ts';
import { refuse } from '../refusal.ts';
import {
  AEAD_BYTES,
  CREDENTIAL_BYTES,
  decryptOtp,
  NONCE_ID_BYTES,
  OTP_BYTES,
  openAead,
  sealAead,
} from '../yubico-otp.ts';
import type { CommandHandler } from './command.ts';
import { creation, generated, imported, keyOf } from './created-object.ts';

const TYPE = OBJECT_TYPE['otp-aead-key'];
const isOfType = (algorithm: number): boolean => otpAeadKeyBytes(algorithm) !== undefined;

const putOtpAeadKey = creation({
  ...imported,
  ...{ type: TYPE, isOfType },
  code: COMMAND['put-otp-aead-key'],
  capability: 'put-otp-aead-key',
  material: (algorithm, rest) => keyOf(rest, NONCE_ID_BYTES + (otpAeadKeyBytes(algorithm) ?? 0)),
});

const generateOtpAeadKey = creation({
  ...generated,
  ...{ type: TYPE, isOfType },
  code: COMMAND['generate-otp-aead-key'],
  capability: 'generate-otp-aead-key',
  material: (algorithm, rest) =>
    new Uint8Array(Buffer.concat([keyOf(rest, NONCE_ID_BYTES), randomKey(otpAeadKeyBytes(algorithm) ?? 0)])),
});

const materialOf = (request: ByteReader, context: CommandContext, capability: CapabilityName): Uint8Array =>
  context.use(TYPE, request.u16(), capability).material;

const createOtpAead: CommandHandler = {
  code: COMMAND['create-otp-aead'],
  capability: 'create-otp-aead',
  run: (request, context) => {
    const material = materialOf(request, context, 'create-otp-aead');
    return sealAead(material, keyOf(request, CREDENTIAL_BYTES));
  },
};

const randomizeOtpAead: CommandHandler = {
  code: COMMAND['randomize-otp-aead'],
  capability: 'randomize-otp-aead',
  run: (request, context) => {
    const material = materialOf(request, context, 'randomize-otp-aead');
    request.end();
    return sealAead(material, randomKey(CREDENTIAL_BYTES));
  },
};

const rewrapOtpAead: CommandHandler = {
  code: COMMAND['rewrap-otp-aead'],
  capability: 'rewrap-from-otp-aead-key',
  run: (request, context) => {
    const from = materialOf(request, context, 'rewrap-from-otp-aead-key');
    const to = materialOf(request, context, 'rewrap-to-otp-aead-key');
    return sealAead(to, openAead(from, keyOf(request, AEAD_BYTES)) ?? refuse('invalid-data'));
  },
};

const decryptOtpCommand: CommandHandler = {
  code: COMMAND['decrypt-otp'],
  capability: 'decrypt-otp',
  run: (request, context) => {
    const material = materialOf(request, context, 'decrypt-otp');
    const aead = request.bytes(AEAD_BYTES);
    const otp = keyOf(request, OTP_BYTES);
    const credential = openAead(material, aead) ?? refuse('invalid-data');
    return decryptOtp(credential, otp) ?? refuse('invalid-otp');
  },
};

export const OTP_COMMANDS: readonly CommandHandler[] = [
  putOtpAeadKey,
  generateOtpAeadKey,
  createOtpAead,
  randomizeOtpAead,
  rewrapOtpAead,
  decryptOtpCommand,
];
