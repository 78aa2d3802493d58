/**
 * The calls that yubihsm-shell makes, in its order, against `keyferry simulator serve yubihsm`: every reply to the byte. The client is this
 * test's own (support/yubihsm-shell-bytes.ts).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytes, cmac, http, ShellSession } from '../support/yubihsm-shell-bytes.ts';
import { type ServedYubiHsm, serveBuiltYubiHsm } from '../support/yubihsm-shell-served.ts';

let dir: string;
let served: ServedYubiHsm;
let url: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'keyferry-shell-'));
  served = await serveBuiltYubiHsm(['--state', 'state', '--firmware', '2.4'], { cwd: dir });
  ({ url } = served.facts);
});
afterAll(async () => {
  await served.stop('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

const post = async (hex: string): Promise<string> => {
  const { status, headers, body } = await http(`${url}/connector/api`, { method: 'POST', body: bytes(hex) });
  expect([status, headers['content-type'], headers['content-length']]).toEqual([
    200,
    'application/octet-stream',
    String(body.length),
  ]);
  return body.toString('hex');
};

/** As a user dumped it from a new device (yubihsm-rs, issue 70). */
const FACTORY_LABEL = `${Buffer.from('DEFAULT AUTHKEY CHANGE THIS ASAP').toString('hex')}00c0ffeec0ffee01`;
/** Every bit, those without a name too: as libyubihsm's `all`. */
const ALL_RIGHTS = 'ffffffffffffffff';

async function loggedIn(): Promise<ShellSession> {
  const session = new ShellSession(url);
  expect((await session.login(1, 'password')).authenticated.toString('hex')).toBe('840000');
  return session;
}

it('has the CMAC of RFC 4493', () => {
  const key = bytes('2b7e151628aed2a6abf7158809cf4f3c');
  const message = bytes('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411');
  expect(cmac(key, Buffer.alloc(0)).toString('hex')).toBe('bb1d6929e95937287fa37d129b756746');
  expect(cmac(key, message).toString('hex')).toBe('dfa66747de9ae63030ca32611497c827');
});

describe('the calls of yubihsm-shell', () => {
  it('are answered to the byte, from the status to the close', async () => {
    const status = await http(`${url}/connector/status`, { method: 'GET' });
    expect(status.status).toBe(200);
    expect(status.headers['x-request-id']).toMatch(/./);
    expect(status.body.length).toBeLessThan(256);
    const text = status.body.toString('latin1');
    expect(text).toMatch(/^(status|serial|version|pid|address|port)=[^\n\0]*\n/);
    expect(text.split('\n').map((line) => line.split('=')[0])).toEqual([
      'status',
      'serial',
      'version',
      'pid',
      'address',
      'port',
      '',
    ]);
    expect(text).toContain('status=OK\n');
    expect(text).toContain(`port=${new URL(url).port}\n`);

    // Twice, as get-device-info does; then the page that only firmware 2.4 has.
    const info = await post('06 0000');
    expect(await post('06 0000')).toBe(info);
    expect(info).toMatch(/^86[0-9a-f]{4}020401[0-9a-f]{8}3e[0-9a-f]{2}/);
    const body = bytes(info);
    expect(body.readUInt16BE(1)).toBe(body.length - 3);
    // Every algorithm from 1 to 55 once: libyubihsm reads them as a list.
    expect([...body.subarray(12)].sort((one, other) => one - other)).toEqual(
      Array.from({ length: 55 }, (_, at) => at + 1),
    );
    expect(
      bytes(await post('06 0001 01'))
        .subarray(3)
        .toString('latin1'),
    ).toMatch(/^[ -~]{12}\0$/);

    const session = new ShellSession(url);
    const { created, authenticated, isMutual } = await session.login(1, 'password');
    expect(isMutual).toBe(true);
    expect([created.length, created.subarray(0, 3).toString('hex')]).toEqual([20, '830011']);
    expect(created[3]).toBeLessThan(16);
    expect(authenticated.toString('hex')).toBe('840000');

    // list-objects: any of ffff domains, one object.
    expect((await session.send(0x48, bytes('03 ffff'))).toString('hex')).toBe('c80004' + '0001' + '02' + '00');
    expect((await session.send(0x4e, bytes('0001 02'))).toString('hex')).toBe(
      `ce0042${ALL_RIGHTS}${'0001'}${'0028'}ffff${'02'}${'26'}${'00'}${'02'}${FACTORY_LABEL}${ALL_RIGHTS}`,
    );
    expect((await session.send(0x40)).toString('hex')).toBe('c00000');
    // Every message as long as it says, and within a session a multiple of 16 beside header, session and MAC.
    for (const { sent, received } of session.wire) {
      expect(received.readUInt16BE(1)).toBe(received.length - 3);
      expect(received[0]).toBe((sent[0] ?? 0) | 0x80);
      if (received[0] === 0x85) expect((received.length - 3 - 1 - 8) % 16).toBe(0);
    }
    // The session is gone: 03, in clear, without a MAC.
    await expect(session.send(0x48)).rejects.toThrow('outer 7f000103');
  });

  it('make, list, use and delete a key, each reply as its header says', async () => {
    const session = await loggedIn();
    const label = Buffer.alloc(40).fill('shell', 0, 5).toString('hex');
    const header = `0100 ${label} 0001 0000000000000080 0c`;
    expect((await session.send(0x46, bytes(header))).toString('hex')).toBe('c600020100');
    expect((await session.send(0x48, bytes('02 03'))).toString('hex')).toBe('c800040100' + '0300');
    const info = await session.send(0x4e, bytes('0100 03'));
    expect(info.toString('hex')).toBe(
      `ce0042${'0000000000000080'}0100${'0060'}0001${'03'}${'0c'}${'00'}${'01'}${label}${'0'.repeat(16)}`,
    );
    const publicKey = await session.send(0x54, bytes('0100'));
    expect([publicKey.length, publicKey.subarray(0, 4).toString('hex')]).toEqual([3 + 1 + 64, 'd400410c']);
    // A second one of that id is refused inside of the session, which goes on; so is what is not there.
    expect((await session.send(0x46, bytes(header))).toString('hex')).toBe('7f000111');
    expect((await session.send(0x4e, bytes('0101 03'))).toString('hex')).toBe('7f00010b');
    expect((await session.send(0x58, bytes('0100 03'))).toString('hex')).toBe('d80000');
    expect((await session.send(0x48, bytes('02 03'))).toString('hex')).toBe('c80000');
    // The sequence of an id goes on after its object was deleted.
    expect((await session.send(0x46, bytes(header))).toString('hex')).toBe('c600020100');
    expect((await session.send(0x48, bytes('02 03'))).toString('hex')).toBe('c800040100' + '0301');
    expect((await session.send(0x58, bytes('0100 03'))).toString('hex')).toBe('d80000');
    await session.send(0x40);
  });

  it('give as many random bytes as were asked for', async () => {
    const session = await loggedIn();
    const reply = await session.send(0x51, bytes('0010'));
    expect([reply.length, reply.subarray(0, 3).toString('hex')]).toEqual([19, 'd10010']);
    await session.send(0x40);
  });
});

describe('what the shell cannot do is refused as the device refuses it', () => {
  it('a wrong password: 04 after the 04, and the slot is free again', async () => {
    for (let tries = 0; tries < 40; tries += 1) {
      const session = new ShellSession(url);
      const { authenticated, isMutual } = await session.login(1, 'passwort');
      expect([isMutual, authenticated.toString('hex')]).toEqual([false, '7f000104']);
    }
    await (await loggedIn()).send(0x40);
  });

  it('an authentication key that is not there', async () => {
    expect(await post('03 000a 0002 0102030405060708')).toBe('7f00010b');
  });

  it('a command that only a session has, or none has', async () => {
    expect(await post('48 0003 03 ffff')).toMatch(/^7f0001/);
    expect(await post('3f 0000')).toBe('7f000101');
    expect(await post('05 0009 0f 0102030405060708')).toBe('7f000103');
  });

  it('a message that is not as long as it says', async () => {
    expect(await post('06 0004 01')).toMatch(/^7f0001/);
    expect(await post('06 0000 01')).toMatch(/^7f0001/);
  });

  it('a changed MAC ends the session, in clear', async () => {
    const session = await loggedIn();
    const broken = new ShellSession(url);
    const last = session.wire.at(-1)?.sent ?? Buffer.alloc(0);
    const message = Buffer.concat([bytes('05 0019'), Buffer.from([session.sid]), Buffer.alloc(24)]);
    expect(last[3]).toBe(session.sid);
    expect((await broken.post(message)).toString('hex')).toBe('7f000104');
    await expect(session.send(0x40)).rejects.toThrow('outer 7f000103');
  });

  it('the seventeenth session', async () => {
    const open: ShellSession[] = [];
    for (let count = 0; count < 16; count += 1) open.push(await loggedIn());
    expect(new Set(open.map(({ sid }) => sid)).size).toBe(16);
    expect(await post('03 000a 0001 0102030405060708')).toBe('7f000105');
    for (const session of open) await session.send(0x40);
    await (await loggedIn()).send(0x40);
  });
});

describe('the connector', () => {
  it.each([
    ['POST', '/connector/status', 405, 'GET'],
    ['GET', '/connector/api', 405, 'POST'],
  ])('answers %s %s with %i and what is allowed', async (method, path, status, allow) => {
    const reply = await http(`${url}${path}`, { method, ...(method === 'POST' ? { body: bytes('060000') } : {}) });
    expect([reply.status, reply.headers.allow]).toEqual([status, allow]);
  });

  it('takes 3 to 3139 bytes with a Content-Length, from names of this computer', async () => {
    const api = `${url}/connector/api`;
    const status = async (body: Buffer, headers = {}) => (await http(api, { method: 'POST', body, headers })).status;
    expect(await status(Buffer.alloc(2))).toBe(400);
    expect(await status(Buffer.alloc(3140))).toBe(400);
    expect(await status(bytes('060000'), { Host: 'hsm.example.com' })).toBe(403);
    expect(await status(bytes('060000'), { Host: `localhost:${new URL(url).port}` })).toBe(200);
    const largest = Buffer.concat([bytes('01 0c3d'), Buffer.alloc(3133, 7)]);
    expect(
      (await http(api, { method: 'POST', body: largest })).body.equals(
        Buffer.concat([bytes('81 0c3d'), Buffer.alloc(3133, 7)]),
      ),
    ).toBe(true);
  });
});
