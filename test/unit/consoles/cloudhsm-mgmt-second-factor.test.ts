/** -2fa in cloudhsm_mgmt_util: the file with the digests, signed with openssl while the tool waits, and what does not count. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SimulatedCluster } from '../../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCloudhsmCli } from '../../../src/consoles/cloudhsm-cli/open-cloudhsm-cli.ts';
import { openCloudhsmMgmtUtil } from '../../../src/consoles/cloudhsm-mgmt-util/open-cloudhsm-mgmt-util.ts';
import { aDesk, consoleCluster, type Desk, PASSWORDS } from '../../support/console-desk.ts';

interface AuthData {
  readonly Version: string;
  readonly PublicKey: string;
  readonly Data: readonly { readonly HsmId: string; readonly Digest: string; readonly Signature: string }[];
}

let dir: string;
let cluster: SimulatedCluster;
let desk: Desk;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'keyferry-second-factor-'));
  for (const name of ['one', 'two']) {
    openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', file(`${name}.key`));
    openssl('pkey', '-in', file(`${name}.key`), '-pubout', '-out', file(`${name}.pem`));
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));
beforeEach(async () => {
  cluster = await consoleCluster();
  desk = aDesk(openCloudhsmMgmtUtil, cluster, '2023');
});
afterEach(async () => {
  await desk.console.close();
  await cluster.close();
});

const file = (name: string): string => join(dir, name);
const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
const asOfficer = (): Promise<string> => desk.type(`loginHSM CO officer ${PASSWORDS.officer}`);
const users = (): string[] =>
  cluster.nodes
    .map((node) => node.users().find(({ name }) => name === 'carol'))
    .map((user) => (user === undefined ? 'none' : user.hasSecondFactor ? 'second factor' : 'password'));

/** As a person in another terminal does it, while the tool waits. */
function sign(path: string, key: string, change: (data: AuthData) => AuthData = (data) => data): void {
  const data = JSON.parse(readFileSync(path, 'utf8')) as AuthData;
  const Data = data.Data.map((entry) => {
    writeFileSync(file('digest'), Buffer.from(entry.Digest, 'base64'));
    const args = ['-inkey', file(`${key}.key`), '-in', file('digest'), '-pkeyopt', 'digest:sha256'];
    return { ...entry, Signature: openssl('pkeyutl', '-sign', ...args).toString('base64') };
  });
  const PublicKey = readFileSync(file(`${key}.pem`), 'utf8');
  writeFileSync(path, JSON.stringify(change({ ...data, PublicKey, Data })));
}

/** Answers the questions of one line; `signs` is done when the tool asks for the file. */
async function type(line: string, signs: () => void, filename = ''): Promise<string> {
  const { terminal } = desk;
  const ask = terminal.ask.bind(terminal);
  terminal.ask = async (question) => {
    if (question.startsWith('Do you want')) terminal.answers = ['y'];
    else if (question === 'Enter filename:') {
      signs();
      terminal.answers = [filename];
    } else terminal.answers = ['I'];
    return await ask(question);
  };
  try {
    return await desk.type(line);
  } finally {
    terminal.ask = ask;
  }
}

const CREATE = 'createUser CO carol password-carol -2fa';

async function carol(): Promise<void> {
  await asOfficer();
  await type(`${CREATE} ${file('auth')}`, () => sign(file('auth'), 'one'));
  await desk.type('logoutHSM');
}

describe('an officer with a second factor', () => {
  test('is made on each HSM with its own digest signed', async () => {
    await asOfficer();
    let asked: AuthData | undefined;
    const shown = await type(`${CREATE} ${file('auth')}`, () => {
      asked = JSON.parse(readFileSync(file('auth'), 'utf8')) as AuthData;
      sign(file('auth'), 'one');
    });
    expect(asked).toMatchObject({ Version: '1.0', PublicKey: '', Data: [{ Signature: '' }, { Signature: '' }] });
    expect(new Set(asked?.Data.map(({ Digest }) => Digest)).size).toBe(2);
    expect(shown).toContain('Creating User carol(CO) on 2 nodes\nAuthentication data written to: ');
    expect(shown).toContain(
      'Enter filename:\ncreateUser success on server 0(10.0.0.1)\ncreateUser success on server 1',
    );
    expect(users()).toEqual(['second factor', 'second factor']);
    expect(await desk.type('listUsers')).toMatch(/carol.*YES\n/);
    expect(cluster.syncCheck()).toEqual([]);
  });

  test('logs in with both, and with neither alone', async () => {
    await carol();
    expect(await desk.type('loginHSM CO carol password-carol')).toContain('logs in with a second factor');
    expect(await type(`loginHSM CO carol wrong-password -2fa ${file('a')}`, () => sign(file('a'), 'one'))).toContain(
      'the password of carol is wrong',
    );
    expect(await type(`loginHSM CO carol password-carol -2fa ${file('a')}`, () => sign(file('a'), 'two'))).toContain(
      'missing or wrong',
    );
    const shown = await type(`loginHSM CO carol password-carol -2fa ${file('a')}`, () => sign(file('a'), 'one'));
    expect(shown).toContain('loginHSM success on server 0(10.0.0.1)\nloginHSM success on server 1(10.0.0.2)\n');
    expect(shown).not.toContain('corresponding public key');
  });

  test('an earlier answer does not log in again', async () => {
    await carol();
    await type(`loginHSM CO carol password-carol -2fa ${file('a')}`, () => sign(file('a'), 'one'));
    await desk.type('logoutHSM');
    writeFileSync(file('old'), readFileSync(file('a')));
    const shown = await type(`loginHSM CO carol password-carol -2fa ${file('a')}`, () => undefined, file('old'));
    expect(shown).toContain('missing or wrong');
  });

  test('gets another key with a new password, and loses it without -2fa', async () => {
    await carol();
    await asOfficer();
    const change = 'changePswd CO carol password-dora';
    await type(`${change} -2fa ${file('b')}`, () => sign(file('b'), 'two'));
    await desk.type('logoutHSM');
    const login = (key: string) =>
      type(`loginHSM CO carol password-dora -2fa ${file('c')}`, () => sign(file('c'), key));
    expect(await login('one')).toContain('missing or wrong');
    expect(await login('two')).toContain('loginHSM success on server 1');
    await desk.type('changePswd CO carol password-erna', 'y');
    expect(users()).toEqual(['password', 'password']);
    expect(desk.terminal.notes.at(-1)).toContain('no second factor any more');
  });

  test('does not get into cloudhsm-cli, which says that it has one', async () => {
    await carol();
    const cli = aDesk(openCloudhsmCli, cluster);
    expect(await cli.type('login --username carol --role admin', 'password-carol')).toContain('second factor');
    expect(JSON.parse(await cli.type('user list'))).toMatchObject({
      data: {
        users: expect.arrayContaining([
          expect.objectContaining({ username: 'carol', mfa: [{ strategy: 'token-sign', status: 'enabled' }] }),
        ]),
      },
    });
    expect(await cli.type('login mfa-token-sign --username carol')).toContain('This console does not have');
  });
});

describe('is not made', () => {
  const cases: readonly (readonly [string, (data: AuthData) => AuthData, string])[] = [
    ['without a public key', (data) => ({ ...data, PublicKey: '' }), 'has no PublicKey'],
    ['with the signature of one HSM missing', (data) => ({ ...data, Data: data.Data.slice(0, 1) }), 'has no Signature'],
    [
      'with the signatures of the HSMs exchanged',
      (data) => {
        const [first, second] = data.Data.map(({ Signature }) => Signature);
        const exchanged = [second ?? '', first ?? ''];
        return { ...data, Data: data.Data.map((entry, at) => ({ ...entry, Signature: exchanged[at] ?? '' })) };
      },
      'is not signed with the private key',
    ],
    ['with a key that is none', (data) => ({ ...data, PublicKey: 'no key' }), 'RSA key of 2048 bits'],
  ];
  test.each(cases)('%s', async (_what, change, words) => {
    await asOfficer();
    expect(await type(`${CREATE} ${file('auth')}`, () => sign(file('auth'), 'one', change))).toContain(words);
    expect(users()).toEqual(['none', 'none']);
  });

  test('with a file that is no JSON, or is not there, or cannot be written', async () => {
    await asOfficer();
    writeFileSync(file('text'), 'no JSON');
    expect(await type(`${CREATE} ${file('auth')}`, () => undefined, file('text'))).toContain('is not JSON');
    expect(await type(`${CREATE} ${file('auth')}`, () => undefined, file('none'))).toContain('ENOENT');
    expect(await type(`${CREATE} ${file('no/where')}`, () => undefined)).toContain('could not be written');
    expect(users()).toEqual(['none', 'none']);
  });

  test.each([
    ['createUser CU carol password-carol -2fa auth', 'are for users of type CO'],
    ['createUser CO carol password-carol -3fa auth', '-2fa <file>'],
    ['createUser CO carol password-carol -2fa', '-2fa <file>'],
    ['changePswd CU alice password-alice -2fa auth', 'are for users of type CO'],
  ])('by %s', async (line, words) => {
    await asOfficer();
    expect(await desk.type(line)).toContain(words);
    expect(desk.end()).toBe('misused');
    expect(users()).toEqual(['none', 'none']);
  });
});
