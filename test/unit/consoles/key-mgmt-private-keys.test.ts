/** key_mgmt_util: private keys in clear between PEM files and the HSMs, and files that only name one. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keyHandleIn } from '../../support/console-desk.ts';
import { aKmuDesk, type KmuDesk, pairIn } from '../../support/kmu-desk.ts';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const EC = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;

const pkcs8 = (key: KeyObject): string => String(key.export({ format: 'pem', type: 'pkcs8' }));

async function importedInto(desk: KmuDesk, pem: string, flags = ''): Promise<string> {
  writeFileSync(desk.file('in.pem'), pem);
  const wrapping = await desk.makeAes();
  return await desk.type(`importPrivateKey -f ${desk.file('in.pem')} -l imported -w ${wrapping} ${flags}`);
}

describe('importPrivateKey and exportPrivateKey', () => {
  test.each([
    ['RSA, PKCS#8', RSA, pkcs8(RSA)],
    ['RSA, PKCS#1', RSA, String(RSA.export({ format: 'pem', type: 'pkcs1' }))],
    ['EC, PKCS#8', EC, pkcs8(EC)],
    ['EC, SEC 1', EC, String(EC.export({ format: 'pem', type: 'sec1' }))],
  ])('%s: what comes in goes out', async (_name, key, pem) => {
    const desk = await aKmuDesk();
    const shown = await importedInto(desk, pem, '-id one');
    const length = key.export({ format: 'der', type: 'pkcs8' }).length;
    expect(shown.replaceAll('\t', '')).toMatch(
      new RegExp(
        [
          `BER encoded key length is ${length}`,
          'Cfm3WrapHostKey returned: 0x00 : HSM Return: SUCCESS',
          'Cfm3CreateUnwrapTemplate returned: 0x00 : HSM Return: SUCCESS',
          'Cfm3UnWrapKey returned: 0x00 : HSM Return: SUCCESS',
          'Private Key Unwrapped.  Key Handle: \\d+',
          'Cluster Error Status',
        ].join('\\n+'),
      ),
    );
    const handle = keyHandleIn(shown);
    await desk.type(`getAttribute -o ${handle} -a 355 -out ${desk.file('local')}`);
    expect(readFileSync(desk.file('local'), 'utf8')).toBe('OBJ_ATTR_LOCAL\n0x00000000\n');
    const wrapping = await desk.makeAes();
    const out = await desk.type(`exportPrivateKey -k ${handle} -w ${wrapping} -out ${desk.file('out.pem')}`);
    expect(out.replaceAll('\t', '')).toMatch(
      /Cfm3WrapKey returned: 0x00 : HSM Return: SUCCESS\n+Cfm3UnWrapHostKey returned: 0x00 : HSM Return: SUCCESS\n+PEM formatted private key is written to /,
    );
    expect(createPrivateKey(readFileSync(desk.file('out.pem'))).equals(key)).toBe(true);
    expect(statSync(desk.file('out.pem')).mode & 0o777).toBe(0o600);
    expect(desk.terminal.notes.filter((note) => note.includes('in clear'))).toHaveLength(2);
  });

  test('a pair of the HSM gives the private half of its public key', async () => {
    const desk = await aKmuDesk();
    const { publicKey, privateKey } = pairIn(await desk.type('genECCKeyPair -i 14 -l pair'));
    await desk.type(`exportPubKey -k ${publicKey} -out ${desk.file('public')}`);
    await desk.type(`exportPrivateKey -k ${privateKey} -w ${await desk.makeAes()} -out ${desk.file('private')}`);
    const half = createPublicKey(readFileSync(desk.file('private'), 'utf8')).export({ format: 'pem', type: 'spki' });
    expect(half).toBe(readFileSync(desk.file('public'), 'utf8'));
  });

  test('-wk wraps on the host, and -w unwraps in the HSM: they must be one key', async () => {
    const desk = await aKmuDesk();
    const [wrapping, other] = [await desk.makeAes(), await desk.makeAes()];
    await desk.type(`exSymKey -k ${wrapping} -w ${other} -out ${desk.file('wk')}`);
    writeFileSync(desk.file('in.pem'), pkcs8(RSA));
    const line = `importPrivateKey -f ${desk.file('in.pem')} -l in -wk ${desk.file('wk')} -w`;
    const key = keyHandleIn(await desk.type(`${line} ${wrapping}`));
    expect(await desk.type(`${line} ${other}`)).toContain('Cfm3UnWrapKey was refused');
    const back = `exportPrivateKey -k ${key} -wk ${desk.file('wk')} -out ${desk.file('out')} -w`;
    expect(await desk.type(`${back} ${other}`)).toContain('does not open under the wrapping key');
    expect(() => statSync(desk.file('out'))).toThrow();
    await desk.type(`${back} ${wrapping}`);
    expect(createPrivateKey(readFileSync(desk.file('out'))).equals(RSA)).toBe(true);
  });

  test.each([
    ['no PEM at all', 'nothing', 'holds no RSA or EC private key'],
    ['a public key', String(createPublicKey(RSA).export({ format: 'pem', type: 'spki' })), 'holds no RSA or EC'],
    [
      'a password',
      String(RSA.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-128-cbc', passphrase: 'x' })),
      'password',
    ],
    ['another kind', pkcs8(generateKeyPairSync('ed25519').privateKey), 'holds no RSA or EC private key'],
    ['a short key', pkcs8(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey), 'of 1024 bits'],
  ])('refuses a file with %s', async (_name, text, words) => {
    const desk = await aKmuDesk();
    const shown = await importedInto(desk, text);
    expect(shown).toContain(words);
    expect(shown).not.toContain('returned: 0x00');
    expect(await desk.count('-c 3')).toBe(0);
  });

  test('there is no -nex, and what was imported can leave again', async () => {
    const desk = await aKmuDesk();
    expect(await importedInto(desk, pkcs8(RSA), '-nex')).toContain('There is no flag -nex');
    const key = keyHandleIn(await importedInto(desk, pkcs8(RSA)));
    await desk.type(`getAttribute -o ${key} -a 354 -out ${desk.file('ex')}`);
    expect(readFileSync(desk.file('ex'), 'utf8')).toContain('0x00000001');
  });

  test('a key that is shared with one may not be exported by one', async () => {
    const desk = await aKmuDesk();
    const key = keyHandleIn(await importedInto(desk, pkcs8(EC), '-u 5'));
    const bob = await desk.as('bob');
    const wrapping = await bob.makeAes();
    expect(await bob.type(`exportPrivateKey -k ${key} -w ${wrapping} -out ${desk.file('stolen')}`)).toContain(
      'Cfm3WrapKey was refused',
    );
    expect(() => statSync(desk.file('stolen'))).toThrow();
  });

  test('takes a file that others could read from them before it writes', async () => {
    const desk = await aKmuDesk();
    const { privateKey } = pairIn(await desk.type('genECCKeyPair -i 2 -l p'));
    writeFileSync(desk.file('out'), 'an old file', { mode: 0o644 });
    await desk.type(`exportPrivateKey -k ${privateKey} -w ${await desk.makeAes()} -out ${desk.file('out')}`);
    expect(readFileSync(desk.file('out'), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(statSync(desk.file('out')).mode & 0o777).toBe(0o600);
    const nowhere = `exportPrivateKey -k ${privateKey} -w ${await desk.makeAes()} -out ${desk.file('none/out')}`;
    expect(await desk.type(nowhere)).toContain('could not be written (ENOENT)');
  });

  test('is for private keys, and wraps with -m 4', async () => {
    const desk = await aKmuDesk();
    const key = await desk.makeAes();
    const line = `exportPrivateKey -k ${key} -w ${key} -out ${desk.file('out')}`;
    expect(await desk.type(line)).toContain('the key is no private key');
    const { privateKey } = pairIn(await desk.type('genECCKeyPair -i 2 -l p'));
    expect(await desk.type(`exportPrivateKey -k ${privateKey} -w ${key} -out x -m 5`)).toContain('-m 4 only');
    expect(await desk.type('exportPrivateKey -k 4711 -w 4712 -out x')).toContain('0xa8');
  });
});

describe('getCaviumPrivKey and IsValidKeyHandlefile', () => {
  test('a file that names a key holds nothing of it, also for a key that cannot leave', async () => {
    const desk = await aKmuDesk();
    const { privateKey } = pairIn(await desk.type('genRSAKeyPair -m 2048 -e 65537 -l tls -nex'));
    const shown = await desk.type(`getCaviumPrivKey -k ${privateKey} -out ${desk.file('fake.pem')}`);
    expect(shown).toContain(`Private Key Handle is written to ${desk.file('fake.pem')} in fake PEM format`);
    expect(shown).toContain('getCaviumPrivKey returned: 0x00 : HSM Return: SUCCESS');
    expect(() => createPrivateKey(readFileSync(desk.file('fake.pem')))).toThrow();
    expect(await desk.type(`IsValidKeyHandlefile -f ${desk.file('fake.pem')}`)).toContain(
      `Input file has invalid key handle: ${privateKey}\n`,
    );
    expect(desk.terminal.notes.at(-1)).toContain('The key is there.');
    await desk.type(`deleteKey -k ${privateKey}`);
    await desk.type(`IsValidKeyHandlefile -f ${desk.file('fake.pem')}`);
    expect(desk.terminal.notes.at(-1)).toContain(`There is no key ${privateKey} that alice can see`);
    const elsewhere = await aKmuDesk();
    await elsewhere.type(`IsValidKeyHandlefile -f ${desk.file('fake.pem')}`);
    expect(elsewhere.terminal.notes.at(-1)).toContain('another cluster');
  });

  test.each([
    ['in clear', pkcs8(RSA)],
    ['under a password', String(RSA.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-128-cbc', passphrase: 'x' }))],
  ])('a real private key %s is told from it', async (_name, pem) => {
    const desk = await aKmuDesk();
    writeFileSync(desk.file('real.pem'), pem);
    expect(await desk.type(`IsValidKeyHandlefile -f ${desk.file('real.pem')}`)).toContain(
      'Input key file has real private key\n',
    );
  });

  test('neither is said so; a key that is not private is not named', async () => {
    const desk = await aKmuDesk();
    writeFileSync(
      desk.file('other'),
      '-----BEGIN SIMULATED HSM KEY HANDLE-----\nAAAA\n-----END SIMULATED HSM KEY HANDLE-----',
    );
    expect(await desk.type(`IsValidKeyHandlefile -f ${desk.file('other')}`)).toContain('neither names nor holds');
    const key = await desk.makeAes();
    expect(await desk.type(`getCaviumPrivKey -k ${key} -out ${desk.file('fake')}`)).toContain('is no private key');
    expect(() => statSync(desk.file('fake'))).toThrow();
  });
});
