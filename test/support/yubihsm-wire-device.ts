/**
 * A scripted device at the far end of a connector, written from the protocol's description alone and sharing no code with src/: its CMAC is
 * arithmetic on one big number, its CBC is ECB block by block. Commands are answered by a function; replies can be altered on their way.
 */
import { createCipheriv, createDecipheriv, createECDH, createHash, randomBytes } from 'node:crypto';

export type Answer = (command: { readonly type: number; readonly payload: Buffer }) => Buffer;

export interface WireDeviceOptions {
  readonly answer: Answer;
  readonly keyId?: number;
  readonly kEnc?: Buffer;
  readonly kMac?: Buffer;
  /** Fixes the device's challenge. */
  readonly challenge?: Buffer;
  /** X | Y of the host's registered public key: the device takes asymmetric logins. */
  readonly hostPoint?: Buffer;
}

interface OpenSession {
  readonly enc: Buffer;
  readonly mac: Buffer;
  readonly rmac: Buffer;
  readonly hostCryptogram: Buffer | null;
  chain: Buffer;
  counter: number;
}

export const frameOf = (type: number, payload: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.concat([Buffer.from([type, payload.length >> 8, payload.length & 0xff]), payload]);
export const errorFrame = (error: number): Buffer => frameOf(0x7f, Buffer.from([error]));

const K_ENC = Buffer.from('090b47dbed595654901dee1cc655e420', 'hex');
const K_MAC = Buffer.from('592fd483f759e29909a04c4505d2ce0a', 'hex');

const encryptBlock = (key: Buffer, block: Buffer): Buffer =>
  createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(block);

const toNumber = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);
const toBlock = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
const MASK = (1n << 128n) - 1n;
const double = (value: bigint): bigint => ((value << 1n) & MASK) ^ (value >> 127n ? 0x87n : 0n);

export function referenceCmac(key: Buffer, message: Buffer): Buffer {
  const k1 = double(toNumber(encryptBlock(key, Buffer.alloc(16))));
  const blocks: Buffer[] = [];
  for (let at = 0; at < message.length; at += 16) blocks.push(message.subarray(at, at + 16));
  const last = blocks.pop() ?? Buffer.alloc(0);
  const isWhole = last.length === 16;
  const padded = isWhole ? last : Buffer.concat([last, Buffer.from([0x80]), Buffer.alloc(15 - last.length)]);
  blocks.push(toBlock(toNumber(padded) ^ (isWhole ? k1 : double(k1))));
  let state = 0n;
  for (const block of blocks) state = toNumber(encryptBlock(key, toBlock(state ^ toNumber(block))));
  return toBlock(state);
}

function kdf(key: Buffer, constant: number, bits: number, context: Buffer): Buffer {
  const head = Buffer.concat([Buffer.alloc(11), Buffer.from([constant, 0, 0, bits, 1])]);
  return referenceCmac(key, Buffer.concat([head, context])).subarray(0, bits / 8);
}

function xorCbc(key: Buffer, iv: Buffer, data: Buffer, isSealing: boolean): Buffer {
  let previous = toNumber(iv);
  const blocks: Buffer[] = [];
  for (let at = 0; at < data.length; at += 16) {
    const block = data.subarray(at, at + 16);
    if (isSealing) {
      const sealed = encryptBlock(key, toBlock(previous ^ toNumber(block)));
      previous = toNumber(sealed);
      blocks.push(sealed);
    } else {
      const opened = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(block);
      blocks.push(toBlock(previous ^ toNumber(opened)));
      previous = toNumber(block);
    }
  }
  return Buffer.concat(blocks);
}

/** The one session that it has, under number 0, is replaced by each login. */
export class WireDevice {
  readonly #options: WireDeviceOptions;
  readonly #ecdh = createECDH('prime256v1');
  #session: OpenSession | null = null;
  #isAuthenticated = false;
  /** Every message that came in. */
  readonly messages: Buffer[] = [];
  /** Every command that came inside a session, opened. */
  readonly commands: Buffer[] = [];

  constructor(options: WireDeviceOptions) {
    this.#options = options;
    this.#ecdh.generateKeys();
  }

  /** X | Y. */
  get point(): Buffer {
    return this.#ecdh.getPublicKey().subarray(1);
  }

  /** A place is taken by a login that has not come to its end. */
  get isHalfOpen(): boolean {
    return this.#session !== null && !this.#isAuthenticated;
  }

  /** As after 30 seconds without a command. */
  expire(): void {
    this.#session = null;
  }

  exchange(message: Uint8Array): Buffer {
    const bytes = Buffer.from(message);
    this.messages.push(bytes);
    const payload = bytes.subarray(3);
    if (bytes.readUInt16BE(1) !== payload.length) return errorFrame(0x08);
    switch (bytes[0]) {
      case 0x03:
        return this.#create(payload);
      case 0x04:
        return this.#authenticate(bytes);
      case 0x05:
        return this.#sessionMessage(bytes);
      case 0x0a:
        return frameOf(0x8a, Buffer.concat([Buffer.from([49]), this.point]));
      default:
        return this.#options.answer({ type: bytes[0] ?? 0, payload });
    }
  }

  #create(payload: Buffer): Buffer {
    if (payload.readUInt16BE(0) !== (this.#options.keyId ?? 1)) return errorFrame(0x0b);
    const host = payload.subarray(2);
    if (host.length === 65) return this.#createAsymmetric(host);
    if (host.length !== 8) return errorFrame(0x08);
    const card = this.#options.challenge ?? randomBytes(8);
    const context = Buffer.concat([host, card]);
    const kMac = this.#options.kMac ?? K_MAC;
    const mac = kdf(kMac, 6, 128, context);
    this.#isAuthenticated = false;
    this.#session = {
      enc: kdf(this.#options.kEnc ?? K_ENC, 4, 128, context),
      mac,
      rmac: kdf(kMac, 7, 128, context),
      hostCryptogram: kdf(mac, 1, 64, context),
      chain: Buffer.alloc(16),
      counter: 1,
    };
    return frameOf(0x83, Buffer.concat([Buffer.from([0]), card, kdf(mac, 0, 64, context)]));
  }

  #createAsymmetric(host: Buffer): Buffer {
    const { hostPoint } = this.#options;
    if (hostPoint === undefined) return errorFrame(0x08);
    const ephemeral = createECDH('prime256v1');
    const card = ephemeral.generateKeys();
    const shared = Buffer.concat([
      ephemeral.computeSecret(host),
      this.#ecdh.computeSecret(Buffer.concat([Buffer.from([4]), hostPoint])),
    ]);
    const block = (counter: number): Buffer =>
      createHash('sha256')
        .update(Buffer.concat([shared, Buffer.from([0, 0, 0, counter, 0x3c, 0x88, 0x10])]))
        .digest();
    const material = Buffer.concat([block(1), block(2)]);
    const receipt = referenceCmac(material.subarray(0, 16), Buffer.concat([card, host]));
    this.#isAuthenticated = true;
    this.#session = {
      enc: material.subarray(16, 32),
      mac: material.subarray(32, 48),
      rmac: material.subarray(48, 64),
      hostCryptogram: null,
      chain: receipt,
      counter: 1,
    };
    return frameOf(0x83, Buffer.concat([Buffer.from([0]), card, receipt]));
  }

  #checkMac(session: OpenSession, bytes: Buffer): boolean {
    const mac = referenceCmac(session.mac, Buffer.concat([session.chain, bytes.subarray(0, -8)]));
    if (!mac.subarray(0, 8).equals(bytes.subarray(-8))) return false;
    session.chain = mac;
    return true;
  }

  #authenticate(bytes: Buffer): Buffer {
    const session = this.#session;
    if (session === null || bytes[3] !== 0) return errorFrame(0x03);
    const isRight =
      this.#checkMac(session, bytes) && bytes.subarray(4, 12).equals(session.hostCryptogram ?? Buffer.alloc(0));
    if (!isRight) {
      this.#session = null;
      return errorFrame(0x04);
    }
    this.#isAuthenticated = true;
    return frameOf(0x84);
  }

  #sessionMessage(bytes: Buffer): Buffer {
    const session = this.#session;
    if (session === null || !this.#isAuthenticated || bytes[3] !== 0) return errorFrame(0x03);
    if (!this.#checkMac(session, bytes)) return errorFrame(0x04);
    const iv = encryptBlock(session.enc, toBlock(BigInt(session.counter)));
    const padded = xorCbc(session.enc, iv, bytes.subarray(4, -8), false);
    const inner = padded.subarray(0, padded.lastIndexOf(0x80));
    this.commands.push(inner);
    const type = inner[0] ?? 0;
    if (type === 0x40) this.#session = null;
    const reply = type === 0x40 ? frameOf(0xc0) : this.#options.answer({ type, payload: inner.subarray(3) });
    const fill = Buffer.alloc(16 - (reply.length % 16));
    fill[0] = 0x80;
    const sealed = xorCbc(session.enc, iv, Buffer.concat([reply, fill]), true);
    const unsigned = frameOf(0x85, Buffer.concat([Buffer.from([0]), sealed, Buffer.alloc(8)])).subarray(0, -8);
    const mac = referenceCmac(session.rmac, Buffer.concat([session.chain, unsigned]));
    session.counter += 1;
    return Buffer.concat([unsigned, mac.subarray(0, 8)]);
  }
}
