/** key_mgmt_util: what it makes, what it refuses, and how. */
import { createDecipheriv } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SimulatedCluster } from '../../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCloudhsmMgmtUtil } from '../../../src/consoles/cloudhsm-mgmt-util/open-cloudhsm-mgmt-util.ts';
import { openKeyMgmtUtil } from '../../../src/consoles/key-mgmt-util/open-key-mgmt-util.ts';
import { aDesk, consoleCluster, type Desk, keyHandleIn, PASSWORDS } from '../../support/console-desk.ts';

let cluster: SimulatedCluster;
let desk: Desk;
let folder = '';
const file = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-kmu-'));
  cluster = await consoleCluster();
  desk = aDesk(openKeyMgmtUtil, cluster);
  await desk.type(`loginHSM -u CU -s alice -p ${PASSWORDS.user}`);
});

afterEach(async () => {
  await desk.console.close();
  await cluster.close();
  rmSync(folder, { recursive: true });
});

const makeAes = async (...flags: readonly string[]): Promise<string> =>
  keyHandleIn(await desk.type(`genSymKey -t 31 -s 32 -l key ${flags.join(' ')}`));

async function kcvOf(handle: string): Promise<string> {
  await desk.type(`getAttribute -o ${handle} -a 371 -out ${file('kcv')}`);
  return readFileSync(file('kcv'), 'utf8');
}

describe('logging in', () => {
  test.each([
    ['-u CO -s admin -p whatever-it-is', '0xdb', 'Invalid User Type.'],
    ['-u CU -s nobody -p whatever-it-is', '0xce', "This user doesn't exist"],
  ])('%s is refused with %s', async (flags, code, text) => {
    await desk.type('logoutHSM');
    const shown = await desk.type(`loginHSM ${flags}`);
    expect(shown).toContain(`Cfm3LoginHSM returned: ${code}`);
    expect(shown).toContain(text);
  });

  test('a wrong password has no known number, and says so', async () => {
    await desk.type('logoutHSM');
    const shown = await desk.type('loginHSM -u CU -s alice -p wrong-password');
    expect(shown).toContain("In keyferry's words");
    expect(shown).not.toMatch(/returned: 0x/);
    expect(await desk.type('findKey')).toContain('Log in first');
    expect(desk.end()).toBe('misused');
  });

  test('a password may be typed without echo', async () => {
    await desk.type('logoutHSM');
    const shown = await desk.type('loginHSM -u CU -s alice -hpswd', PASSWORDS.user);
    expect(shown).toContain('Enter password:\n');
    expect(shown).toContain('Cfm3LoginHSM returned: 0x00');
    expect(shown).not.toContain(PASSWORDS.user);
  });

  test('singlecmd logs in, does one command and leaves', async () => {
    await desk.type('logoutHSM');
    const shown = await desk.type(`singlecmd loginHSM -u CU -s bob -p ${PASSWORDS.user} listUsers`);
    expect(shown).toContain('Number Of Users found 5');
    expect(desk.end()).toBe('over');
    await desk.type('singlecmd loginHSM -u CU -s bob');
    expect(desk.end()).toBe('misused');
  });
});

test.each([
  ['loginHSM -u CU -s alice -p secret-word', 'loginHSM -u CU -s alice -p ********'],
  ['logniHSM -u CU -s alice -p secret-word', 'logniHSM -u CU -s alice -p ********'],
  ['singlecmd loginHSM -p "secret word" -u CU -s a findKey', 'singlecmd loginHSM -p ******** -u CU -s a findKey'],
  ['findKey -l p', 'findKey -l p'],
])('%s is kept as %s', (line, kept) => {
  expect(desk.console.masked(line)).toBe(kept);
});

describe('lines that are not understood', () => {
  test.each([
    ['genSymKy -t 31', 'Did you mean genSymKey?'],
    ['genDSAKeyPair -m 2048 -l x', 'This console does not have genDSAKeyPair'],
    ['genSymKey -t 31 -s 32', 'Missing: -l.'],
    ['genSymKey -t 31 -s 32 -l a -l b', '-l stands there twice.'],
    ['genSymKey -t 31 -s thirty -l a', '-s must be a number'],
    ['genSymKey -t 31 -s 33 -l a', '16, 24 or 32'],
    ['genSymKey -t 18 -s 16 -l a', '-t 18'],
    ['genSymKey -t 31 -s 32 -l a -timeout 5', '-timeout goes with -min_srv only.'],
    ['genSymKey -t 31 -s 32 -l a -min_srv 3', 'the cluster has 2 HSMs'],
    ['genSymKey -t 31 -s 32 -l a -u 4', 'not yourself'],
    ['genSymKey -t 31 -s 32 -l a -u 99', 'no crypto user with that id'],
    ['genSymKey -t 31 -s 32 -l a -m_value 2', '1 can approve'],
    ['genSymKey -t 31 -s 32 -l a -m_value 9', '0 to 8'],
    ['genSymKey -t 31 -s 32 -l a -u 5 -sess', 'no -sess'],
    ['imSymKey -f a -w 6 -t 31 -l a -m_value 2', 'There is no flag -m_value'],
    ['genECCKeyPair -i 99 -l a', 'there is no such curve'],
    ['genECCKeyPair -l a', 'Missing: -i.'],
    ['genRSAKeyPair -m 1024 -e 65537 -l a', '2048 to 4096'],
    ['genRSAKeyPair -m 2048 -e 65536 -l a', 'an odd number'],
    ['wrapKey -k 1 -w 2 -out f -m 12', '-m 12 is not known here'],
    ['wrapKey -k 1 -w 2 -out f -m 4 -t 3', '-t goes with -m 7 and -m 8 only.'],
    ['wrapKey -k 1 -w 2 -out f -m 8 -t 7', '-t 7 is not known here'],
    ['wrapKey -k 1 -w 2 -out f -m 4 -aad a', '-aad goes with -m 10 and -m 11 only.'],
    ['wrapKey -k 1 -w 2 -out f -m 10 -i 00', '-i goes with -m 4 and -m 5 only.'],
    ['wrapKey -k 1 -w 2 -out f -m 10 -tag_size 12', '-tag_size goes with -noheader only.'],
    ['wrapKey -k 1 -w 2 -out f -m 10 -noheader', 'Missing: -iv_file.'],
    ['wrapKey -k 1 -w 2 -out f -m 11 -noheader -iv_file i', '-iv_file goes with -m 10 only.'],
    ['wrapKey -k 1 -w 2 -out f -m 11 -noheader -tag_size 7', '8, or 12 to 16'],
    ['wrapKey -k 1 -w 2 -out f -m 4 -noheader -i a6', '16 hex digits'],
    ['unWrapKey -f f -w 2 -noheader -kc 4', '-noheader needs'],
    ['unWrapKey -f f -w 2 -kc 4', 'the header says it'],
    ['findKey -labl x', 'There is no flag -labl'],
    ['getAttribute -o 1 -a 999 -out f', 'there is no such attribute'],
    ['setAttribute -o 1 -a 262', 'OBJ_ATTR_TOKEN (1) only'],
    ['findKey "half', 'ends inside a quotation'],
  ])('%s', async (line, message) => {
    expect(await desk.type(line)).toContain(message);
    expect(desk.end()).toBe('misused');
    expect(await desk.type('findKey')).toContain('Total number of keys present 0\n');
  });

  test('later clients want -m', async () => {
    const newer = aDesk(openKeyMgmtUtil, cluster, '2023');
    await newer.type(`loginHSM -u CU -s alice -p ${PASSWORDS.user}`);
    expect(await newer.type(`wrapKey -k 1 -w 2 -out ${file('f')}`)).toContain('Missing: -m.');
    await newer.console.close();
  });
});

describe('wrapping', () => {
  test.each([4, 5, 6])('a copy under -m %i is the same key, with header and without', async (m) => {
    const [wrapping, key] = [await makeAes(), await makeAes('-id', 'one')];
    expect(await desk.type(`wrapKey -k ${key} -w ${wrapping} -m ${m} -noheader -out ${file('raw')}`)).toContain(
      `length ${statSync(file('raw')).size}`,
    );
    expect(statSync(file('raw')).size).toBe(m === 4 ? 48 : 40);
    const foreign = await desk.type(
      `unWrapKey -f ${file('raw')} -w ${wrapping} -m ${m} -noheader -l copy -kc 4 -kt 31`,
    );
    expect(foreign).toContain('Cfm3CreateUnwrapTemplate2 returned: 0x00');
    expect(foreign).toContain('Cfm2UnWrapWithTemplate3 returned: 0x00');
    expect(await kcvOf(keyHandleIn(foreign))).toBe(await kcvOf(key));
  });

  test('a header keeps label and rights, and -nex takes one away', async () => {
    const [wrapping, key] = [await makeAes(), await makeAes()];
    await desk.type(`wrapKey -k ${key} -w ${wrapping} -out ${file('wrapped')}`);
    const copy = keyHandleIn(await desk.type(`unWrapKey -f ${file('wrapped')} -w ${wrapping} -nex`));
    expect(await desk.type('findKey -l key')).toContain(copy);
    expect(await desk.type(`wrapKey -k ${copy} -w ${wrapping} -out ${file('again')}`)).toContain(
      'CKR_KEY_UNEXTRACTABLE',
    );
    expect(() => statSync(file('again'))).toThrow();
  });

  test('under RSA-OAEP, both halves of the default hash', async () => {
    const pair = await desk.type('genRSAKeyPair -m 2048 -e 65537 -l pair');
    const [, publicKey = '', privateKey = ''] =
      /public key handle: (\d+) {4}private key handle: (\d+)/.exec(pair) ?? [];
    const key = await makeAes();
    await desk.type(`wrapKey -k ${key} -w ${publicKey} -m 8 -noheader -out ${file('oaep')}`);
    const arrived = await desk.type(
      `unWrapKey -f ${file('oaep')} -w ${privateKey} -m 8 -t 2 -noheader -l in -kc 4 -kt 31`,
    );
    expect(await kcvOf(keyHandleIn(arrived))).toBe(await kcvOf(key));
    const wrong = await desk.type(
      `unWrapKey -f ${file('oaep')} -w ${privateKey} -m 8 -t 3 -noheader -l in -kc 4 -kt 31`,
    );
    expect(wrong).toContain('Cfm2UnWrapWithTemplate3 was refused');
  });

  test('a cut or foreign file is no wrapped key', async () => {
    const wrapping = await makeAes();
    writeFileSync(file('short'), 'nothing');
    expect(await desk.type(`unWrapKey -f ${file('short')} -w ${wrapping}`)).toContain('no header of this console');
    expect(await desk.type(`unWrapKey -f ${file('absent')} -w ${wrapping}`)).toContain('ENOENT');
    expect(await desk.type('findKey')).toContain('Total number of keys present 1\n');
  });
});

describe('keys in clear', () => {
  test('imSymKey and exSymKey carry the same bytes, and leave a note', async () => {
    const wrapping = await makeAes();
    const bytes = Buffer.alloc(24, 7);
    writeFileSync(file('in'), bytes);
    const key = keyHandleIn(await desk.type(`imSymKey -f ${file('in')} -w ${wrapping} -t 31 -l in`));
    await desk.type(`exSymKey -k ${key} -w ${wrapping} -out ${file('out')}`);
    expect(readFileSync(file('out'))).toEqual(bytes);
    expect(statSync(file('out')).mode & 0o777).toBe(0o600);
    expect(desk.terminal.notes.filter((note) => note.includes('in clear'))).toHaveLength(2);
  });

  test.each([15, 31, 33])('a file of %i bytes is no AES key', async (size) => {
    const wrapping = await makeAes();
    writeFileSync(file('in'), Buffer.alloc(size));
    expect(await desk.type(`imSymKey -f ${file('in')} -w ${wrapping} -t 31 -l in`)).toContain('Nothing was done');
    expect(await desk.type('findKey -l in')).toContain('Total number of keys present 0\n');
  });

  test('a key that may not leave stays', async () => {
    const [wrapping, key] = [await makeAes(), await makeAes('-nex')];
    expect(await desk.type(`exSymKey -k ${key} -w ${wrapping} -out ${file('out')}`)).toContain(
      'Cfm3WrapKey was refused',
    );
    expect(() => statSync(file('out'))).toThrow();
  });

  test('aesWrapUnwrap is AES key wrap: node opens it', async () => {
    const wrapping = await makeAes();
    const other = await makeAes();
    await desk.type(`exSymKey -k ${wrapping} -w ${other} -out ${file('kek')}`);
    writeFileSync(file('plain'), 'twenty-four bytes of it!');
    const shown = await desk.type(`aesWrapUnwrap -m 1 -f ${file('plain')} -w ${wrapping} -out ${file('wrapped')}`);
    expect(shown).toContain('Warning: IV (-i) is missing.');
    expect(readFileSync(file('wrapped'))).toHaveLength(40);
    const cipher = createDecipheriv('id-aes256-wrap', readFileSync(file('kek')), Buffer.alloc(8, 0xa6));
    const opened = Buffer.concat([cipher.update(readFileSync(file('wrapped'))), cipher.final()]);
    expect(opened.subarray(0, 24).toString()).toBe('twenty-four bytes of it!');
    await desk.type(`aesWrapUnwrap -m 0 -f ${file('wrapped')} -w ${wrapping} -out ${file('back')}`);
    expect(readFileSync(file('back'), 'utf8')).toBe('twenty-four bytes of it!');
    const wrong = await desk.type(`aesWrapUnwrap -m 0 -f ${file('wrapped')} -w ${other} -out ${file('none')}`);
    expect(wrong).toContain('Cfm3UnWrapHostKey was refused');
  });
});

describe('whose key it is', () => {
  test('shared at its creation, seen by the other, never deleted or taken out by the other', async () => {
    const key = await makeAes('-u 5');
    expect(await desk.type(`getKeyInfo -k ${key}`)).toMatch(/Owned by user 4[\s\S]*following 1 user\(s\):[\s\S]*5/);
    const bob = aDesk(openKeyMgmtUtil, cluster, '2018');
    await bob.type(`loginHSM -u CU -s bob -p ${PASSWORDS.user}`);
    const own = keyHandleIn(await bob.type('genSymKey -t 31 -s 32 -l own'));
    expect(await bob.type(`deleteKey -k ${key}`)).toContain(
      'Cfm3DeleteKey returned: 0xc6 : HSM Error: Key Access is denied',
    );
    expect(await bob.type(`wrapKey -k ${key} -w ${own} -out ${file('stolen')}`)).toContain('Cfm2WrapKey was refused');
    expect(() => statSync(file('stolen'))).toThrow();
    expect(await bob.type(`wrapKey -k ${own} -w ${key} -out ${file('own')}`)).toContain('Key Wrapped.');
    await bob.console.close();
  });

  test('a handle that names nothing: 0xa8, on every node', async () => {
    const shown = await desk.type('deleteKey -k 4711');
    expect(shown).toContain('Cfm3FindKey returned: 0xa8');
    expect(shown.match(/err state 0x000000a8/g)).toHaveLength(2);
    expect(await desk.type('findSingleKey -k 4711')).toContain('0x000000a8');
  });

  test('what is deleted is gone', async () => {
    const key = await makeAes();
    expect(await desk.type(`deleteKey -k ${key}`)).toContain('Cfm3DeleteKey returned: 0x00');
    expect(await desk.type(`deleteKey -k ${key}`)).toContain('0xa8');
  });

  test('a session key becomes a token key by setAttribute, and only so', async () => {
    const key = await makeAes('-sess');
    expect(await desk.type(`setAttribute -o ${key} -a 1`, '0')).toContain('was refused');
    expect(await desk.type('findKey -sess 1')).toContain(key);
    expect(await desk.type(`setAttribute -o ${key} -a 1`, '1')).toContain('Cfm3SetAttribute returned: 0x00');
    expect(await desk.type('findKey -sess 0')).toContain(key);
  });

  test('a session key dies with the login', async () => {
    const key = await makeAes('-sess');
    await desk.type('logoutHSM');
    await desk.type(`loginHSM -u CU -s alice -p ${PASSWORDS.user}`);
    expect(await desk.type(`findSingleKey -k ${key}`)).toContain('0xa8');
  });
});

describe('HSMs that fail', () => {
  test('a node that is down is told; with none left nothing is done', async () => {
    cluster.fail(2);
    expect(await desk.type('genSymKey -t 31 -s 32 -l k')).toContain('Node id 2 and err state 0x30000085');
    cluster.fail(1);
    const shown = await desk.type('genSymKey -t 31 -s 32 -l k');
    expect(shown).toContain('Cfm3GenerateSymmetricKey was refused');
    expect(shown).not.toContain('Key Handle');
  });

  test('too few servers in time: no key', async () => {
    cluster.fail(2);
    const shown = await desk.type('genSymKey -t 31 -s 32 -l few -min_srv 2 -timeout 0');
    expect(shown).toContain('was refused');
    expect(await desk.type('findKey -l few')).toContain('Total number of keys present 0\n');
  });
});

describe('attributes', () => {
  test.each([
    ['2018', 'Attributes dumped into', 'got all attributes of size'],
    ['2023', 'Written to:', 'Attribute size:'],
  ] as const)('into a file, as the documents of %s say it', async (edition, one, all) => {
    const key = await makeAes();
    const other = aDesk(openKeyMgmtUtil, cluster, edition);
    await other.type(`loginHSM -u CU -s alice -p ${PASSWORDS.user}`);
    expect(await other.type(`getAttribute -o ${key} -a 262 -out ${file('one')}`)).toContain(one);
    expect(readFileSync(file('one'), 'utf8')).toBe('OBJ_ATTR_WRAP\n0x00000001\n');
    expect(await other.type(`getAttribute -o ${key} -a 512 -out ${file('all')}`)).toContain(all);
    const dump = readFileSync(file('all'), 'utf8');
    expect(dump.startsWith('OBJ_ATTR_CLASS\n0x04\nOBJ_ATTR_KEY_TYPE\n0x1f\n')).toBe(true);
    if (edition === '2018') expect(dump.trim().split('\n')).toHaveLength(2 * 17);
    await other.console.close();
  });

  test('an attribute that the key does not have', async () => {
    const key = await makeAes();
    expect(await desk.type(`getAttribute -o ${key} -a 288 -out ${file('none')}`)).toContain(
      'no attribute OBJ_ATTR_MODULUS',
    );
    expect(() => statSync(file('none'))).toThrow();
  });

  test('public keys go out and come back as PEM', async () => {
    const pair = await desk.type('genRSAKeyPair -m 2048 -e 65537 -l pair');
    const publicKey = /public key handle: (\d+)/.exec(pair)?.[1] ?? '';
    expect(await desk.type(`exportPubKey -k ${publicKey} -out ${file('pem')}`)).toContain('PEM formatted public key');
    const back = await desk.type(`importPubKey -l again -f ${file('pem')}`);
    expect(back).toMatch(/Cfm3CreatePublicKey returned: 0x00[\s\S]*Public Key Handle: \d+/);
    const imported = /Public Key Handle: (\d+)/.exec(back)?.[1] ?? '';
    await desk.type(`exportPubKey -k ${imported} -out ${file('pem2')}`);
    expect(readFileSync(file('pem2'), 'utf8')).toBe(readFileSync(file('pem'), 'utf8'));
    writeFileSync(file('bad'), 'no PEM');
    expect(await desk.type(`importPubKey -l bad -f ${file('bad')}`)).toContain('no RSA or EC public key');
    const secret = await makeAes();
    expect(await desk.type(`exportPubKey -k ${secret} -out ${file('pem3')}`)).toContain('was refused');
  });

  test('numbers of errors, the known ones only', async () => {
    expect(await desk.type('Error2String -r 0xc6')).toContain('Error Code c6 maps to HSM Error: Key Access is denied');
    expect(await desk.type('Error2String -r 0x77')).toContain('keyferry does not know');
  });

  test('help keeps the names of commands apart from what they do', async () => {
    const help = await desk.type('help');
    for (const name of ['loginHSM', 'importPrivateKey', 'extractMaskedObject', 'IsValidKeyHandlefile'])
      expect(help).toMatch(new RegExp(`^\\s*${name} {2,}[a-z]`, 'm'));
  });

  test('what cloudhsm_mgmt_util changed on one node only is that node’s', async () => {
    const key = await makeAes();
    const management = aDesk(openCloudhsmMgmtUtil, cluster);
    await management.type(`loginHSM CU alice ${PASSWORDS.user}`);
    await management.type('server 1');
    await management.type(`setAttribute ${key} 262 0`, 'y');
    await management.type('exit');
    expect(await management.type(`getAttribute ${key} 262`)).toMatch(/0x00000001[\s\S]*0x00000000/);
    expect(cluster.syncCheck().map(({ what }) => what)).toEqual(['attributes']);
    await management.console.close();
  });
});
