/** vtl, cmu and keyferry's own commands: what they print, what they leave on the partition, and what they refuse. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CKA } from '../../../../src/adapters/pkcs11/constants.ts';
import { aLunaDesk, anAesKey, importedHandle, type LunaDesk, PIN } from '../../../support/luna-client-desk.ts';

const BANNER =
  'Certificate Management Utility (64-bit) v10.4.0-417. Copyright (c) 2021 SafeNet. All rights reserved.\n';
const QUESTION = 'Please enter password for token in slot 0 :\n';
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let folder = '';
let pem = '';
let desk: LunaDesk;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-luna-client-'));
  pem = join(folder, 'public.pem');
  writeFileSync(pem, publicKey);
  desk = await aLunaDesk();
});
afterEach(async () => {
  await desk.close();
  rmSync(folder, { recursive: true });
});

const objects = (): Promise<number> => desk.within((session) => desk.module.findObjects(session, []).length);
const wrapOf = (handle: string): Promise<number | undefined> =>
  desk.within((session) => desk.module.C_GetAttributeValue(session, BigInt(handle), [CKA.WRAP])[0]?.value?.[0]);

describe('vtl listSlots', () => {
  test('shows the partition', async () => {
    const shown = await desk.type('vtl listSlots');
    expect(shown).toMatch(
      /^Number of slots: 1\nThe following slots were found:\nSlot # +Description +Label +Serial # +Status\n/,
    );
    expect(shown).toMatch(/slot #0 +LunaNet Slot +classic-partition +SIM[0-9a-f]{12} +Present\n$/);
    expect(await desk.type('vtl listslot')).toBe(shown);
  });

  test('shows an HA group after its members', async () => {
    const group = await aLunaDesk({ 'ha-members': 2, token: 'ha3' });
    const lines = (await group.type('vtl listSlots')).trimEnd().split('\n').slice(3);
    expect(lines.map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
      ['slot #0', 'LunaNet Slot', 'ha3-1'],
      ['slot #1', 'LunaNet Slot', 'ha3-2'],
      ['slot #2', 'HA Virtual Card Slot', 'ha3'],
    ]);
    await group.close();
  });
});

describe('cmu import', () => {
  test.each([
    ['as the migration guide types it', (path: string) => `-inputFile=${path} -label=classic_wrap`],
    ['as newer clients’ users do', (path: string) => `-pubkey=rsa -in ${path} -label classic_wrap`],
  ])('%s: prints what the client prints', async (_what, flags) => {
    const shown = await desk.type(`cmu import ${flags(pem)}`, PIN);
    expect(shown).toBe(
      `${BANNER}${QUESTION}...The RSA public key object was successfully created -> handle(${importedHandle(shown)})\n`,
    );
    expect(desk.end()).toBe('done');
  });

  test('the key may not wrap until somebody lets it', async () => {
    const handle = importedHandle(await desk.type(`cmu import -inputFile=${pem} -label=w`, PIN));
    expect(await wrapOf(handle)).toBe(0);
    expect(await desk.type(`keyferry set-wrap ${handle}`, PIN)).toContain(`CKA_WRAP of handle ${handle} is 1.`);
    expect(await wrapOf(handle)).toBe(1);
  });

  test('into an HA group: asks for the slot, and every member has the key', async () => {
    const group = await aLunaDesk({ 'ha-members': 2 });
    const shown = await group.type(`cmu import -inputFile=${pem} -label=w`, '2', PIN);
    expect(shown).toContain('Please enter password for token in slot 2 :');
    expect(shown).toContain('successfully created');
    for (const member of [0, 1]) expect(await group.type(`cmu list -slot=${member}`, PIN)).toContain('\tlabel=w\n');
    await group.close();
  });

  test('a wrong password: refused with the PKCS#11 name, nothing made, the password nowhere', async () => {
    const shown = await desk.type(`cmu import -inputFile=${pem} -label=w`, 'wrong-password');
    expect(shown).toMatch(/cmu import was refused\. In keyferry's words.*CKR_PIN_INCORRECT/);
    expect(shown).not.toContain('wrong-password');
    expect(await objects()).toBe(0);
  });

  test.each([
    ['a private key', () => privateKey, 'holds no RSA public key'],
    ['another kind of key', () => ecKey(), 'holds no RSA public key'],
    ['no key', () => 'nonsense', 'holds no RSA public key'],
    ['something huge', () => 'x'.repeat(2_000_000), 'too large'],
  ])('%s is not imported', async (_what, text, message) => {
    writeFileSync(pem, text());
    expect(await desk.type(`cmu import -inputFile=${pem} -label=w`, PIN)).toContain(message);
    expect(await objects()).toBe(0);
  });

  test('a file that there is not is told after the password was taken, so that a script does not run on it', async () => {
    const shown = await desk.type('cmu import -inputFile=none.pem -label=w', PIN);
    expect(shown).toContain('could not be read (ENOENT)');
    expect(desk.terminal.answers).toEqual([]);
  });

  test.each([
    ['cmu import -label=w', 'Give the file once'],
    ['cmu import -inputFile=a -in b', 'Give the file once'],
    ['cmu import -inputFile=a -label=w -label=x', '-label stands there twice'],
    ['cmu import -inputFile=a -pubkey=ec', 'imports rsa only'],
    ['cmu import -inputFil=a', 'did you mean -inputFile?'],
    ['cmu import -inputFile=', '-inputFile needs a value'],
    ['cmu import a.pem', '"a.pem" is no flag'],
    ['cmu import -inputFile=a -slot=x', '-slot must be a number'],
    ['cmu import -inputFile=a -slot=7', 'There is no slot 7'],
    ['cmu import -inputFile=a -password=hidden', 'takes no password on the command line'],
  ])('%s is not understood', async (line, message) => {
    const shown = await desk.type(line, PIN);
    expect(shown).toContain(message);
    expect(shown).not.toContain('hidden');
    expect(desk.end()).toBe('misused');
  });

  test('no answer: nothing is done', async () => {
    expect(await desk.type(`cmu import -inputFile=${pem}`)).toContain('No password was given');
    expect(desk.end()).toBe('misused');
    expect(await objects()).toBe(0);
  });
});

function ecKey(): string {
  return String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }));
}

describe('cmu list', () => {
  test('shows handles and labels, of all or of one label', async () => {
    const aes = await anAesKey(desk, 'payments');
    const rsa = importedHandle(await desk.type(`cmu import -inputFile=${pem} -label=classic_wrap`, PIN));
    expect(await desk.type('cmu list -label=classic_wrap', PIN)).toBe(
      `${BANNER}${QUESTION}handle=${rsa}\tlabel=classic_wrap\n`,
    );
    const all = (await desk.type('cmu list', PIN)).split('\n').slice(2, -1);
    expect(all.sort()).toEqual([`handle=${aes}\tlabel=payments`, `handle=${rsa}\tlabel=classic_wrap`].sort());
  });

  test('a label with a line break does not look like a second key', async () => {
    const handle = await anAesKey(desk, 'a\nhandle=1\tlabel=classic_wrap');
    expect((await desk.type('cmu list', PIN)).split('\n').slice(2, -1)).toEqual([
      `handle=${handle}\tlabel=a?handle=1?label=classic_wrap`,
    ]);
  });

  test('nothing there: no line, and a note that says so', async () => {
    expect(await desk.type('cmu list -label=none', PIN)).toBe(`${BANNER}${QUESTION}`);
    expect(desk.terminal.notes).toEqual(['No object was found.']);
  });
});

describe('keyferry’s own commands', () => {
  const out = (): string => join(folder, 'wrapped.key');
  const imported = async (): Promise<string> =>
    importedHandle(await desk.type(`cmu import -inputFile=${pem} -label=w`, PIN));

  test('wrap writes the ciphertext, for its owner only', async () => {
    const [key, wrapping] = [await anAesKey(desk, 'payments'), await imported()];
    await desk.type(`keyferry set-wrap ${wrapping}`, PIN);
    expect(await desk.type(`keyferry wrap -key=${key} -wrapping-key=${wrapping} -out=${out()}`, PIN)).toContain(
      'Wrapped: 256 bytes',
    );
    expect({ size: statSync(out()).size, mode: statSync(out()).mode & 0o777 }).toEqual({ size: 256, mode: 0o600 });
  });

  test('wrap does not write over a file', async () => {
    const [key, wrapping] = [await anAesKey(desk, 'payments'), await imported()];
    await desk.type(`keyferry set-wrap ${wrapping}`, PIN);
    writeFileSync(out(), 'earlier');
    expect(await desk.type(`keyferry wrap -key=${key} -wrapping-key=${wrapping} -out=${out()}`, PIN)).toContain(
      '(EEXIST)',
    );
    expect(readFileSync(out(), 'utf8')).toBe('earlier');
  });

  test('wrap is refused before CKA_WRAP is set, and for a key that may not leave', async () => {
    const wrapping = await imported();
    const key = await anAesKey(desk, 'payments');
    const line = `keyferry wrap -key=${key} -wrapping-key=${wrapping} -out=${out()}`;
    expect(await desk.type(line, PIN)).toContain('CKR_KEY_FUNCTION_NOT_PERMITTED');
    await desk.type(`keyferry set-wrap ${wrapping}`, PIN);
    const stays = await anAesKey(desk, 'stays', { isExtractable: false });
    expect(await desk.type(`keyferry wrap -key=${stays} -wrapping-key=${wrapping} -out=${out()}`, PIN)).toContain(
      'CKR_KEY_UNEXTRACTABLE',
    );
    expect(existsSync(out())).toBe(false);
  });

  test.each([
    ['keyferry set-wrap 4711', 'CKR_OBJECT_HANDLE_INVALID', 'done'],
    ['keyferry set-wrap', 'keyferry set-wrap <handle>', 'misused'],
    ['keyferry set-wrap 1 2', 'keyferry set-wrap <handle>', 'misused'],
    ['keyferry set-wrap classic_wrap', 'The handle must be a number', 'misused'],
    ['keyferry wrap -key=1 -out=f', 'Missing: -wrapping-key', 'misused'],
  ])('%s is refused', async (line, message, end) => {
    expect(await desk.type(line, PIN)).toContain(message);
    expect(desk.end()).toBe(end);
  });
});

describe('the console', () => {
  test('names the PKCS#11 calls instead of playing ckdemo', async () => {
    const shown = await desk.type('ckdemo');
    expect(shown).toContain('is not played here');
    for (const word of ['C_SetAttributeValue', 'CKA_WRAP=1', 'CKA_EXTRACTABLE', 'C_WrapKey', 'CKM_RSA_PKCS_OAEP'])
      expect(shown).toContain(word);
    expect(desk.end()).toBe('misused');
  });

  test('help lists the commands and says how one is typed', async () => {
    const shown = await desk.type('help');
    for (const name of ['vtl listSlots', 'cmu import', 'cmu list', 'keyferry set-wrap', 'keyferry wrap'])
      expect(shown).toContain(name);
    expect(await desk.type('help cmu list')).toContain('cmu list [-label=<label>]');
  });

  test('leaves', async () => {
    await desk.type('exit');
    expect(desk.end()).toBe('over');
  });

  test.each([
    ['cmu lst', 'Did you mean cmu list?'],
    ['vtl', 'There is no command "vtl"'],
    ['cmu import "x', 'ends inside a quotation'],
    ['vtl listSlots now', 'takes nothing more'],
  ])('%s is not understood', async (line, message) => {
    expect(await desk.type(line)).toContain(message);
    expect(desk.end()).toBe('misused');
  });

  test('the password after a line that did not ask for it is neither run nor shown', async () => {
    await desk.type('cmu imprt -inputFile=a');
    expect(desk.masked(PIN)).toBe('********');
    expect(await desk.type(PIN)).not.toContain(PIN);
    expect(desk.end()).toBe('misused');
    expect(desk.masked('cmu list')).toBe('cmu list');
    expect(await desk.type('listSlots')).toContain('There is no command "listSlots"');
  });

  test('a password typed on the line is struck out', () => {
    expect(desk.masked('cmu list -password=hidden')).toBe('cmu list ********');
    expect(desk.masked('cmu list -password hidden')).not.toContain('hidden');
    expect(desk.masked('cmu list -label=w')).toBe('cmu list -label=w');
  });
});
