/**
 * Command codes of the YubiHSM 2. Names are those of Yubico's command reference (developers.yubico.com/YubiHSM2/Commands), numbers those of
 * libyubihsm. A reply bears the code of its command with the highest bit set; an error bears `error`.
 */

export const COMMAND = {
  echo: 0x01,
  'create-session': 0x03,
  'authenticate-session': 0x04,
  'session-message': 0x05,
  'get-device-info': 0x06,
  'reset-device': 0x08,
  'get-device-public-key': 0x0a,
  'close-session': 0x40,
  'get-storage-info': 0x41,
  'put-opaque': 0x42,
  'get-opaque': 0x43,
  'put-authentication-key': 0x44,
  'put-asymmetric-key': 0x45,
  'generate-asymmetric-key': 0x46,
  'sign-pkcs1': 0x47,
  'list-objects': 0x48,
  'decrypt-pkcs1': 0x49,
  'export-wrapped': 0x4a,
  'import-wrapped': 0x4b,
  'put-wrap-key': 0x4c,
  'get-log-entries': 0x4d,
  'get-object-info': 0x4e,
  'set-option': 0x4f,
  'get-option': 0x50,
  'get-pseudo-random': 0x51,
  'put-hmac-key': 0x52,
  'sign-hmac': 0x53,
  'get-public-key': 0x54,
  'sign-pss': 0x55,
  'sign-ecdsa': 0x56,
  'derive-ecdh': 0x57,
  'delete-object': 0x58,
  'decrypt-oaep': 0x59,
  'generate-hmac-key': 0x5a,
  'generate-wrap-key': 0x5b,
  'verify-hmac': 0x5c,
  'sign-ssh-certificate': 0x5d,
  'put-template': 0x5e,
  'get-template': 0x5f,
  'decrypt-otp': 0x60,
  'create-otp-aead': 0x61,
  'randomize-otp-aead': 0x62,
  'rewrap-otp-aead': 0x63,
  'sign-attestation-certificate': 0x64,
  'put-otp-aead-key': 0x65,
  'generate-otp-aead-key': 0x66,
  'set-log-index': 0x67,
  'wrap-data': 0x68,
  'unwrap-data': 0x69,
  'sign-eddsa': 0x6a,
  'blink-device': 0x6b,
  'change-authentication-key': 0x6c,
  'put-symmetric-key': 0x6d,
  'generate-symmetric-key': 0x6e,
  'decrypt-ecb': 0x6f,
  'encrypt-ecb': 0x70,
  'decrypt-cbc': 0x71,
  'encrypt-cbc': 0x72,
  'put-public-wrap-key': 0x73,
  'get-rsa-wrapped-key': 0x74,
  'put-rsa-wrapped-key': 0x75,
  'export-rsa-wrapped': 0x76,
  'import-rsa-wrapped': 0x77,
  error: 0x7f,
} as const;

export type CommandName = keyof typeof COMMAND;

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(COMMAND).map(([name, code]) => [code, name]));

/** For people: `0x2a` for a code that has no name. */
export function commandName(code: number): string {
  return NAMES.get(code) ?? `0x${code.toString(16).padStart(2, '0')}`;
}
