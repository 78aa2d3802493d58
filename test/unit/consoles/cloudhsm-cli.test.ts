/** cloudhsm-cli: JSON for every answer, also for refusals; passwords typed or given, never kept. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SimulatedCluster } from '../../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCloudhsmCli } from '../../../src/consoles/cloudhsm-cli/open-cloudhsm-cli.ts';
import { aDesk, consoleCluster, type Desk, PASSWORDS } from '../../support/console-desk.ts';

let cluster: SimulatedCluster;
let desk: Desk;

beforeEach(async () => {
  cluster = await consoleCluster();
  desk = aDesk(openCloudhsmCli, cluster);
});
afterEach(() => cluster.close());

const json = (shown: string): unknown => JSON.parse(shown.replace(/^(?:Enter|Confirm) password:\n/gm, ''));
const logIn = (): Promise<string> => desk.type('login --username admin --role admin', PASSWORDS.officer);

test('a login answers with name and role, and shows no password', async () => {
  const shown = await logIn();
  expect(json(shown)).toEqual({ error_code: 0, data: { username: 'admin', role: 'admin' } });
  expect(shown).not.toContain(PASSWORDS.officer);
});

test('a wrong password is refused, and nobody is logged in', async () => {
  expect(json(await desk.type('login --username admin --role admin', 'wrong-password'))).toMatchObject({
    error_code: 1,
  });
  expect(json(await desk.type('user delete --username bob --role crypto-user'))).toMatchObject({ error_code: 1 });
  expect(cluster.nodes[0]?.users().map(({ name }) => name)).toContain('bob');
});

test('makes a user whose password is typed twice', async () => {
  await logIn();
  const made = await desk.type('user create --username carol --role crypto-user', 'password-c', 'password-c');
  expect(json(made)).toEqual({ error_code: 0, data: { username: 'carol', role: 'crypto-user' } });
  expect(cluster.nodes.map((node) => node.users().some(({ name }) => name === 'carol'))).toEqual([true, true]);
});

test('two different passwords make nobody', async () => {
  await logIn();
  await desk.type('user create --username carol --role crypto-user', 'password-c', 'password-d');
  expect(desk.end()).toBe('misused');
  expect(cluster.nodes[0]?.users().some(({ name }) => name === 'carol')).toBe(false);
});

test('says in the tool’s own sentence that a quorum is missing', async () => {
  await logIn();
  await desk.type('quorum token-sign set-quorum-value --service user --value 2');
  const refused = await desk.type('user create --username carol --role crypto-user --password password-c');
  expect(json(refused)).toEqual({ error_code: 1, data: 'Quorum approval is required for this operation' });
});

test('help lists the commands that begin so', async () => {
  expect(await desk.type('help user change-quorum')).toContain('user change-quorum token-sign register');
  expect(await desk.type('help user')).not.toContain('key list');
});

test('asks for no password of a command that is not understood', async () => {
  await logIn();
  const shown = await desk.type('user create --usrname carol --role crypto-user', 'password-c', 'password-c');
  expect(shown).toContain('there is no --usrname here; there are --username, --role, --approval');
  expect(shown).not.toContain('Enter password');
  expect(await desk.type('user create')).toContain('--username wants one value');
});

test('deletes nothing by a flag that is not there', async () => {
  await logIn();
  await desk.type('user delete --username bob --role crypto-user --forse');
  expect(desk.end()).toBe('misused');
  expect(cluster.nodes[0]?.users().map(({ name }) => name)).toContain('bob');
});

test.each([
  ['user lst', 'Did you mean user list?'],
  [
    'user change-quorum',
    '"user change-quorum" is not all of a command. There are: user change-quorum token-sign register.',
  ],
  ['key list --filtr attr.label=x', 'there is no --filtr here; there are --filter, --max-items'],
  ['user list --all', 'user list: there is no --all here; it has no flags'],
  ['help usr', 'This console has no command "usr"'],
  ['key wrap rsa-oeap', 'This console has no command'],
  ['crypto sign rsa-pkcs', 'This console does not have crypto sign rsa-pkcs'],
  ['login --username admin --role officer', 'login --username'],
  ['logout', 'Nobody is logged in.'],
])('%s is not understood', async (line, message) => {
  expect(await desk.type(line)).toContain(message);
  expect(desk.end()).toBe('misused');
});

test('a password in a line is struck out', () => {
  expect(desk.console.masked('login --username a --role admin --password secret-word')).toBe(
    'login --username a --role admin --password ********',
  );
});
