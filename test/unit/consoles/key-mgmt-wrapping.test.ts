/** key_mgmt_util: AES-GCM, IVs and SHA-224 of wrapKey and unWrapKey, and findKey by modulus. */
import { createDecipheriv, privateDecrypt } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keyHandleIn } from '../../support/console-desk.ts';
import { aKmuDesk, type KmuDesk, pairIn } from '../../support/kmu-desk.ts';

/** The bytes of a key, by exSymKey. */
async function bytesOf(desk: KmuDesk, key: string): Promise<Buffer> {
  await desk.type(`exSymKey -k ${key} -w ${await desk.makeAes()} -out ${desk.file('bytes')}`);
  return readFileSync(desk.file('bytes'));
}

describe('AES-GCM', () => {
  test('-m 10 -noheader: the IV in its own file; node:crypto opens it', async () => {
    const desk = await aKmuDesk();
    const [wrapping, key] = [await desk.makeAes(), await desk.makeAes()];
    writeFileSync(desk.file('aad'), 'who and what for');
    const gcm = `-w ${wrapping} -m 10 -noheader -iv_file ${desk.file('iv')} -aad ${desk.file('aad')} -tag_size 12`;
    const shown = await desk.type(`wrapKey -k ${key} -out ${desk.file('w')} ${gcm}`);
    expect(shown).toContain(`Wrapped Key written to file "${desk.file('w')} length 44\n`);
    const [iv, wrapped] = [readFileSync(desk.file('iv')), readFileSync(desk.file('w'))];
    expect(iv).toHaveLength(12);
    const cipher = createDecipheriv('aes-256-gcm', await bytesOf(desk, wrapping), iv, { authTagLength: 12 });
    cipher.setAAD(Buffer.from('who and what for'));
    cipher.setAuthTag(wrapped.subarray(-12));
    const opened = Buffer.concat([cipher.update(wrapped.subarray(0, -12)), cipher.final()]);
    expect(opened.equals(await bytesOf(desk, key))).toBe(true);
    const copy = await desk.type(`unWrapKey -f ${desk.file('w')} ${gcm} -l copy -kc 4 -kt 31`);
    expect(await desk.kcvOf(keyHandleIn(copy))).toBe(await desk.kcvOf(key));
  });

  test('-m 11 -noheader: the IV stands before the ciphertext', async () => {
    const desk = await aKmuDesk();
    const [wrapping, key] = [await desk.makeAes(), await desk.makeAes()];
    await desk.type(`wrapKey -k ${key} -w ${wrapping} -m 11 -noheader -out ${desk.file('w')}`);
    expect(statSync(desk.file('w')).size).toBe(12 + 32 + 16);
    const copy = await desk.type(`unWrapKey -f ${desk.file('w')} -w ${wrapping} -m 11 -noheader -l copy -kc 4 -kt 31`);
    expect(await desk.kcvOf(keyHandleIn(copy))).toBe(await desk.kcvOf(key));
  });

  test.each([10, 11])('-m %i with a header needs no other file', async (m) => {
    const desk = await aKmuDesk();
    const [wrapping, key] = [await desk.makeAes(), await desk.makeAes()];
    await desk.type(`wrapKey -k ${key} -w ${wrapping} -m ${m} -out ${desk.file('w')}`);
    const copy = await desk.type(`unWrapKey -f ${desk.file('w')} -w ${wrapping} -m ${m}`);
    expect(await desk.kcvOf(keyHandleIn(copy))).toBe(await desk.kcvOf(key));
    expect(await desk.count('-l key')).toBe(3);
  });

  test('does not open with other data, another IV, another tag size or a changed byte', async () => {
    const desk = await aKmuDesk();
    const wrapping = await desk.makeAes();
    writeFileSync(desk.file('aad'), 'one');
    writeFileSync(desk.file('other'), 'two');
    const files = `-noheader -m 10 -w ${wrapping}`;
    await desk.type(
      `wrapKey -k ${await desk.makeAes()} ${files} -out ${desk.file('w')} -iv_file ${desk.file('iv')} -aad ${desk.file('aad')}`,
    );
    const wrapped = readFileSync(desk.file('w'));
    writeFileSync(desk.file('iv2'), Buffer.alloc(12));
    writeFileSync(desk.file('w2'), wrapped.fill(wrapped[0] === 0 ? 1 : 0, 0, 1));
    const before = await desk.count('');
    for (const [w, iv, aad, more] of [
      ['w', 'iv', 'other', ''],
      ['w', 'iv2', 'aad', ''],
      ['w', 'iv', 'aad', '-tag_size 12'],
      ['w2', 'iv', 'aad', ''],
    ] as const) {
      const shown = await desk.type(
        `unWrapKey -f ${desk.file(w)} ${files} -iv_file ${desk.file(iv)} -aad ${desk.file(aad)} -l c -kc 4 -kt 31 ${more}`,
      );
      expect(shown).toContain('Cfm2UnWrapWithTemplate3 was refused');
    }
    writeFileSync(desk.file('short'), 'short');
    expect(
      await desk.type(`unWrapKey -f ${desk.file('w')} ${files} -iv_file ${desk.file('short')} -l c -kc 4 -kt 31`),
    ).toContain('holds no IV');
    expect(await desk.count('')).toBe(before);
  });

  test('a key that may not leave does not leave by it', async () => {
    const desk = await aKmuDesk();
    const line = `wrapKey -k ${await desk.makeAes('-nex')} -w ${await desk.makeAes()} -m 11 -out ${desk.file('w')}`;
    expect(await desk.type(line)).toContain('CKR_KEY_UNEXTRACTABLE');
    expect(() => statSync(desk.file('w'))).toThrow();
  });
});

describe('-i', () => {
  test.each([
    [4, 'A6A6A6A6A6A6A6A6'],
    [5, '0xa6a6a6a6a6a6a6a6'],
  ])("-m %i takes the algorithm's own IV", async (m, iv) => {
    const desk = await aKmuDesk();
    const [wrapping, key] = [await desk.makeAes(), await desk.makeAes()];
    const line = `-w ${wrapping} -m ${m} -noheader -i ${iv}`;
    expect(await desk.type(`wrapKey -k ${key} ${line} -out ${desk.file('w')}`)).toContain('Key Wrapped.');
    const copy = await desk.type(`unWrapKey -f ${desk.file('w')} ${line} -l copy -kc 4 -kt 31`);
    expect(await desk.kcvOf(keyHandleIn(copy))).toBe(await desk.kcvOf(key));
  });

  test.each([
    [4, '0000000000000000', 'and no other'],
    [6, 'a6a6a6a6a6a6a6a6', 'take none'],
  ])('-m %i does not take %s', async (m, iv, words) => {
    const desk = await aKmuDesk();
    const key = await desk.makeAes();
    const shown = await desk.type(`wrapKey -k ${key} -w ${key} -m ${m} -noheader -i ${iv} -out ${desk.file('w')}`);
    expect(shown).toContain('Cfm2WrapKey was refused');
    expect(shown).toContain(words);
    expect(() => statSync(desk.file('w'))).toThrow();
  });
});

test('-t 6 is SHA-224, for OAEP and RSA-AES', async () => {
  const desk = await aKmuDesk();
  const { publicKey, privateKey } = pairIn(await desk.type('genRSAKeyPair -m 2048 -e 65537 -l pair'));
  const key = await desk.makeAes();
  for (const m of [7, 8]) {
    await desk.type(`wrapKey -k ${key} -w ${publicKey} -m ${m} -t 6 -noheader -out ${desk.file('w')}`);
    const unwrap = `unWrapKey -f ${desk.file('w')} -w ${privateKey} -m ${m} -noheader -l in -kc 4 -kt 31`;
    expect(await desk.kcvOf(keyHandleIn(await desk.type(`${unwrap} -t 6`)))).toBe(await desk.kcvOf(key));
    expect(await desk.type(`${unwrap} -t 3`)).toContain('was refused');
  }
  await desk.type(`exportPrivateKey -k ${privateKey} -w ${key} -out ${desk.file('pem')}`);
  await desk.type(`wrapKey -k ${key} -w ${publicKey} -m 8 -t 6 -noheader -out ${desk.file('w')}`);
  const opened = privateDecrypt(
    { key: readFileSync(desk.file('pem')), oaepHash: 'sha224' },
    readFileSync(desk.file('w')),
  );
  expect(opened.equals(await bytesOf(desk, key))).toBe(true);
});

describe('private keys', () => {
  test('go under AES with a header and without, and under RSA-AES', async () => {
    const desk = await aKmuDesk();
    const kek = await desk.makeAes();
    const ec = pairIn(await desk.type('genECCKeyPair -i 16 -l ec'));
    const rsa = pairIn(await desk.type('genRSAKeyPair -m 2048 -e 65537 -l rsa'));
    const pemOf = async (key: string): Promise<string> => {
      await desk.type(`exportPrivateKey -k ${key} -w ${kek} -out ${desk.file('pem')}`);
      return readFileSync(desk.file('pem'), 'utf8');
    };
    const original = await pemOf(ec.privateKey);
    for (const [wrap, unwrap, flags] of [
      [kek, kek, '-m 4'],
      [kek, kek, '-m 6 -noheader'],
      [kek, kek, '-m 11 -noheader'],
      [rsa.publicKey, rsa.privateKey, '-m 7 -t 3 -noheader'],
    ] as const) {
      await desk.type(`wrapKey -k ${ec.privateKey} -w ${wrap} ${flags} -out ${desk.file('w')}`);
      const naming = flags.includes('noheader') ? '-l copy -kc 3 -kt 3' : '';
      const shown = await desk.type(`unWrapKey -f ${desk.file('w')} -w ${unwrap} ${flags} ${naming}`);
      expect(await pemOf(keyHandleIn(shown))).toBe(original);
    }
    const wrongType = `unWrapKey -f ${desk.file('w')} -w ${rsa.privateKey} -m 7 -t 3 -noheader -l copy -kc 3 -kt 0`;
    expect(await desk.type(wrongType)).toContain('Cfm2UnWrapWithTemplate3 was refused');
  });

  test('not under RSA-OAEP alone', async () => {
    const desk = await aKmuDesk();
    const { publicKey, privateKey } = pairIn(await desk.type('genRSAKeyPair -m 2048 -e 65537 -l rsa'));
    const shown = await desk.type(`wrapKey -k ${privateKey} -w ${publicKey} -m 8 -noheader -out ${desk.file('w')}`);
    expect(shown).toContain('Cfm2WrapKey was refused');
    expect(() => statSync(desk.file('w'))).toThrow();
  });
});

describe('findKey -m', () => {
  test('finds both halves by the modulus that getAttribute wrote, or its digits alone', async () => {
    const desk = await aKmuDesk();
    const { publicKey, privateKey } = pairIn(await desk.type('genRSAKeyPair -m 2048 -e 65537 -l pair'));
    await desk.type('genRSAKeyPair -m 2048 -e 65537 -l other');
    await desk.type(`getAttribute -o ${publicKey} -a 288 -out ${desk.file('m')}`);
    expect(await desk.type(`findKey -m ${desk.file('m')}`)).toContain(`\n${publicKey}, ${privateKey}\n`);
    writeFileSync(desk.file('digits'), readFileSync(desk.file('m'), 'utf8').split('\n').slice(1).join('').slice(2));
    expect(await desk.count(`-m ${desk.file('digits')} -c 2`)).toBe(1);
  });

  test('finds nothing by another, and looks for nothing without one', async () => {
    const desk = await aKmuDesk();
    await desk.makeAes();
    writeFileSync(desk.file('m'), '00ff');
    expect(await desk.count(`-m ${desk.file('m')}`)).toBe(0);
    writeFileSync(desk.file('m'), 'no digits');
    const shown = await desk.type(`findKey -m ${desk.file('m')}`);
    expect(shown).toContain('holds no modulus');
    expect(shown).not.toContain('Total number');
  });
});
