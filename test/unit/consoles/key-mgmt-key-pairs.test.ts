/** key_mgmt_util: elliptic curve pairs and their public halves, and keys whose use wants approvals. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keyHandleIn } from '../../support/console-desk.ts';
import { aKmuDesk, pairIn } from '../../support/kmu-desk.ts';

describe('genECCKeyPair', () => {
  test.each([
    [2, 'prime256v1'],
    [14, 'secp384r1'],
    [16, 'secp256k1'],
  ])('-i %i makes a pair on %s, the private half for signing only', async (number, namedCurve) => {
    const desk = await aKmuDesk();
    const shown = await desk.type(`genECCKeyPair -i ${number} -l ecc -id one`);
    expect(shown).toContain('Cfm3GenerateKeyPair returned: 0x00 : HSM Return: SUCCESS');
    const { publicKey, privateKey } = pairIn(shown);
    await desk.type(`exportPubKey -k ${publicKey} -out ${desk.file('pem')}`);
    expect(createPublicKey(readFileSync(desk.file('pem'))).asymmetricKeyDetails).toEqual({ namedCurve });
    await desk.type(`getAttribute -o ${privateKey} -a 512 -out ${desk.file('all')}`);
    const dump = readFileSync(desk.file('all'), 'utf8');
    // As the user guide shows it for genECCKeyPair.
    const documented = [
      ...['CLASS 0x03', 'KEY_TYPE 0x03', 'TOKEN 0x01', 'PRIVATE 0x01', 'ENCRYPT 0x00', 'DECRYPT 0x00', 'WRAP 0x00'],
      ...['UNWRAP 0x00', 'SIGN 0x01', 'VERIFY 0x00', 'LOCAL 0x01', 'SENSITIVE 0x01', 'EXTRACTABLE 0x01', 'LABEL ecc'],
      'ID one',
    ];
    expect(dump).toBe(documented.map((line) => `OBJ_ATTR_${line.replace(' ', '\n')}\n`).join(''));
  });

  test('the public half is shown as extractable, not sensitive, and for verifying', async () => {
    const desk = await aKmuDesk();
    const { publicKey } = pairIn(await desk.type('genECCKeyPair -i 2 -l ecc'));
    await desk.type(`getAttribute -o ${publicKey} -a 512 -out ${desk.file('all')}`);
    const dump = readFileSync(desk.file('all'), 'utf8');
    expect(dump).toMatch(/SIGN\n0x00\nOBJ_ATTR_VERIFY\n0x01\n[\s\S]*SENSITIVE\n0x00\nOBJ_ATTR_EXTRACTABLE\n0x01\n/);
  });

  test('-nex keeps the private half in, and no other', async () => {
    const desk = await aKmuDesk();
    const { publicKey, privateKey } = pairIn(await desk.type('genECCKeyPair -i 2 -l ecc -nex'));
    const wrapping = await desk.makeAes();
    expect(await desk.type(`exportPrivateKey -k ${privateKey} -w ${wrapping} -out ${desk.file('out')}`)).toContain(
      'Cfm3WrapKey was refused',
    );
    expect(await desk.type(`exportPubKey -k ${publicKey} -out ${desk.file('pem')}`)).toContain('0x00');
  });

  test('a curve that FIPS mode forbids: the documented number, and no key', async () => {
    const desk = await aKmuDesk();
    const shown = await desk.type('genECCKeyPair -i 1 -l ecc1');
    expect(shown).toMatch(/Cfm3GenerateKeyPair returned: 0xb3\s+HSM Error: This operation violates the current/);
    expect(shown).toContain('Node id 1 and err state 0x30000085 : HSM CLUSTER ERROR: Server in cluster is unavailable');
    expect(shown).not.toContain('Node id 2');
    expect(desk.terminal.notes.join()).toContain('No HSM is down');
    expect(await desk.count('')).toBe(0);
  });

  test('listECCCurveIds lists those that it takes', async () => {
    const desk = await aKmuDesk();
    const shown = await desk.type('listECCCurveIds');
    expect([...shown.matchAll(/^ {6}NID_\w+ += (\d+)$/gm)].map(([, number]) => number)).toEqual(['2', '14', '16']);
  });
});

describe('EC public keys', () => {
  test('come in from PEM and are the same when they go out', async () => {
    const desk = await aKmuDesk();
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'pem', type: 'spki' });
    writeFileSync(desk.file('in'), pem);
    const shown = await desk.type(`importPubKey -l in -f ${desk.file('in')}`);
    const handle = /Public Key Handle: (\d+)/.exec(shown)?.[1];
    await desk.type(`exportPubKey -k ${handle} -out ${desk.file('out')}`);
    expect(readFileSync(desk.file('out'), 'utf8')).toBe(pem);
  });

  test('on other curves do not', async () => {
    const desk = await aKmuDesk();
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
    writeFileSync(desk.file('in'), publicKey.export({ format: 'pem', type: 'spki' }));
    expect(await desk.type(`importPubKey -l in -f ${desk.file('in')}`)).toContain('no RSA or EC public key');
    expect(await desk.count('')).toBe(0);
  });
});

describe('-m_value', () => {
  const BOB = 5;

  test('makes a key that is shared from the start and says how many must approve', async () => {
    const desk = await aKmuDesk();
    const key = await desk.makeAes(`-u ${BOB} -m_value 2`);
    const info = await desk.type(`getKeyInfo -k ${key}`);
    expect(info).toMatch(/Owned by user 4[\s\S]*following 1 user\(s\):[\s\S]*5/);
    expect(info).toContain('2 Users need to approve to use/manage this key');
    expect(desk.cluster.syncCheck()).toEqual([]);
    expect(desk.terminal.notes.join()).toContain('cloudhsm-cli');
  });

  test('keeps the key from every use without them, and says why', async () => {
    const desk = await aKmuDesk();
    const guarded = await desk.makeAes(`-u ${BOB} -m_value 2`);
    const other = await desk.makeAes();
    writeFileSync(desk.file('plain'), Buffer.alloc(32, 1));
    for (const line of [
      `wrapKey -k ${other} -w ${guarded} -out ${desk.file('out')}`,
      `wrapKey -k ${guarded} -w ${other} -out ${desk.file('out')}`,
      `exSymKey -k ${guarded} -w ${other} -out ${desk.file('out')}`,
      `imSymKey -f ${desk.file('plain')} -w ${guarded} -t 31 -l in`,
      `aesWrapUnwrap -m 1 -f ${desk.file('plain')} -w ${guarded} -out ${desk.file('out')}`,
    ]) {
      expect(await desk.type(line)).toContain(`the key ${guarded} wants 2 approvals`);
    }
    expect(() => readFileSync(desk.file('out'))).toThrow();
    expect(await desk.count('')).toBe(2);
    const bob = await desk.as('bob');
    expect(await bob.type(`aesWrapUnwrap -m 1 -f ${desk.file('plain')} -w ${guarded}`)).toContain('wants 2 approvals');
    expect(await desk.type(`deleteKey -k ${guarded}`)).toContain('Cfm3DeleteKey returned: 0x00');
  });

  test('touches the private half of a pair only', async () => {
    const desk = await aKmuDesk();
    const { publicKey, privateKey } = pairIn(await desk.type(`genECCKeyPair -i 2 -l p -u ${BOB} -m_value 2`));
    expect(await desk.type(`getKeyInfo -k ${publicKey}`)).not.toContain('need to approve');
    expect(await desk.type(`getKeyInfo -k ${privateKey}`)).toContain('2 Users need to approve');
  });

  test('of unWrapKey, guards the copy', async () => {
    const desk = await aKmuDesk();
    const [wrapping, key] = [await desk.makeAes(), await desk.makeAes()];
    await desk.type(`wrapKey -k ${key} -w ${wrapping} -out ${desk.file('w')}`);
    const shown = await desk.type(`unWrapKey -f ${desk.file('w')} -w ${wrapping} -u ${BOB} -m_value 2`);
    expect(await desk.type(`getKeyInfo -k ${keyHandleIn(shown)}`)).toContain('2 Users need to approve');
  });

  test('1 is what the HSMs refuse, with no key made', async () => {
    const desk = await aKmuDesk();
    expect(await desk.type(`genSymKey -t 31 -s 32 -l k -u ${BOB} -m_value 1`)).toContain('greater than 1');
    expect(await desk.count('')).toBe(0);
  });
});
