/**
 * Session keys. Symmetric: SCP03 (GPC_SPE_014 §4.1.5 data derivation, §6.2.1 session keys, §6.2.2 cryptograms), for AES-128 only.
 * Asymmetric: SCP11-like, X9.63 KDF with SHA-256 over two ECDH secrets. Left out: everything else of SCP03 (card management, PUT KEY).
 */
import { createHash } from 'node:crypto';
import { cmac } from './cmac.ts';
import type { StaticKeys } from './static-keys.ts';

export interface SessionKeys {
  readonly enc: Uint8Array;
  readonly mac: Uint8Array;
  readonly rmac: Uint8Array;
}

/** GPC_SPE_014 table 4-1. */
const DERIVE = { cardCryptogram: 0x00, hostCryptogram: 0x01, enc: 0x04, mac: 0x06, rmac: 0x07 } as const;

export const CHALLENGE_BYTES = 8;
export const CRYPTOGRAM_BYTES = 8;
export const RECEIPT_BYTES = 16;

/** Label (11 zero bytes, constant) | 00 | length in bits | counter 01 | context. */
function derive(key: Uint8Array, constant: number, bits: 64 | 128, context: Uint8Array): Uint8Array {
  const input = new Uint8Array(16 + context.length);
  input[11] = constant;
  input[14] = bits;
  input[15] = 1;
  input.set(context, 16);
  return cmac(key, input).slice(0, bits / 8);
}

export interface Challenges {
  /** 8 bytes of the host. */
  readonly host: Uint8Array;
  /** 8 bytes of the device. */
  readonly card: Uint8Array;
}

export interface SymmetricSession {
  readonly keys: SessionKeys;
  readonly cardCryptogram: Uint8Array;
  readonly hostCryptogram: Uint8Array;
}

export function deriveSymmetricSession(staticKeys: StaticKeys, challenges: Challenges): SymmetricSession {
  const context = Buffer.concat([challenges.host, challenges.card]);
  const keys = {
    enc: derive(staticKeys.enc, DERIVE.enc, 128, context),
    mac: derive(staticKeys.mac, DERIVE.mac, 128, context),
    rmac: derive(staticKeys.mac, DERIVE.rmac, 128, context),
  };
  return {
    keys,
    cardCryptogram: derive(keys.mac, DERIVE.cardCryptogram, 64, context),
    hostCryptogram: derive(keys.mac, DERIVE.hostCryptogram, 64, context),
  };
}

/** Key usage 3c (C-MAC, C-DEC, R-MAC, R-ENC), key type 88 (AES), key length 10: SCP11's shared info. */
const SHARED_INFO = Uint8Array.of(0x3c, 0x88, 0x10);

export interface AgreedSecrets {
  /** ECDH of the two ephemeral keys, 32 bytes. */
  readonly ephemeral: Uint8Array;
  /** ECDH of the two static keys, 32 bytes. */
  readonly static: Uint8Array;
}

export interface EphemeralPoints {
  /** 65 bytes each: 04 | X | Y. */
  readonly host: Uint8Array;
  readonly card: Uint8Array;
}

export interface AsymmetricSession {
  readonly keys: SessionKeys;
  /** Proves that the device holds its static key, and is where the MAC chain begins. */
  readonly receipt: Uint8Array;
}

export function deriveAsymmetricSession(secrets: AgreedSecrets, points: EphemeralPoints): AsymmetricSession {
  const secret = Buffer.concat([secrets.ephemeral, secrets.static]);
  const material = x963Sha256(secret, SHARED_INFO, 64);
  secret.fill(0);
  const part = (index: number): Uint8Array => material.slice(index * 16, index * 16 + 16);
  const receipt = cmac(part(0), Buffer.concat([points.card, points.host]));
  const keys = { enc: part(1), mac: part(2), rmac: part(3) };
  material.fill(0);
  return { keys, receipt };
}

/** ANSI X9.63 KDF (SEC 1 §3.6.1): SHA-256(secret | counter from 1 in 32 bits | info), as often as it takes. */
export function x963Sha256(secret: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let counter = 1; (counter - 1) * 32 < length; counter += 1) {
    const counterBytes = Buffer.alloc(4);
    counterBytes.writeUInt32BE(counter);
    blocks.push(createHash('sha256').update(secret).update(counterBytes).update(info).digest());
  }
  return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
}

export function wipeSessionKeys(keys: SessionKeys): void {
  keys.enc.fill(0);
  keys.mac.fill(0);
  keys.rmac.fill(0);
}
