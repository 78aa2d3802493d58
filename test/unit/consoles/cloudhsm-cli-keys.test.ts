/** Keys in cloudhsm-cli: made, wrapped, moved between two clusters, guarded by quorums, deleted; and what is refused on the way. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SimulatedCluster } from '../../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCloudhsmCli } from '../../../src/consoles/cloudhsm-cli/open-cloudhsm-cli.ts';
import { aDesk, consoleCluster, type Desk, PASSWORDS } from '../../support/console-desk.ts';

interface ShownKey {
  readonly 'key-reference': string;
  readonly 'key-info': {
    readonly 'key-owners': readonly { readonly username: string }[];
    readonly 'shared-users': readonly { readonly username: string }[];
    readonly 'key-quorum-values': Readonly<Record<string, number>>;
    readonly 'cluster-coverage': string;
  };
  readonly attributes: Readonly<Record<string, unknown>>;
}

let dir: string;
let cluster: SimulatedCluster;
let desk: Desk;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'keyferry-cli-keys-'));
  cluster = await consoleCluster();
  desk = await loggedIn(cluster, 'alice');
});
afterEach(async () => {
  await cluster.close();
  rmSync(dir, { recursive: true, force: true });
});

async function loggedIn(over: SimulatedCluster, user: string): Promise<Desk> {
  const opened = aDesk(openCloudhsmCli, over);
  await opened.type(`login --username ${user} --role crypto-user`, PASSWORDS.user);
  return opened;
}

const file = (name: string): string => join(dir, name);

/** What the tool answers where it succeeds. */
async function data<T = Readonly<Record<string, unknown>>>(line: string, at = desk): Promise<T> {
  const shown = await at.type(line);
  const answer = JSON.parse(shown) as { error_code: number; data: T };
  expect(answer.error_code, shown).toBe(0);
  return answer.data;
}

/** The sentence with which it refuses. */
async function refusal(line: string, at = desk): Promise<string> {
  const shown = await at.type(line);
  const answer = JSON.parse(shown) as { error_code: number; data: string };
  expect(answer.error_code, shown).toBe(1);
  return answer.data;
}

async function misuse(line: string): Promise<string> {
  const shown = await desk.type(line);
  expect(desk.end()).toBe('misused');
  return shown;
}

const AES = 'key generate-symmetric aes --key-length-bytes 32';
const made = async (line: string, at = desk): Promise<ShownKey> => (await data<{ key: ShownKey }>(line, at)).key;
const keysIn = async (at = desk): Promise<ShownKey[]> =>
  (await data<{ matched_keys: ShownKey[] }>('key list --verbose --max-items 100', at)).matched_keys;

describe('making keys', () => {
  test('an AES key can do what it is told and nothing else', async () => {
    const key = await made(`${AES} --label kek --attributes wrap=true unwrap=true extractable=false id=0x0a0b`);
    expect(key['key-reference']).toMatch(/^0x[0-9a-f]{16}$/);
    expect(key['key-info']).toEqual({
      'key-owners': [{ username: 'alice', 'key-coverage': 'full' }],
      'shared-users': [],
      'key-quorum-values': { 'manage-key-quorum-value': 0, 'use-key-quorum-value': 0 },
      'cluster-coverage': 'full',
    });
    expect(key.attributes).toMatchObject({
      ...{ 'key-type': 'aes', label: 'kek', id: '0x0a0b', class: 'secret-key', 'key-length-bytes': 32 },
      ...{ wrap: true, unwrap: true, encrypt: false, decrypt: false, sign: false, verify: false, derive: false },
      ...{ token: true, private: true, sensitive: true, extractable: false, 'never-extractable': true },
      ...{ local: true, destroyable: true, trusted: false, 'wrap-with-trusted': false },
    });
    expect(key.attributes['check-value']).toMatch(/^0x[0-9a-f]{6}$/);
    expect(await keysIn()).toEqual([key]);
  });

  test('a generic secret, an RSA pair and an EC pair', async () => {
    const secret = await made('key generate-symmetric generic-secret --label s --key-length-bytes 20');
    expect(secret.attributes).toMatchObject({ 'key-type': 'generic-secret', 'key-length-bytes': 20 });
    expect(secret.attributes).not.toHaveProperty('check-value');
    const rsa = await data<{ public_key: ShownKey; private_key: ShownKey }>(
      'key generate-asymmetric-pair rsa --public-label p --private-label q --modulus-size-bits 2048 --public-exponent 65537 ' +
        '--public-attributes wrap=true --private-attributes unwrap=true extractable=false',
    );
    expect(rsa.public_key.attributes).toMatchObject({ class: 'public-key', label: 'p', wrap: true, verify: false });
    expect(rsa.private_key.attributes).toMatchObject({
      ...{ class: 'private-key', label: 'q', unwrap: true, sign: false, extractable: false },
      ...{ 'public-exponent': '0x010001', 'modulus-size-bits': 2048 },
    });
    expect(rsa.private_key.attributes.modulus).toBe(rsa.public_key.attributes.modulus);
    const ec = await data<{ public_key: ShownKey; private_key: ShownKey }>(
      'key generate-asymmetric-pair ec --public-label p --private-label q --curve secp384r1',
    );
    expect(ec.public_key.attributes).toMatchObject({ 'key-type': 'ec', curve: 'secp384r1' });
    expect(ec.public_key.attributes['ec-point']).toMatch(/^0x04/);
  });

  test('shared from the start', async () => {
    const key = await made(`${AES} --label kek --share-crypto-users bob`);
    expect(key['key-info']['shared-users']).toEqual([{ username: 'bob', 'key-coverage': 'full' }]);
    expect((await keysIn(await loggedIn(cluster, 'bob')))[0]?.['key-reference']).toBe(key['key-reference']);
  });

  test.each([
    [`${AES} --label a --session`, 'session keys are not played'],
    [`${AES}`, '--label wants one value'],
    [`${AES} --label a --attribute wrap=true`, 'there is no --attribute here'],
    [`${AES} --label a --attributes wrap=yes`, 'wrap=yes is none of'],
    [`${AES} --label a --attributes fly=true`, 'fly=true is none of'],
    ['key generate-symmetric aes --label a --key-length-bytes many', 'wants a number'],
    [`${AES} --label a --use-key-quorum-value 2`, 'go together'],
    ['key generate-asymmetric-pair ec --public-label a --private-label b --curve p256', 'there is no curve p256'],
  ])('%s is not understood', async (line, words) => {
    expect(await misuse(line)).toContain(words);
    expect(await keysIn()).toEqual([]);
  });

  test.each([
    ['key generate-symmetric aes --label a --key-length-bytes 17'],
    [`${AES} --label a --attributes local=false`],
    [`${AES} --label a --attributes trusted=true`],
    [`${AES} --label a --share-crypto-users carol`],
    [`${AES} --label a --share-crypto-users alice`],
    [
      'key generate-asymmetric-pair rsa --public-label a --private-label b --modulus-size-bits 1024 --public-exponent 65537',
    ],
  ])('%s is refused, and nothing is there', async (line) => {
    await refusal(line);
    expect(await keysIn()).toEqual([]);
  });

  test('an admin has no keys', async () => {
    const admin = aDesk(openCloudhsmCli, cluster);
    await admin.type('login --username admin --role admin', PASSWORDS.officer);
    expect(await refusal(`${AES} --label a`, admin)).toContain('for crypto users');
    expect(await data('key list', admin)).toMatchObject({ matched_keys: [], total_key_count: 0 });
  });
});

describe('wrapping', () => {
  test.each(['aes-no-pad', 'aes-pkcs5-pad', 'aes-zero-pad'])('%s there and back', async (kind) => {
    await made(`${AES} --label kek --attributes wrap=true unwrap=true`);
    const payload = await made(`${AES} --label payload`);
    const wrapped = await data(`key wrap ${kind} --payload-filter attr.label=payload --wrapping-filter attr.label=kek`);
    expect(Object.keys(wrapped)).toEqual(['payload_key_reference', 'wrapping_key_reference', 'wrapped_key_data']);
    expect(wrapped.payload_key_reference).toBe(payload['key-reference']);
    const copy = await made(
      `key unwrap ${kind} --filter attr.label=kek --key-type-class aes --label copy --data ${wrapped.wrapped_key_data} ` +
        '--attributes encrypt=true extractable=false',
    );
    expect(copy.attributes).toMatchObject({
      ...{ 'check-value': payload.attributes['check-value'], local: false, encrypt: true, decrypt: false },
      ...{ extractable: false, 'never-extractable': false },
    });
  });

  test('AES-GCM, with the IV apart or before the rest, and what it vouches for', async () => {
    await made(`${AES} --label kek --attributes wrap=true unwrap=true`);
    const payload = await made(`${AES} --label payload`);
    const filters = '--payload-filter attr.label=payload --wrapping-filter attr.label=kek';
    const wrapped = await data(`key wrap aes-gcm ${filters} --tag-length-bits 128 --aad 0x10`);
    expect(Object.keys(wrapped)).toEqual([
      ...['payload_key_reference', 'wrapping_key_reference', 'iv', 'wrapped_key_data'],
    ]);
    expect(wrapped.iv).toMatch(/^0x[0-9a-f]{24}$/);
    expect(Buffer.from(String(wrapped.wrapped_key_data), 'base64')).toHaveLength(32 + 16);
    const unwrap = (flags: string, bytes = wrapped.wrapped_key_data) =>
      `key unwrap aes-gcm --filter attr.label=kek --key-type-class aes --label copy --data ${bytes} --tag-length-bits 128 ${flags}`;
    const copy = await made(unwrap(`--iv ${wrapped.iv} --aad 0x10`));
    expect(copy.attributes['check-value']).toBe(payload.attributes['check-value']);
    await refusal(unwrap(`--iv ${wrapped.iv} --aad 0x11`));
    await refusal(unwrap(`--iv 0x${'00'.repeat(12)} --aad 0x10`));
    expect(await misuse(unwrap('--aad 0x10'))).toContain('--iv wants one value');
    expect(await misuse(unwrap('--iv 0x10 --aad 0x10'))).toContain('--iv wants 12 bytes');
    expect(await misuse(`key wrap aes-gcm ${filters} --tag-length-bits 128 --aad text`)).toContain('bytes in hex');
    await refusal(`key wrap aes-gcm ${filters} --tag-length-bits 8`);
    const whole = await data(`key wrap cloudhsm-aes-gcm ${filters} --tag-length-bits 128`);
    expect(whole).not.toHaveProperty('iv');
    await made(
      `key unwrap cloudhsm-aes-gcm --filter attr.label=kek --key-type-class aes --label whole --data ${whole.wrapped_key_data} --tag-length-bits 128`,
    );
    expect(await keysIn()).toHaveLength(4);
  });

  test('a key goes from one cluster to another under a public key that went before it', async () => {
    const other = await consoleCluster();
    const there = await loggedIn(other, 'alice');
    await data(
      'key generate-asymmetric-pair rsa --public-label pub --private-label priv --modulus-size-bits 2048 --public-exponent 65537 ' +
        '--private-attributes unwrap=true extractable=false',
      there,
    );
    const exported = await data(
      `key generate-file --encoding pem --path ${file('pub.pem')} --filter attr.label=pub`,
      there,
    );
    expect(exported).toEqual({ message: 'Successfully generated key file' });
    const imported = await data<{ key: ShownKey; message: string }>(
      `key import pem --path ${file('pub.pem')} --label wrapper --key-type-class rsa-public --attributes wrap=true`,
    );
    expect(imported.message).toBe('Successfully imported key');
    expect(imported.key.attributes).toMatchObject({ class: 'public-key', wrap: true, encrypt: false, local: false });
    const payload = await made(`${AES} --label payload`);
    for (const [kind, hash] of [
      ['rsa-oaep', 'sha256'],
      ['rsa-aes', 'sha224'],
    ]) {
      const flags = `--hash-function ${hash} --mgf mgf1-${hash}`;
      const path = file(`${kind}.bin`);
      const wrapped = await data(
        `key wrap ${kind} ${flags} --payload-filter attr.label=payload --wrapping-filter attr.label=wrapper --path ${path}`,
      );
      expect(wrapped).not.toHaveProperty('wrapped_key_data');
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const copy = await made(
        `key unwrap ${kind} ${flags} --filter attr.label=priv --key-type-class aes --label ${kind} --data-path ${path}`,
        there,
      );
      expect(copy.attributes['check-value']).toBe(payload.attributes['check-value']);
    }
    await other.close();
  });

  test('what may not be wrapped, or not so, is refused, and nothing is written', async () => {
    await made(`${AES} --label kek --attributes wrap=true`);
    await made(`${AES} --label stays --attributes extractable=false`);
    await made(`${AES} --label plain`);
    const wrap = (payload: string, kek: string) =>
      `key wrap aes-zero-pad --payload-filter attr.label=${payload} --wrapping-filter attr.label=${kek} --path ${file('w')}`;
    await refusal(wrap('stays', 'kek'));
    await refusal(wrap('kek', 'plain'));
    expect(await refusal(wrap('nobody', 'kek'))).toBe('no key fits the filter');
    expect(await misuse('key wrap aes-zero-pad --payload-filter attr.label=kek')).toContain('--wrapping-filter wants');
    expect(await misuse(wrap('plain', 'kek').replace('attr.label=kek', 'attr.colour=red'))).toContain(
      'cannot be searched for',
    );
    expect(existsSync(file('w'))).toBe(false);
    writeFileSync(file('w'), 'the only copy');
    expect(await refusal(wrap('plain', 'kek'))).toContain('EEXIST');
    expect(readFileSync(file('w'), 'utf8')).toBe('the only copy');
  });

  test('what does not open is refused, and no key is there', async () => {
    await made(`${AES} --label kek --attributes wrap=true unwrap=true`);
    await made(`${AES} --label other --attributes unwrap=true`);
    const { wrapped_key_data: bytes } = await data(
      'key wrap aes-zero-pad --payload-filter attr.label=kek --wrapping-filter attr.label=kek',
    );
    const unwrap = (kek: string, rest: string) =>
      `key unwrap aes-zero-pad --filter attr.label=${kek} --key-type-class aes --label copy ${rest}`;
    await refusal(unwrap('other', `--data ${bytes}`));
    expect(await refusal(unwrap('kek', `--data-path ${file('none')}`))).toContain('ENOENT');
    expect(await misuse(unwrap('kek', ''))).toContain('--data-path or --data');
    expect(await misuse(unwrap('kek', `--data ${bytes} --data-path ${file('x')}`))).toContain('--data-path or --data');
    expect(await misuse(unwrap('kek', '--data *'))).toContain('not base64');
    expect(await misuse(unwrap('kek', `--data ${bytes}`).replace('aes --label', 'rsa --label'))).toContain(
      '--key-type-class is one of',
    );
    expect((await keysIn()).map(({ attributes }) => attributes.label)).toEqual(['kek', 'other']);
  });

  test('OAEP wants its hash and its mask said, and they must be the same', async () => {
    const rest = '--payload-filter attr.label=a --wrapping-filter attr.label=b';
    expect(await misuse(`key wrap rsa-oaep ${rest}`)).toContain('--hash-function wants one value');
    expect(await misuse(`key wrap rsa-oaep --hash-function md5 --mgf mgf1-sha1 ${rest}`)).toContain('is one of sha1');
    expect(await misuse(`key wrap rsa-oaep --hash-function sha1 --mgf mgf2 ${rest}`)).toContain('--mgf is one of');
  });

  test('a key on one HSM only is not used, in the tool’s own sentence', async () => {
    await made(`${AES} --label kek --attributes wrap=true`);
    cluster.fail(2);
    expect(
      await refusal('key wrap aes-zero-pad --payload-filter attr.label=kek --wrapping-filter attr.label=kek'),
    ).toBe('Cannot perform the requested key operation as the key must be available on at least 2 HSMs');
  });
});

describe('public keys in files', () => {
  test('an EC public key goes out and in', async () => {
    await data('key generate-asymmetric-pair ec --public-label p --private-label q --curve prime256v1');
    await data(`key generate-file --encoding pem --path ${file('p.pem')} --filter attr.label=p`);
    await data(
      `key import pem --path ${file('p.pem')} --label again --key-type-class ec-public --attributes verify=true`,
    );
    const [first, again] = (await keysIn()).filter(({ attributes }) => attributes.class === 'public-key');
    expect(again?.attributes['ec-point']).toBe(first?.attributes['ec-point']);
  });

  test('no private key leaves, and none comes in', async () => {
    await data('key generate-asymmetric-pair ec --public-label p --private-label q --curve prime256v1');
    expect(await refusal(`key generate-file --encoding pem --path ${file('q.pem')} --filter attr.label=q`)).toContain(
      'only public keys',
    );
    expect(
      await misuse(`key generate-file --encoding reference-pem --path ${file('q.pem')} --filter attr.label=q`),
    ).toContain('is not played');
    expect(existsSync(file('q.pem'))).toBe(false);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(file('private.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
    writeFileSync(file('text.pem'), 'no key');
    for (const name of ['private.pem', 'text.pem', 'none.pem']) {
      await refusal(`key import pem --path ${file(name)} --label a --key-type-class rsa-public`);
    }
    expect(await keysIn()).toHaveLength(2);
  });
});

test('a key is deleted by its owner only', async () => {
  await made(`${AES} --label kek --share-crypto-users bob`);
  await refusal('key delete --filter attr.label=kek', await loggedIn(cluster, 'bob'));
  expect(await data('key delete --filter attr.label=kek')).toEqual({ message: 'Key deleted successfully' });
  expect(await refusal('key delete --filter attr.label=kek')).toBe('no key fits the filter');
  await made(`${AES} --label twin`);
  await made(`${AES} --label twin`);
  expect(await refusal('key delete --filter attr.label=twin')).toBe('more than one key fits the filter');
  expect(await keysIn()).toHaveLength(2);
});

describe('a key that wants approvals', () => {
  const people = ['alice', 'bob'] as const;

  /** With the openssl program, as a person would. */
  function openssl(...args: string[]): Buffer {
    return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Signs what the token file says, and puts the signature into it. */
  function sign(path: string, name: string): void {
    const token = JSON.parse(readFileSync(path, 'utf8')) as { token: string; signatures: unknown[] };
    writeFileSync(file('digest'), Buffer.from(token.token, 'base64'));
    const args = ['-inkey', file(`${name}.key`), '-in', file('digest'), '-pkeyopt', 'digest:sha256'];
    const signature = openssl('pkeyutl', '-sign', ...args).toString('base64');
    writeFileSync(path, JSON.stringify({ ...token, signatures: [...token.signatures, { username: name, signature }] }));
  }

  async function register(): Promise<void> {
    for (const name of people) {
      openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', file(`${name}.key`));
      openssl('pkey', '-in', file(`${name}.key`), '-pubout', '-out', file(`${name}.pem`));
      const own = await loggedIn(cluster, name);
      await data(`quorum token-sign generate --service registration --token ${file(`${name}.token`)}`, own);
      sign(file(`${name}.token`), name);
      const registered = await data(
        `user change-quorum token-sign register --public-key ${file(`${name}.pem`)} --signed-token ${file(`${name}.token`)}`,
        own,
      );
      expect(registered).toEqual({ username: name, role: 'crypto-user' });
    }
  }

  const GUARD = '--share-crypto-users bob --manage-key-quorum-value 2 --use-key-quorum-value 2';
  let tokens = 0;

  async function approved(...names: readonly string[]): Promise<string> {
    tokens += 1;
    const path = file(`token-${tokens}`);
    const generated = await data(
      `quorum token-sign generate --service key-management --token ${path} --filter attr.label=guarded`,
    );
    expect(generated).toEqual({ filepath: path });
    for (const name of names) sign(path, name);
    return path;
  }

  test('is used, shared and changed with an approved token, once for each', async () => {
    await register();
    const key = await made(`${AES} --label guarded ${GUARD} --attributes wrap=true`);
    expect(key['key-info']['key-quorum-values']).toEqual({
      'manage-key-quorum-value': 2,
      'use-key-quorum-value': 2,
    });
    await made(`${AES} --label payload`);
    const wrap = 'key wrap aes-zero-pad --payload-filter attr.label=payload --wrapping-filter attr.label=guarded';
    expect(await refusal(wrap)).toBe('Quorum Failed');
    const path = await approved(...people);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      ...{ version: '2.0', service: 'key-management', key_reference: key['key-reference'] },
    });
    await data(`${wrap} --wrapping-approval ${path}`);
    await refusal(`${wrap} --wrapping-approval ${path}`);
    const change = 'key set-attribute --filter attr.label=guarded --name unwrap --value true';
    expect(await refusal(change)).toBe('Quorum Failed');
    expect(await data(`${change} --approval ${await approved(...people)}`)).toEqual({
      message: 'Attribute set successfully',
    });
    const unshare = 'key unshare --filter attr.label=guarded --username bob --role crypto-user';
    expect(await refusal(`${unshare} --approval ${await approved('alice')}`)).toBe(
      'Too few quorum approvals: currently 1 approvals, but 2 approvals required',
    );
    const listed = await data<{ tokens: unknown[] }>('quorum token-sign list');
    expect(listed.tokens).toEqual([
      expect.objectContaining({ username: 'alice', service: 'key-management', 'number-of-approvals': 1 }),
    ]);
    expect(await data(`${unshare} --approval ${await approved(...people)}`)).toEqual({
      message: 'Key unshared successfully',
    });
  });

  test('takes no altered token and no signature of somebody else', async () => {
    await register();
    await made(`${AES} --label guarded ${GUARD} --attributes wrap=true`);
    const change = 'key set-attribute --filter attr.label=guarded --name unwrap --value true';
    const forged = await approved('alice', 'alice');
    await refusal(`${change} --approval ${forged}`);
    const altered = await approved(...people);
    const token = JSON.parse(readFileSync(altered, 'utf8')) as { approval_data: string };
    const bytes = Buffer.from(token.approval_data, 'base64');
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    writeFileSync(altered, JSON.stringify({ ...token, approval_data: bytes.toString('base64') }));
    expect(await refusal(`${change} --approval ${altered}`)).toContain('no quorum token file');
    expect((await keysIn())[0]?.attributes.unwrap).toBe(false);
  });

  test('is not made with values that nobody could fulfil', async () => {
    const guarded = (manage: number, use: number, users = '--share-crypto-users bob') =>
      `${AES} --label guarded ${users} --manage-key-quorum-value ${manage} --use-key-quorum-value ${use}`;
    const both = 'The manage key and use key quorum values must be set to a value greater than 1';
    expect(await refusal(guarded(2, 0))).toBe(both);
    expect(await refusal(guarded(0, 0))).toBe(both);
    expect(await refusal(guarded(3, 2))).toContain('no more than its owner and the users');
    expect(await refusal(guarded(2, 2, ''))).toContain('no more than its owner and the users');
    expect(await keysIn()).toEqual([]);
    expect(
      await refusal(`quorum token-sign generate --service key-usage --token ${file('t')} --filter attr.label=x`),
    ).toBe('no key fits the filter');
    expect(existsSync(file('t'))).toBe(false);
  });

  test('an officer deletes tokens, a crypto user does not', async () => {
    await register();
    await made(`${AES} --label guarded ${GUARD}`);
    await approved();
    await refusal('quorum token-sign delete --scope all');
    const admin = aDesk(openCloudhsmCli, cluster);
    await admin.type('login --username admin --role admin', PASSWORDS.officer);
    expect(await data('quorum token-sign delete --scope user', admin)).toBe('Deletion of quorum token(s) successful');
    expect(await data<{ tokens: unknown[] }>('quorum token-sign list')).toMatchObject({ tokens: [{}] });
    await data('quorum token-sign delete --scope all', admin);
    expect(await data('quorum token-sign list')).toEqual({ tokens: [] });
  });
});
