/**
 * A client of the YubiHSM connector in the fewest words: bytes over HTTP, and SCP03 from node:crypto alone. It shares no line with keyferry's
 * client or simulator, so that what both got wrong alike shows. Yubico's reference (YubiHSM 2 "Session protocol"), libyubihsm 2.8.
 */
import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes } from 'node:crypto';
import { request } from 'node:http';

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export function http(
  url: string,
  { method, body, headers = {} }: { method: string; body?: Buffer; headers?: Record<string, string | number> },
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': body.length };
    const sent = request(url, { method, headers: { ...length, ...headers }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** `06 0001 01` → the bytes. */
export const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');

const aesBlock = (key: Buffer, block: Buffer): Buffer => {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
};

function doubled(block: Buffer): Buffer {
  const number = BigInt(`0x${block.toString('hex')}`);
  const shifted = ((number << 1n) & ((1n << 128n) - 1n)) ^ (number >> 127n === 1n ? 0x87n : 0n);
  return Buffer.from(shifted.toString(16).padStart(32, '0'), 'hex');
}

/** RFC 4493. */
export function cmac(key: Buffer, message: Buffer): Buffer {
  const one = doubled(aesBlock(key, Buffer.alloc(16)));
  const isWhole = message.length > 0 && message.length % 16 === 0;
  const last = isWhole ? message.subarray(-16) : message.subarray(message.length - (message.length % 16));
  const filled = Buffer.concat([last, Buffer.from([0x80]), Buffer.alloc(16)]).subarray(0, 16);
  const mask = isWhole ? one : doubled(one);
  const end = Buffer.from((isWhole ? last : filled).map((byte, at) => byte ^ (mask[at] ?? 0)));
  let state: Buffer = Buffer.alloc(16);
  for (const block of [...chunks(message.subarray(0, message.length - last.length)), end]) {
    const mixed = Buffer.from(state.map((byte, at) => byte ^ (block[at] ?? 0)));
    state = aesBlock(key, mixed);
  }
  return state;
}

const chunks = (message: Buffer): Buffer[] =>
  Array.from({ length: message.length / 16 }, (_, at) => message.subarray(at * 16, at * 16 + 16));

function derive(key: Buffer, constant: number, bits: number, context: Buffer): Buffer {
  const fixed = Buffer.concat([Buffer.alloc(11), Buffer.from([constant, 0, bits >> 8, bits & 0xff, 1]), context]);
  return cmac(key, fixed).subarray(0, bits / 8);
}

const frame = (type: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, payload.length >> 8, payload.length & 0xff]), payload]);

/** One login and its session. Every message that went over the wire is kept, in the order of the exchanges. */
export class ShellSession {
  readonly wire: { readonly sent: Buffer; readonly received: Buffer }[] = [];
  readonly #url: string;
  #sid = 0;
  #enc: Buffer = Buffer.alloc(0);
  #mac: Buffer = Buffer.alloc(0);
  #rmac: Buffer = Buffer.alloc(0);
  #chain: Buffer = Buffer.alloc(16);
  #counter = 1n;

  constructor(url: string) {
    this.#url = url;
  }

  get sid(): number {
    return this.#sid;
  }

  async post(message: Buffer): Promise<Buffer> {
    const headers = { 'YubiHSM-Session': randomBytes(8).toString('hex') };
    const reply = await http(`${this.#url}/connector/api`, { method: 'POST', body: message, headers });
    if (reply.status !== 200) throw new Error(`HTTP ${reply.status}`);
    this.wire.push({ sent: message, received: reply.body });
    return reply.body;
  }

  /** 03 and 04. Gives the answer to 04, whatever it is: as libyubihsm since 2.4.1, which sends it although it sees a wrong password in 83. */
  async login(
    keyId: number,
    password: string,
  ): Promise<{ readonly created: Buffer; readonly authenticated: Buffer; readonly isMutual: boolean }> {
    const keys = pbkdf2Sync(password, 'Yubico', 10_000, 32, 'sha256');
    const host = randomBytes(8);
    const created = await this.post(frame(0x03, Buffer.concat([Buffer.from([keyId >> 8, keyId & 0xff]), host])));
    this.#sid = created[3] ?? 0;
    const context = Buffer.concat([host, created.subarray(4, 12)]);
    this.#enc = derive(keys.subarray(0, 16), 0x04, 128, context);
    this.#mac = derive(keys.subarray(16), 0x06, 128, context);
    this.#rmac = derive(keys.subarray(16), 0x07, 128, context);
    const isMutual = derive(this.#mac, 0x00, 64, context).equals(created.subarray(12, 20));
    const cryptogram = derive(this.#mac, 0x01, 64, context);
    const authenticated = await this.post(this.#signed(0x04, Buffer.concat([Buffer.from([this.#sid]), cryptogram])));
    return { created, authenticated, isMutual };
  }

  /** A message within the session; gives the inner reply, its MAC checked. Throws when the device ended the session. */
  async send(type: number, payload: Buffer = Buffer.alloc(0)): Promise<Buffer> {
    const iv = aesBlock(this.#enc, bytes(this.#counter.toString(16).padStart(32, '0')));
    const inner = frame(type, payload);
    const padded = Buffer.concat([inner, Buffer.from([0x80]), Buffer.alloc(15 - (inner.length % 16))]);
    const cipher = createCipheriv('aes-128-cbc', this.#enc, iv).setAutoPadding(false);
    const outer = Buffer.concat([Buffer.from([this.#sid]), cipher.update(padded), cipher.final()]);
    const reply = await this.post(this.#signed(0x05, outer));
    if (reply[0] !== 0x85) throw new Error(`outer ${reply.toString('hex')}`);
    const body = reply.subarray(0, -8);
    if (
      !cmac(this.#rmac, Buffer.concat([this.#chain, body]))
        .subarray(0, 8)
        .equals(reply.subarray(-8))
    ) {
      throw new Error('wrong MAC on the reply');
    }
    if (reply.readUInt16BE(1) !== reply.length - 3 || reply[3] !== this.#sid) throw new Error('wrong outer header');
    const decipher = createDecipheriv('aes-128-cbc', this.#enc, iv).setAutoPadding(false);
    const open = Buffer.concat([decipher.update(body.subarray(4)), decipher.final()]);
    this.#counter += 1n;
    return open.subarray(0, open.lastIndexOf(0x80));
  }

  /** The MAC covers a length that includes it, and is the chain of the next. */
  #signed(type: number, payload: Buffer): Buffer {
    const message = frame(type, Buffer.concat([payload, Buffer.alloc(8)])).subarray(0, -8);
    this.#chain = cmac(this.#mac, Buffer.concat([this.#chain, message]));
    return Buffer.concat([message, this.#chain.subarray(0, 8)]);
  }
}
