/** What cloudhsm_mgmt_util does beside users and quorum: output files, all attributes, templates, manual synchronisation, certificates. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type HsmNode, HsmRefusal, type SimulatedCluster } from '../../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCloudhsmMgmtUtil } from '../../../src/consoles/cloudhsm-mgmt-util/open-cloudhsm-mgmt-util.ts';
import { openKeyMgmtUtil } from '../../../src/consoles/key-mgmt-util/open-key-mgmt-util.ts';
import { aDesk, consoleCluster, type Desk, keyHandleIn, PASSWORDS } from '../../support/console-desk.ts';

let dir: string;
let cluster: SimulatedCluster;
let desk: Desk;
let kmu: Desk;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'keyferry-cmu-'));
  cluster = await consoleCluster(3);
  desk = aDesk(openCloudhsmMgmtUtil, cluster);
  kmu = aDesk(openKeyMgmtUtil, cluster);
  await kmu.type(`loginHSM -u CU -s alice -p ${PASSWORDS.user}`);
});
afterEach(async () => {
  await desk.console.close();
  await kmu.console.close();
  await cluster.close();
  rmSync(dir, { recursive: true, force: true });
});

const file = (name: string): string => join(dir, name);
const read = (name: string): string => readFileSync(file(name), 'utf8');
const asOfficer = (): Promise<string> => desk.type(`loginHSM CO officer ${PASSWORDS.officer}`);
const asAlice = (): Promise<string> => desk.type(`loginHSM CU alice ${PASSWORDS.user}`);
const aKey = async (label = 'key'): Promise<number> =>
  Number(keyHandleIn(await kmu.type(`genSymKey -t 31 -s 32 -l ${label}`)));

function node(server: number): HsmNode {
  const found = cluster.nodes[server];
  if (found === undefined) throw new Error(`no server ${server}`);
  return found;
}

describe('output files', () => {
  test('take what the screen would show, over an old file', async () => {
    const key = await aKey();
    await asAlice();
    for (const command of [`getAttribute ${key} 354`, `getKeyInfo -k ${key}`, `getKeyInfo ${key}`]) {
      writeFileSync(file('out'), 'old');
      const shown = await desk.type(command);
      expect(shown).toContain('server 2(10.0.0.3)');
      expect(await desk.type(`${command} ${file('out')}`)).toBe('');
      expect(read('out')).toBe(shown);
    }
    await desk.type('logoutHSM');
    await asOfficer();
    const shown = await desk.type('findAllKeys 4 1');
    expect(shown).toContain(`${key}`);
    expect(await desk.type(`findAllKeys 4 1 ${file('out')}`)).toBe('');
    expect(read('out')).toBe(shown);
  });

  test('that cannot be written are told', async () => {
    const key = await aKey();
    await asAlice();
    expect(await desk.type(`getAttribute ${key} 354 ${file('no/where')}`)).toContain('ENOENT');
    expect(desk.end()).toBe('misused');
    expect(await desk.type('getKeyInfo 1 2 3')).toContain('getKeyInfo [-k] <key handle>');
    expect(await desk.type('getKeyInfo -k')).toContain('getKeyInfo [-k] <key handle>');
  });
});

describe('attributes', () => {
  test('512 shows all that the key has', async () => {
    const key = await aKey('all');
    await asAlice();
    const shown = await desk.type(`getAttribute ${key} 512`);
    expect(shown).toContain('OBJ_ATTR_LABEL\nall\n');
    expect(shown).toContain('OBJ_ATTR_EXTRACTABLE\n0x00000001\n');
    expect(shown).not.toContain('OBJ_ATTR_MODULUS');
    expect(shown.match(/Attribute Value on server/g)).toHaveLength(3);
    expect(await desk.type('getAttribute 7 512')).toContain('getAttribute failed');
  });

  test('an unwrap template is what every key that the wrapping key opens gets', async () => {
    const kek = await aKey('kek');
    const payload = await aKey('payload');
    await asAlice();
    expect(await desk.type(`setAttribute ${kek} 1073742354 260=0,354=0`, 'y')).toContain(
      'setAttribute success on server 2',
    );
    expect(desk.terminal.notes.at(-1)).toContain("keyferry's own");
    expect(await desk.type(`getAttribute ${kek} 1073742354`)).toContain('OBJ_ATTR_UNWRAP_TEMPLATE\n260=0,354=0\n');
    await kmu.type(`wrapKey -k ${payload} -w ${kek} -out ${file('w')} -m 6 -noheader`);
    const unwrap = `unWrapKey -f ${file('w')} -w ${kek} -m 6 -noheader -l copy -kc 4 -kt 31`;
    // The tool asks for a key that may leave; the template says that it may not.
    expect(await kmu.type(unwrap)).toContain('was refused');
    await desk.type(`setAttribute ${kek} 1073742354 354=0`, 'y');
    const copy = keyHandleIn(await kmu.type(`${unwrap} -nex`));
    expect(await desk.type(`getAttribute ${copy} 354`)).toContain('OBJ_ATTR_EXTRACTABLE\n0x00000000');
  });

  test('a wrap template keeps keys of another kind from being wrapped', async () => {
    const kek = await aKey('kek');
    const payload = await aKey('payload');
    await asAlice();
    await desk.type(`setAttribute ${kek} 1073742353 268=1`, 'y');
    expect(await kmu.type(`wrapKey -k ${payload} -w ${kek} -out ${file('w')} -m 6 -noheader`)).not.toContain(
      'Key Wrapped',
    );
    expect(existsSync(file('w'))).toBe(false);
  });

  test.each(['x', '260', '260=2', '260=1=1', '3=1', '9999=1'])('the template %s is none', async (value) => {
    const kek = await aKey();
    await asAlice();
    await desk.type(`setAttribute ${kek} 1073742354 ${value}`, 'y');
    expect(desk.end()).toBe('misused');
    expect(await desk.type(`getAttribute ${kek} 1073742354`)).toContain('getAttribute failed');
  });
});

describe('syncKey', () => {
  /** On server 0 only: the removal of a key that did not reach enough HSMs was lost there. */
  async function anOrphan(): Promise<number> {
    cluster.fail(2);
    cluster.fail(3);
    cluster.loseTombstone(1);
    await kmu.type('genSymKey -t 31 -s 32 -l orphan -min_srv 2 -timeout 1');
    cluster.restore(2);
    cluster.restore(3);
    const [key] = node(0).login('CO', 'officer', PASSWORDS.officer).findAllKeys(4);
    return key?.handle ?? 0;
  }

  test('brings a key with its sharing to an HSM that lacks it', async () => {
    const key = await anOrphan();
    node(0).login('CU', 'alice', PASSWORDS.user).share(key, 5, true);
    expect(cluster.syncCheck().map(({ what }) => what)).toContain('keys');
    await asOfficer();
    await desk.type('server 0');
    expect(await desk.type(`syncKey ${key} 1`)).toBe('syncKey success\n');
    expect(await desk.type(`syncKey ${key} 2`)).toBe('syncKey success\n');
    expect(cluster.syncCheck()).toEqual([]);
    expect(node(2).login('CU', 'bob', PASSWORDS.user).keyInfo(key).sharedWith).toEqual([5]);
  });

  test('takes own keys of a crypto user only, and none that is there already', async () => {
    const key = await anOrphan();
    await desk.type(`loginHSM CU bob ${PASSWORDS.user}`);
    await desk.type('server 0');
    expect(await desk.type(`syncKey ${key} 1`)).toContain('belongs to another user');
    await desk.type('exit');
    await desk.type('logoutHSM');
    await asAlice();
    expect(await desk.type(`syncKey ${key} 1`)).toContain('enter server mode first');
    await desk.type('server 0');
    expect(await desk.type(`syncKey ${key} 9`)).toContain('There is no server 9');
    expect(await desk.type(`syncKey ${key} 0`)).toContain('is the HSM itself');
    expect(await desk.type(`syncKey ${key} 1`)).toBe('syncKey success\n');
    expect(await desk.type(`syncKey ${key} 1`)).toContain('has the key');
    expect(await desk.type('syncKey 7 1')).toContain('no key with handle 7');
  });

  test('wants the user known by one password on both', async () => {
    const key = await anOrphan();
    node(1).login('CO', 'officer', PASSWORDS.officer).changePassword('CU', 'alice', 'another-password');
    await asAlice();
    await desk.type('server 0');
    expect(await desk.type(`syncKey ${key} 1`)).toContain('not known by this password');
  });
});

describe('syncUser', () => {
  const count = (server: number): number => node(server).users().length;

  test('brings a user that an HSM missed, and a password that it did not get', async () => {
    await asOfficer();
    await desk.type('server 0');
    await desk.type('createUser CU carol password-carol', 'y');
    await desk.type('changePswd CU bob password-bob-2', 'y');
    expect(
      cluster
        .syncCheck()
        .map(({ what }) => what)
        .sort(),
    ).toEqual(['password', 'users']);
    const carol = node(0)
      .users()
      .find(({ name }) => name === 'carol')?.id;
    const bob = node(0)
      .users()
      .find(({ name }) => name === 'bob')?.id;
    const done = 'ExtractMaskedObject: 0x0 !\nInsertMaskedObject: 0x0 !\nsyncUser success\n';
    for (const server of [1, 2]) {
      expect(await desk.type(`syncUser ${carol} ${server}`)).toBe(done);
      expect(await desk.type(`syncUser ${bob} ${server}`)).toBe(done);
    }
    expect(cluster.syncCheck()).toEqual([]);
    expect([count(0), count(1), count(2)]).toEqual([6, 6, 6]);
    node(2).login('CU', 'bob', 'password-bob-2').logout();
  });

  test('is for officers, for users that are there, and changes nobody else', async () => {
    await asAlice();
    await desk.type('server 0');
    expect(await desk.type('syncUser 5 1')).toContain('alice is CU');
    await desk.type('logoutHSM');
    await desk.type('exit');
    await asOfficer();
    await desk.type('server 0');
    expect(await desk.type('syncUser 99 1')).toContain('no user 99');
    expect(await desk.type('syncUser 2 1')).toContain('of type AU');
    node(0).login('CO', 'officer', PASSWORDS.officer).createUser('CU', 'here', 'password-1');
    node(1).login('CO', 'officer', PASSWORDS.officer).createUser('CU', 'there', 'password-1');
    const id = node(0)
      .users()
      .find(({ name }) => name === 'here')?.id;
    expect(await desk.type(`syncUser ${id} 1`)).toContain('another user of that id or name');
    expect(
      node(1)
        .users()
        .some(({ name }) => name === 'there'),
    ).toBe(true);
    cluster.fail(3);
    expect(await desk.type(`syncUser ${id} 2`)).toContain('syncUser failed');
  });
});

describe('getCert', () => {
  test('writes the certificates of that HSM, which lead to the root', async () => {
    await desk.type('server 1');
    for (const number of [1, 2, 16]) {
      expect(await desk.type(`getCert ${file(`${number}.crt`)} ${number}`)).toBe('getCert Success\n');
    }
    const [root, issuer, hsm] = ['1.crt', '2.crt', '16.crt'].map((name) => new X509Certificate(read(name)));
    expect(hsm?.checkIssued(issuer ?? new X509Certificate(''))).toBe(true);
    expect(issuer?.checkIssued(root ?? new X509Certificate(''))).toBe(true);
    expect(read('1.crt')).toBe(await cluster.attestationRoot());
    await desk.type('exit');
    await desk.type('server 2');
    await desk.type(`getCert ${file('other.crt')} 16`);
    expect(read('other.crt')).not.toBe(read('16.crt'));
  });

  test('has none of a customer, and no other kinds', async () => {
    await desk.type('server 0');
    for (const number of [4, 8]) {
      expect(await desk.type(`getCert ${file('c')} ${number}`)).toContain('nobody has claimed this simulated cluster');
    }
    expect(await desk.type(`getCert ${file('c')} 3`)).toContain('no kind of certificate');
    expect(existsSync(file('c'))).toBe(false);
  });
});

describe('registerMofnPubKey', () => {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });

  beforeEach(() => {
    openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', file('plain.key'));
    openssl('pkey', '-in', file('plain.key'), '-aes256', '-passout', 'pass:phrase', '-out', file('locked.key'));
  });
  const isRegistered = (): boolean =>
    cluster.nodes.every((each) => each.users().some((user) => user.name === 'officer' && user.hasQuorumKey));

  test.each([
    ['plain.key', ['y']],
    ['locked.key', ['y', 'phrase']],
  ])('takes %s', async (name, answers) => {
    await asOfficer();
    const shown = await desk.type(`registerMofnPubKey CO match officer ${file(name)}`, ...answers);
    expect(shown).toContain('registerMofnPubKey success on server 0(10.0.0.1)');
    expect(shown.includes('Enter PEM pass phrase:')).toBe(answers.length === 2);
    expect(isRegistered()).toBe(true);
  });

  test('takes no wrong phrase, no public half, nobody else’s name, and stops at no', async () => {
    await asOfficer();
    const line = `registerMofnPubKey CO match officer ${file('locked.key')}`;
    expect(await desk.type(line, 'y', 'guess')).toContain('opens so');
    openssl('pkey', '-in', file('plain.key'), '-pubout', '-out', file('public.pem'));
    expect(await desk.type(`registerMofnPubKey CO match officer ${file('public.pem')}`, 'y')).toContain('opens so');
    expect(await desk.type(`registerMofnPubKey CO match admin ${file('plain.key')}`, 'y', 'I', 'I', 'I')).toContain(
      'its own key only',
    );
    await desk.type(line, 'n');
    expect(isRegistered()).toBe(false);
  });

  test('is not in the last edition', async () => {
    const last = aDesk(openCloudhsmMgmtUtil, cluster, '2023');
    expect(await last.type('registerMofnPubKey CO a b c')).toContain('registered with registerQuorumPubKey');
  });
});

test('delToken deletes a token on each HSM, and says what is not there', async () => {
  await asOfficer();
  await desk.type('setMValue 3 2', 'y');
  await desk.type(`getToken 3 officer ${file('token')}`);
  expect(await desk.type('listTokens')).toContain('Num of tokens = 1');
  expect(await desk.type('delToken 1')).toContain('delToken success on server 2(10.0.0.3)');
  expect(await desk.type('listTokens')).not.toContain('Num of tokens = 1');
  expect(await desk.type('delToken 1', 'I', 'I', 'I')).toContain('delToken failed on server 0(10.0.0.1)');
  expect(await desk.type('delToken one')).toContain('must be a number');
});

test('an HSM that is down gives no challenge', () => {
  cluster.fail(1);
  expect(() => node(0).challenge()).toThrow(HsmRefusal);
});
