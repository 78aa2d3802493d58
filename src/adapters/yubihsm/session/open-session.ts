/**
 * Opens a session: `create-session` and `authenticate-session` (SCP03), or the one step of the asymmetric authentication. Errors here stand in
 * clear and prove nothing; the cryptogram and the receipt do. libyubihsm sends its own cryptogram even where the device's was wrong, so that
 * the device frees the place it had taken (Yubico advisory YSA-2023-01): so does this.
 */
import { createECDH, randomBytes, timingSafeEqual } from 'node:crypto';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { getDevicePublicKey } from '../commands/get-device-public-key.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { DEVICE_ERROR, deviceErrorName } from '../wire/device-errors.ts';
import { encodeFrame, errorOf, replyType } from '../wire/frame.ts';
import { ByteReader } from '../wire/reader.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import { type CallContext, unbelievable } from './call-context.ts';
import {
  CHALLENGE_BYTES,
  CRYPTOGRAM_BYTES,
  deriveAsymmetricSession,
  deriveSymmetricSession,
  RECEIPT_BYTES,
} from './key-derivation.ts';
import type { AsymmetricLogin, Login, SymmetricLogin } from './login.ts';
import { callPlain, exchangeFrame, type Peer, type Received } from './plain-exchange.ts';
import { SecureChannel } from './secure-channel.ts';
import { Session } from './session.ts';

export interface OpenSessionOptions {
  readonly peer: Peer;
  readonly login: Login;
  /** Longest message in bytes that the device takes: messageLimit of its firmware. */
  readonly messageLimit: number;
  /** Gives the host's challenge; absent: the computer's own generator. */
  readonly random?: (bytes: number) => Uint8Array;
  /** Milliseconds; absent: Date.now. */
  readonly now?: () => number;
}

interface Opened {
  readonly channel: SecureChannel;
  readonly sessionTag: string;
}

const POINT_BYTES = 65;

export async function openSession(options: OpenSessionOptions): Promise<Session> {
  const { peer, login, messageLimit } = options;
  const random = options.random ?? randomBytes;
  const opened =
    login.kind === 'symmetric' ? await openSymmetric(peer, login, random) : await openAsymmetric(peer, login);
  return new Session({ peer, messageLimit, now: options.now ?? Date.now, ...opened });
}

const contextOfLogin = (peer: Peer, operation: 'create-session' | 'authenticate-session'): CallContext => ({
  device: peer.device,
  operation,
  effect: 'read',
});

async function openSymmetric(
  peer: Peer,
  login: SymmetricLogin,
  random: (bytes: number) => Uint8Array,
): Promise<Opened> {
  const host = random(CHALLENGE_BYTES);
  const sessionTag = Buffer.from(host).toString('hex');
  const reply = await create(peer, login, host, sessionTag, (reader) => ({
    sessionId: reader.u8(),
    card: reader.bytes(CHALLENGE_BYTES),
    cryptogram: reader.bytes(CRYPTOGRAM_BYTES),
  }));
  const derived = deriveSymmetricSession(login.keys, { host, card: reply.card });
  const channel = new SecureChannel({ sessionId: reply.sessionId, keys: derived.keys });
  const isDevice = timingSafeEqual(derived.cardCryptogram, reply.cryptogram);
  const message = channel.authenticateCommand(derived.hostCryptogram);
  const context = contextOfLogin(peer, 'authenticate-session');
  const answer = exchangeFrame(peer, message, context, { sessionTag });
  if (!isDevice) {
    // Whatever the answer is, the place is free then, or will be in 30 seconds.
    await answer.catch(() => undefined);
    channel.wipe();
    throw loginRefused(peer, login, 'the password or the keys are wrong');
  }
  try {
    checkAuthenticated(await answer, context);
  } catch (error) {
    channel.wipe();
    throw error;
  }
  return { channel, sessionTag };
}

function checkAuthenticated(answer: Received, context: CallContext): void {
  try {
    const error = errorOf(answer);
    if (error !== undefined) throw notOpened(context, error);
    if (answer.type !== replyType(COMMAND['authenticate-session'])) throw new WireError('it answers another command');
    new ByteReader(answer.payload).end();
  } catch (error) {
    if (error instanceof WireError) throw unbelievable(context, `the reply is malformed: ${error.message}`, error);
    throw error;
  }
}

async function openAsymmetric(peer: Peer, login: AsymmetricLogin): Promise<Opened> {
  const devicePoint = login.devicePoint ?? (await callPlain(peer, getDevicePublicKey, undefined));
  const context = contextOfLogin(peer, 'create-session');
  const own = createECDH('prime256v1');
  own.setPrivateKey(login.privateKey);
  const staticSecret = agree(own, Buffer.concat([Uint8Array.of(4), devicePoint]), context);
  const ephemeral = createECDH('prime256v1');
  const host = ephemeral.generateKeys();
  const sessionTag = host.subarray(1, 9).toString('hex');
  const reply = await create(peer, login, host, sessionTag, (reader) => ({
    sessionId: reader.u8(),
    card: reader.bytes(POINT_BYTES),
    receipt: reader.bytes(RECEIPT_BYTES),
  }));
  const ephemeralSecret = agree(ephemeral, reply.card, context);
  const derived = deriveAsymmetricSession(
    { ephemeral: ephemeralSecret, static: staticSecret },
    { host, card: reply.card },
  );
  ephemeralSecret.fill(0);
  staticSecret.fill(0);
  const channel = new SecureChannel({ sessionId: reply.sessionId, keys: derived.keys, chain: reply.receipt });
  if (timingSafeEqual(derived.receipt, reply.receipt)) return { channel, sessionTag };
  // There is no message that would free the place: the device does so after 30 seconds.
  channel.wipe();
  throw loginRefused(peer, login, "the private key is not the one registered, or the device's own key is another");
}

function agree(own: ReturnType<typeof createECDH>, point: Uint8Array, context: CallContext): Uint8Array {
  try {
    return own.computeSecret(point);
  } catch (error) {
    throw unbelievable(context, "the device's key is not a point of the curve P-256", error);
  }
}

async function create<Reply>(
  peer: Peer,
  login: Login,
  challenge: Uint8Array,
  sessionTag: string,
  read: (reader: ByteReader) => Reply,
): Promise<Reply> {
  const context = contextOfLogin(peer, 'create-session');
  const message = encodeFrame(COMMAND['create-session'], new ByteWriter().u16(login.keyId).bytes(challenge).toBytes());
  const frame = await exchangeFrame(peer, message, context, { sessionTag });
  try {
    const error = errorOf(frame);
    if (error === DEVICE_ERROR['object-not-found']) throw noSuchKey(peer, login);
    if (error !== undefined) throw notOpened(context, error);
    if (frame.type !== replyType(COMMAND['create-session'])) throw new WireError('it answers another command');
    const reader = new ByteReader(frame.payload);
    const reply = read(reader);
    reader.end();
    return reply;
  } catch (error) {
    if (error instanceof WireError) throw unbelievable(context, `the reply is malformed: ${error.message}`, error);
    throw error;
  }
}

const hexId = (id: number): string => `0x${id.toString(16).padStart(4, '0')}`;

function loginRefused(peer: Peer, login: Login, why: string): KeyferryError {
  const name = 'authentication-failed';
  return new KeyferryError(
    'login-refused',
    `${peer.device}: could not log in with authentication key ${hexId(login.keyId)}: ${why}.`,
    {
      device: peer.device,
      operation: 'authenticate-session',
      native: { name, value: DEVICE_ERROR[name] },
      hint: 'Correct the secret, or the number of the authentication key.',
    },
  );
}

function noSuchKey(peer: Peer, login: Login): KeyferryError {
  const name = 'object-not-found';
  return new KeyferryError(
    'login-refused',
    `${peer.device}: could not log in: the device has no authentication key ${hexId(login.keyId)}.`,
    {
      device: peer.device,
      operation: 'create-session',
      native: { name, value: DEVICE_ERROR[name] },
      hint: 'Correct the number of the authentication key.',
    },
  );
}

const BUSY: ReadonlySet<number> = new Set([
  DEVICE_ERROR['sessions-full'],
  DEVICE_ERROR['session-failed'],
  DEVICE_ERROR['invalid-session'],
  // The device had proved by its cryptogram that it knows the keys, so it is not they that are wrong.
  DEVICE_ERROR['authentication-failed'],
]);

function notOpened(context: CallContext, error: number): KeyferryError {
  const name = deviceErrorName(error);
  const isFull = error === DEVICE_ERROR['sessions-full'];
  const why = isFull ? 'all sessions of the device are in use' : 'the session could not be opened';
  const isBusy = BUSY.has(error);
  return new KeyferryError(
    isBusy ? 'device-busy' : 'device-refused',
    `${context.device}: could not ${context.operation}: ${why} (${name}).`,
    {
      ...(isBusy ? {} : { scope: 'run' }),
      device: context.device,
      operation: context.operation,
      native: { name, value: error },
      hint: isFull
        ? 'Close other programs that use the device; it ends sessions by itself 30 seconds after their last command.'
        : 'See that the authentication key is of the kind that is used here: a password, or (firmware 2.3) a private key.',
    },
  );
}
