/** cloudhsm_mgmt_util: what it does server by server, what it asks, and what it says when servers come to differ. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SimulatedCluster } from '../../../src/adapters/cloudhsm/cluster/cluster.ts';
import { readApprovalFile } from '../../../src/consoles/cloudhsm-mgmt-util/approval-file.ts';
import { openCloudhsmMgmtUtil } from '../../../src/consoles/cloudhsm-mgmt-util/open-cloudhsm-mgmt-util.ts';
import { openKeyMgmtUtil } from '../../../src/consoles/key-mgmt-util/open-key-mgmt-util.ts';
import { aDesk, consoleCluster, type Desk, keyHandleIn, PASSWORDS } from '../../support/console-desk.ts';

let cluster: SimulatedCluster;
let desk: Desk;

beforeEach(async () => {
  cluster = await consoleCluster(3);
  desk = aDesk(openCloudhsmMgmtUtil, cluster);
});

afterEach(async () => {
  await desk.console.close();
  await cluster.close();
});

const asOfficer = (): Promise<string> => desk.type(`loginHSM CO officer ${PASSWORDS.officer}`);
const names = (server: number): string[] => cluster.nodes[server]?.users().map(({ name }) => name) ?? [];

describe('lines that are not understood', () => {
  test.each([
    ['creatUser CU x y', 'Did you mean createUser?'],
    ['get', 'getAttribute or getKeyInfo or getMValue or getToken or getHSMInfo or getCert'],
    ['syncKey 1 2', 'Log in first'],
    ['getCert file 1', 'enter server mode first'],
    ['createUser CU x', 'createUser takes 3 to 5 words'],
    ['loginHSM AU app_user secret-word', 'none of the user types'],
    ['setAttribute 6 354 0', 'Log in first'],
    ['info server 7', 'There is no server 7; there are 0, 1, 2.'],
    ['exit', 'no server mode'],
    ['setMValue 9 2', 'Log in first'],
    ['getMValue 9', 'no service of officers'],
  ])('%s', async (line, message) => {
    expect(await desk.type(line)).toContain(message);
    expect(desk.end()).toBe('misused');
  });

  test.each([
    ['findAllKeys six 0', 'must be a number'],
    ['findAllKeys 6 2', 'is 0 or 1'],
    ['loginHSM CO admin another-password', 'officer is logged in'],
  ])('%s, although somebody is logged in', async (line, message) => {
    await asOfficer();
    expect(await desk.type(line)).toContain(message);
    expect(desk.end()).toBe('misused');
  });

  test('a beginning that only one command has is enough', async () => {
    expect(await desk.type('listU')).toContain('Number of users found:5');
    expect(desk.end()).toBe('done');
  });

  test('the wrong kind of user is told so before anything is asked', async () => {
    await desk.type(`loginHSM CU alice ${PASSWORDS.user}`);
    for (const line of ['createUser CU x password-x', 'findAllKeys 4 0', 'setMValue 3 2', 'setAttribute 1 134 1']) {
      expect(await desk.type(line)).toContain('alice is CU');
      expect(desk.end()).toBe('misused');
    }
  });

  test('enable_e2e is there in the editions that have it', async () => {
    expect(await desk.type('enable_e2e')).toBe(
      'E2E enabled on server 0(10.0.0.1)\nE2E enabled on server 1(10.0.0.2)\nE2E enabled on server 2(10.0.0.3)\n',
    );
    expect(await aDesk(openCloudhsmMgmtUtil, cluster, '2023').type('enable_e2e')).toContain('always encrypted');
  });
});

describe('the warning', () => {
  test('anything but y and n is asked again; n does nothing', async () => {
    await asOfficer();
    const shown = await desk.type('createUser CU carol password-c', 'yes', 'n');
    expect(shown).toContain("Invalid option, please type 'y' or 'n'");
    expect(names(0)).not.toContain('carol');
  });

  test('the end of the input is a no', async () => {
    await asOfficer();
    await desk.type('createUser CU carol password-c');
    expect(names(0)).not.toContain('carol');
  });

  test('later documents name another subject', async () => {
    const later = aDesk(openCloudhsmMgmtUtil, cluster, '2023');
    await later.type(`loginHSM CO officer ${PASSWORDS.officer}`);
    expect(await later.type('createUser CU carol password-c', 'n')).toContain(
      'cluster. AWS does NOT synchronize these changes automatically with the\n',
    );
    await later.console.close();
  });
});

describe('a server that fails in the middle', () => {
  test('Abort leaves the earlier ones changed, and says which', async () => {
    await asOfficer();
    cluster.fail(2);
    const shown = await desk.type('createUser CU carol password-c', 'y', 'A');
    expect(shown).toContain('creating user on server 1(10.0.0.2) failed');
    expect(names(0)).toContain('carol');
    expect(desk.terminal.notes).toEqual([
      'createUser was done on server 0(10.0.0.1) and not on server 1(10.0.0.2), server 2(10.0.0.3): the HSMs now differ, and the cluster does not mend that by itself.',
    ]);
    cluster.restore(2);
    expect(cluster.syncCheck().some(({ what, subject }) => what === 'users' && subject.includes('carol'))).toBe(true);
  });

  test('Ignore goes on with the next', async () => {
    await asOfficer();
    cluster.fail(2);
    await desk.type('createUser CU carol password-c', 'y', 'I');
    expect(names(0)).toContain('carol');
    expect(names(2)).toContain('carol');
  });

  test('Retry tries again, and an answer that is none is asked again', async () => {
    await asOfficer();
    const taken = await desk.type('createUser CU alice password-c', 'y', 'what', 'R', 'R', 'A');
    expect(taken.match(/createUser failed: in keyferry's words/g)).toHaveLength(3);
    expect(taken.match(/Retry\/Ignore\/Abort/g)).toHaveLength(4);
    expect(desk.terminal.notes).toEqual([]);
  });

  test('rollBack of deleteUser stops, and says that nothing comes back', async () => {
    await asOfficer();
    await desk.type('createUser CU carol password-c', 'y');
    cluster.fail(3);
    const shown = await desk.type('deleteUser CU carol', 'B');
    expect(shown).toContain('deleteUser success on server 0(10.0.0.1)');
    expect(shown).toContain('Retry/rollBack/Ignore?(R/B/I):B');
    expect(names(0)).not.toContain('carol');
    expect(desk.terminal.notes.join(' ')).toContain('nothing is brought back');
  });
});

describe('keys', () => {
  async function key(): Promise<string> {
    const keys = aDesk(openKeyMgmtUtil, cluster);
    await keys.type(`loginHSM -u CU -s alice -p ${PASSWORDS.user}`);
    const handle = keyHandleIn(await keys.type('genSymKey -t 31 -s 32 -l key'));
    await keys.console.close();
    return handle;
  }

  test('shared, shown, unshared', async () => {
    const handle = await key();
    await desk.type(`loginHSM CU alice ${PASSWORDS.user}`);
    await desk.type(`shareKey ${handle} 5 1`, 'y');
    expect(await desk.type(`getKeyInfo -k ${handle}`)).toMatch(
      /Token\/Flash Key,[\s\S]*Owned by user 4[\s\S]*following 1 user\(s\):\n\n\t\t 5\n/,
    );
    await desk.type(`shareKey ${handle} 5 0`, 'y');
    expect(await desk.type(`getKeyInfo ${handle}`)).not.toContain('also, shared');
  });

  test('listed with (o) and (s) by later tools, and with one hash for all', async () => {
    const handle = await key();
    await desk.type(`loginHSM CU alice ${PASSWORDS.user}`);
    await desk.type(`shareKey ${handle} 5 1`, 'y');
    const later = aDesk(openCloudhsmMgmtUtil, cluster, '2023');
    await later.type(`loginHSM CO officer ${PASSWORDS.officer}`);
    const hashOf = (shown: string): string[] => shown.match(/^[0-9a-f]{64}$/gm) ?? [];
    const [owner, other] = [await later.type('findAllKeys 4 1'), await later.type('findAllKeys 5 1')];
    expect(owner).toContain(`${handle}(o)\n`);
    expect(other).toContain(`${handle}(s)\n`);
    expect(new Set([...hashOf(owner), ...hashOf(other)]).size).toBe(1);
    await later.console.close();
  });

  test('another user’s key is not to be changed, and the refusal is per server', async () => {
    const handle = await key();
    await desk.type(`loginHSM CU bob ${PASSWORDS.user}`);
    const shown = await desk.type(`setAttribute ${handle} 262 0`, 'y', 'I', 'I', 'I');
    expect(shown.match(/setAttribute failed:/g)).toHaveLength(3);
    expect(cluster.syncCheck()).toEqual([]);
  });

  test('EXTRACTABLE and the like are not to be changed at all', async () => {
    const handle = await key();
    await desk.type(`loginHSM CU alice ${PASSWORDS.user}`);
    expect(await desk.type(`setAttribute ${handle} 354 0`)).toContain('cannot be changed');
    expect(await desk.type(`setAttribute ${handle} 262 2`)).toContain('is 0 or 1');
  });
});

describe('passwords', () => {
  test.each([
    ['loginHSM CO officer secret-word', 'loginHSM CO officer ********'],
    ['login CO officer secret-word', 'login CO officer ********'],
    ['createUser CU carol "secret word"', 'createUser CU carol ********'],
    ['changePswd CU carol secret-word', 'changePswd CU carol ********'],
    ['loginHMS CO officer secret-word', 'loginHMS CO officer ********'],
    ['loginHSM CO officer "secret', 'loginHSM ********'],
    ['loginHSM CO officer -hpswd', 'loginHSM CO officer -hpswd'],
    ['shareKey 6 7 1', 'shareKey 6 7 1'],
  ])('%s is kept as %s', (line, kept) => {
    expect(desk.console.masked(line)).toBe(kept);
  });

  test('changed by an officer, which also unlocks', async () => {
    for (let attempt = 0; attempt < 6; attempt += 1) await desk.type('loginHSM CU alice wrong-password');
    expect(await desk.type('listUsers')).toMatch(/alice +NO +6 +NO/);
    expect(await desk.type(`loginHSM CU alice ${PASSWORDS.user}`)).toContain('loginHSM failed');
    await asOfficer();
    expect(await desk.type('changePswd CU alice password-new', 'y')).toContain(
      'Changing password for alice(CU) on 3 nodes',
    );
    await desk.type('logoutHSM');
    expect(await desk.type('loginHSM CU alice -hpswd', 'password-new')).toContain(
      'loginHSM success on server 2(10.0.0.3)',
    );
  });
});

describe('quorum', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyferry-cmu-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('M values are shown per server; one officer more than there are is refused', async () => {
    await asOfficer();
    expect(await desk.type('getMValue 3')).toContain('MValue of service 3[USER_MGMT] on server 0 : [1]\n');
    await desk.type('setMValue 3 2', 'y');
    expect(await desk.type('getMValue 3')).toContain('on server 2 : [2]');
    expect(await desk.type('setMValue 4 3', 'y', 'A')).toContain('setMValue failed:');
  });

  test('a token is for its requester', async () => {
    await asOfficer();
    await desk.type('setMValue 3 2', 'y');
    expect(await desk.type(`getToken 3 admin ${join(folder, 'token')}`)).toContain('officer is logged in');
  });

  test('signatures that are none are refused, and the token stays unapproved', async () => {
    await asOfficer();
    await desk.type('setMValue 3 2', 'y');
    const token = join(folder, 'token');
    await desk.type(`getToken 3 officer ${token}`);
    writeFileSync(join(folder, 'sig'), 'no signature');
    writeFileSync(
      join(folder, 'approval'),
      `Multi Token File Path = ${token};\nToken File Path = ;\nNumber of Approvals = 1;\nApprover Type = 2;\nApprover Name = officer;\nApproval File = ${join(folder, 'sig')};\n`,
    );
    expect(await desk.type(`approveToken ${join(folder, 'approval')}`, 'I', 'I', 'I')).toContain(
      'approveToken failed:',
    );
    expect(await desk.type('listTokens')).toContain('Current num of approvals : 0');
    expect(await desk.type('createUser CU carol password-c', 'y', 'A')).toContain('RET_MXN_AUTH_FAILED');
  });
});

describe('the approval file', () => {
  const HEAD = 'Multi Token File Path = t;\nToken File Path = ;\nNumber of Approvals = 1;\n';
  const APPROVER = 'Approver Type = 2; # CO\nApprover Name = officer1;\nApproval File = s1;\n';

  test('is read with its comments', () => {
    expect(readApprovalFile(`# all of it\n${HEAD}\n${APPROVER}`)).toEqual({
      token: 't',
      approvals: [{ type: 'CO', user: 'officer1', file: 's1' }],
    });
  });

  test.each([
    ['no semicolon', `${HEAD}Approver Type = 2\n`, 'line 4: write it as'],
    ['an unknown key', `${HEAD}Approver Kind = 2;\n`, '"Approver Kind" is none of'],
    ['a wrong count', `${HEAD}${APPROVER}${APPROVER}`, 'Number of Approvals is 1, and there are 2'],
    ['a name before its type', `${HEAD}Approver Name = x;\n`, 'stands before any Approver Type'],
    ['no Token File Path', HEAD.replace('Token File Path = ;\n', '') + APPROVER, 'is missing'],
    ['no token at all', HEAD.replace('= t;', '= ;') + APPROVER, 'Multi Token File Path is missing'],
    ['an unknown type', HEAD + APPROVER.replace('= 2', '= 3'), '2 (CO) or 1 (CU)'],
    ['a signature left out', HEAD + APPROVER.replace('Approval File = s1;\n', ''), 'Approval File are needed'],
    ['a key twice', `${HEAD}Number of Approvals = 1;\n`, 'stands there twice'],
  ])('with %s is refused', (_what, text, message) => {
    expect(() => readApprovalFile(text)).toThrow(message);
  });
});
