/** Opening a session: with the two static keys of a password (SCP03) or, from firmware 2.3 on, with a P-256 key (SCP11). */
import { createECDH, randomBytes, timingSafeEqual } from 'node:crypto';
import { CHALLENGE_BYTES, deriveAsymmetricSession, deriveSymmetricSession } from '../session/key-derivation.ts';
import { ChannelError, SecureChannel } from '../session/secure-channel.ts';
import { STATIC_KEY_BYTES } from '../session/static-keys.ts';
import { ALGORITHM } from '../wire/algorithms.ts';
import type { FirmwareVersion } from '../wire/frame.ts';
import { isFirmwareAtLeast } from '../wire/frame.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import { ByteReader } from '../wire/reader.ts';
import { ByteWriter } from '../wire/writer.ts';
import { keyFromPkcs8 } from './attestation.ts';
import type { DeviceState } from './device-state.ts';
import { refuse } from './refusal.ts';
import type { DeviceSession, SessionTable } from './session-table.ts';
import { objectKey, type StoredObject } from './stored-object.ts';

const CURVE = 'prime256v1';
const POINT_BYTES = 65;

export interface Opening {
  readonly state: DeviceState;
  readonly firmware: FirmwareVersion;
  readonly sessions: SessionTable;
  /** The device's challenge; random but in tests with recorded messages. */
  readonly challenge: (() => Uint8Array) | undefined;
}

/** Id of the authentication key that the payload asks for; it may not exist. */
export const requestedKey = (payload: Uint8Array): number | undefined =>
  payload.length < 2 ? undefined : new ByteReader(payload).u16();

export function createSession(payload: Uint8Array, opening: Opening): Uint8Array {
  const request = new ByteReader(payload);
  const id = request.u16();
  const host = request.rest();
  const isSymmetric = host.length === CHALLENGE_BYTES;
  const isAsymmetric = host.length === POINT_BYTES && isFirmwareAtLeast(opening.firmware, 2, 3);
  if (!isSymmetric && !isAsymmetric) refuse('wrong-length');
  const key = opening.state.objects.get(objectKey(OBJECT_TYPE['authentication-key'], id));
  if (key === undefined) return refuse('object-not-found');
  const isSymmetricKey = key.algorithm === ALGORITHM['aes128-yubico-authentication'];
  if (isSymmetricKey !== isSymmetric) refuse('invalid-data');
  return isSymmetric ? openSymmetric(key, host, opening) : openAsymmetric(key, host, opening);
}

const identityOf = (key: StoredObject) => ({
  keyId: key.id,
  capabilities: key.capabilities,
  delegated: key.delegated,
  domains: key.domains,
});

function openSymmetric(key: StoredObject, host: Uint8Array, { sessions, challenge }: Opening): Uint8Array {
  const sessionId = sessions.freeId();
  const card = challenge?.() ?? randomBytes(CHALLENGE_BYTES);
  const enc = key.material.subarray(0, STATIC_KEY_BYTES);
  const mac = key.material.subarray(STATIC_KEY_BYTES);
  const derived = deriveSymmetricSession({ enc, mac }, { host, card });
  const channel = new SecureChannel({ sessionId, keys: derived.keys });
  sessions.add({ identity: identityOf(key), channel, awaited: derived.hostCryptogram });
  return new ByteWriter().u8(sessionId).bytes(card).bytes(derived.cardCryptogram).toBytes();
}

/** Mutual at once: the host proves itself by the MAC of its first message. */
function openAsymmetric(key: StoredObject, host: Uint8Array, { state, sessions }: Opening): Uint8Array {
  const sessionId = sessions.freeId();
  const ephemeral = createECDH(CURVE);
  const card = ephemeral.generateKeys();
  const hostStatic = Buffer.concat([Uint8Array.of(4), key.material]);
  const secrets = { ephemeral: agree(ephemeral, host), static: agree(deviceEcdh(state), hostStatic) };
  const { keys, receipt } = deriveAsymmetricSession(secrets, { host, card });
  // The channel takes its chain over and wipes it.
  const channel = new SecureChannel({ sessionId, keys, chain: receipt.slice() });
  sessions.add({ identity: identityOf(key), channel, awaited: null });
  return new ByteWriter().u8(sessionId).bytes(card).bytes(receipt).toBytes();
}

function agree(own: ReturnType<typeof createECDH>, point: Uint8Array): Uint8Array {
  try {
    return own.computeSecret(point);
  } catch {
    return refuse('invalid-data');
  }
}

function deviceEcdh(state: DeviceState): ReturnType<typeof createECDH> {
  if (state.identity === undefined) throw new Error('the device has no key for asymmetric logins');
  const ecdh = createECDH(CURVE);
  const { d } = keyFromPkcs8(state.identity.authenticationKey).export({ format: 'jwk' });
  ecdh.setPrivateKey(Buffer.from(d ?? '', 'base64url'));
  return ecdh;
}

/** Algorithm, then X|Y. */
export function devicePublicKey(state: DeviceState): Uint8Array {
  const point = deviceEcdh(state).getPublicKey();
  return new ByteWriter().u8(ALGORITHM['ecp256-yubico-authentication']).bytes(point.subarray(1)).toBytes();
}

/** A session whose host does not prove itself is given up at once. */
export function authenticate(message: Uint8Array, session: DeviceSession, sessions: SessionTable): void {
  const { awaited } = session;
  if (awaited === null) refuse('invalid-session');
  if (proves(message, session.channel, awaited)) {
    session.awaited = null;
    return;
  }
  sessions.drop(session);
  refuse('authentication-failed');
}

function proves(message: Uint8Array, channel: SecureChannel, awaited: Uint8Array): boolean {
  try {
    const cryptogram = channel.unwrapAuthenticate(message);
    return cryptogram.length === awaited.length && timingSafeEqual(cryptogram, awaited);
  } catch (error) {
    if (error instanceof ChannelError) return false;
    throw error;
  }
}
