/**
 * Every command that works inside a session. Not simulated: SSH certificates (5d), answered as a command that does not exist.
 */
import { CCM_COMMANDS } from './ccm-wrapped.ts';
import { changeAuthenticationKey } from './change-authentication-key.ts';
import type { CommandHandler } from './command.ts';
import { DECRYPT_COMMANDS } from './decrypt.ts';
import { blinkDevice, closeSession, echo, getPseudoRandom, getStorageInfo, resetDevice } from './device-commands.ts';
import { KEY_COMMANDS } from './keys.ts';
import { LOG_COMMANDS } from './log.ts';
import { deleteObject, getObjectInfo, getPublicKey, listObjects } from './object-commands.ts';
import { OPAQUE_COMMANDS } from './opaque.ts';
import { OPTION_COMMANDS } from './options.ts';
import { OTP_COMMANDS } from './otp.ts';
import { RSA_WRAP_COMMANDS } from './rsa-wrapped.ts';
import { SIGN_COMMANDS } from './sign.ts';
import { signAttestationCertificate } from './sign-attestation.ts';
import { SYMMETRIC_COMMANDS } from './symmetric.ts';

const ALL: readonly CommandHandler[] = [
  ...[echo, closeSession, getStorageInfo, getPseudoRandom, blinkDevice, resetDevice],
  ...[listObjects, getObjectInfo, getPublicKey, deleteObject],
  ...KEY_COMMANDS,
  ...OPAQUE_COMMANDS,
  ...OTP_COMMANDS,
  changeAuthenticationKey,
  ...SIGN_COMMANDS,
  ...DECRYPT_COMMANDS,
  ...SYMMETRIC_COMMANDS,
  ...CCM_COMMANDS,
  ...RSA_WRAP_COMMANDS,
  signAttestationCertificate,
  ...OPTION_COMMANDS,
  ...LOG_COMMANDS,
];

export const COMMANDS: ReadonlyMap<number, CommandHandler> = new Map(ALL.map((handler) => [handler.code, handler]));
