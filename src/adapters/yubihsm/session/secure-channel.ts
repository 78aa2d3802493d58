/**
 * The protected channel of one session: encryption, MAC chain and counter, for either side. SCP03 (GPC_SPE_014 §6.2.4 to §6.2.7) as the
 * YubiHSM 2 has it: the MAC covers header and payload, 8 bytes of it are sent and all 16 are the next link; the reply's MAC hangs on the
 * chain but does not move it; command and reply share one IV.
 */
import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto';
import { COMMAND } from '../wire/command-codes.ts';
import { decodeFrame, HEADER_BYTES, replyType } from '../wire/frame.ts';
import { cmac } from './cmac.ts';
import { type SessionKeys, wipeSessionKeys } from './key-derivation.ts';

const MAC_BYTES = 8;
const BLOCK = 16;
const SESSION_ID_BYTES = 1;

/** A message that cannot be of the other side of this session, or came in the wrong order. */
export class ChannelError extends Error {
  override readonly name = 'ChannelError';
}

export interface ChannelStart {
  readonly sessionId: number;
  /** Taken over: they are wiped with the channel. */
  readonly keys: SessionKeys;
  /** Where the MAC chain begins: 16 zero bytes, or the receipt of an asymmetric authentication. Absent: zeros. */
  readonly chain?: Uint8Array;
}

export class SecureChannel {
  readonly sessionId: number;
  readonly #keys: SessionKeys;
  #chain: Uint8Array;
  #counter = 1;

  constructor(start: ChannelStart) {
    this.sessionId = start.sessionId;
    this.#keys = start.keys;
    this.#chain = start.chain ?? new Uint8Array(BLOCK);
  }

  // ------------------------------------------------------------ the host's side

  /** `authenticate-session` with the host's cryptogram; begins the chain. */
  authenticateCommand(hostCryptogram: Uint8Array): Uint8Array {
    return this.#withCommandMac(COMMAND['authenticate-session'], hostCryptogram);
  }

  /** `inner`: a whole frame. Each call must be followed by `unwrapResponse` of its reply. */
  wrapCommand(inner: Uint8Array): Uint8Array {
    return this.#withCommandMac(COMMAND['session-message'], this.#encrypt(inner));
  }

  /** The inner frame of the reply. Throws ChannelError; the session cannot go on then, since the two sides' counters may differ. */
  unwrapResponse(message: Uint8Array): Uint8Array {
    const body = this.#checkedBody(message, replyType(COMMAND['session-message']), this.#keys.rmac).body;
    const inner = this.#decrypt(body);
    this.#counter += 1;
    return inner;
  }

  // ------------------------------------------------------------ the device's side

  /** The host's cryptogram; its MAC has been checked, itself not. */
  unwrapAuthenticate(message: Uint8Array): Uint8Array {
    return this.#moveChain(message, COMMAND['authenticate-session']);
  }

  /** The inner frame of a command. Throws ChannelError and leaves the chain as it was. */
  unwrapCommand(message: Uint8Array): Uint8Array {
    return this.#decrypt(this.#moveChain(message, COMMAND['session-message']));
  }

  wrapResponse(inner: Uint8Array): Uint8Array {
    const body = this.#encrypt(inner);
    this.#counter += 1;
    const unsigned = this.#unsigned(replyType(COMMAND['session-message']), body);
    return Buffer.concat([unsigned, this.#mac(this.#keys.rmac, unsigned).subarray(0, MAC_BYTES)]);
  }

  // ------------------------------------------------------------ both

  /** The channel cannot be used afterwards. */
  wipe(): void {
    wipeSessionKeys(this.#keys);
    this.#chain.fill(0);
  }

  #withCommandMac(type: number, body: Uint8Array): Uint8Array {
    const unsigned = this.#unsigned(type, body);
    const mac = this.#mac(this.#keys.mac, unsigned);
    this.#chain = mac;
    return Buffer.concat([unsigned, mac.subarray(0, MAC_BYTES)]);
  }

  #moveChain(message: Uint8Array, type: number): Uint8Array {
    const { body, mac } = this.#checkedBody(message, type, this.#keys.mac);
    this.#chain = mac;
    return body;
  }

  /** Header and payload as the MAC sees them: the length counts the MAC that is to follow. */
  #unsigned(type: number, body: Uint8Array): Uint8Array {
    const length = SESSION_ID_BYTES + body.length + MAC_BYTES;
    return Buffer.concat([Uint8Array.of(type, length >> 8, length & 0xff, this.sessionId), body]);
  }

  #mac(key: Uint8Array, unsigned: Uint8Array): Uint8Array {
    return cmac(key, Buffer.concat([this.#chain, unsigned]));
  }

  #checkedBody(message: Uint8Array, type: number, key: Uint8Array): { body: Uint8Array; mac: Uint8Array } {
    const frame = decodeFrame(message);
    if (frame.type !== type) throw new ChannelError('the message is of another type');
    if (frame.payload.length < SESSION_ID_BYTES + MAC_BYTES) throw new ChannelError('the message is too short');
    if (frame.payload[0] !== this.sessionId) throw new ChannelError('the message is of another session');
    const end = message.length - MAC_BYTES;
    const mac = this.#mac(key, message.subarray(0, end));
    if (!timingSafeEqual(mac.subarray(0, MAC_BYTES), message.subarray(end))) {
      throw new ChannelError('the message authentication code is wrong');
    }
    return { body: message.subarray(HEADER_BYTES + SESSION_ID_BYTES, end), mac };
  }

  /** GPC_SPE_014 §6.2.6: the counter under S-ENC. */
  #iv(): Uint8Array {
    const block = Buffer.alloc(BLOCK);
    block.writeUInt32BE(this.#counter, BLOCK - 4);
    return createCipheriv('aes-128-ecb', this.#keys.enc, null).setAutoPadding(false).update(block);
  }

  #encrypt(inner: Uint8Array): Uint8Array {
    const padded = new Uint8Array((Math.floor(inner.length / BLOCK) + 1) * BLOCK);
    padded.set(inner);
    padded[inner.length] = 0x80;
    const sealed = createCipheriv('aes-128-cbc', this.#keys.enc, this.#iv()).setAutoPadding(false).update(padded);
    padded.fill(0);
    return sealed;
  }

  #decrypt(body: Uint8Array): Uint8Array {
    if (body.length === 0 || body.length % BLOCK !== 0) throw new ChannelError('the message is not whole blocks');
    const padded = createDecipheriv('aes-128-cbc', this.#keys.enc, this.#iv()).setAutoPadding(false).update(body);
    let end = padded.length - 1;
    while (end > 0 && padded[end] === 0) end -= 1;
    if (padded[end] !== 0x80 || padded.length - end > BLOCK) throw new ChannelError('the message is not padded');
    return new Uint8Array(padded.subarray(0, end));
  }
}
