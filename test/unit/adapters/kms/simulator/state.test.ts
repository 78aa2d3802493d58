import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { KeyferryError } from '../../../../../src/errors/keyferry-error.ts';
import {
  type Answer,
  aKmsService,
  anExternalKey,
  anImportedKey,
  importInput,
  type KmsUnderTest,
  START_MS,
  stateOf,
} from '../../../../support/kms-service-client.ts';

const folders: string[] = [];
function aFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'keyferry-kms-'));
  folders.push(parent);
  return join(parent, 'state');
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const logOf = (dir: string): string => join(dir, readdirSync(dir).find((name) => name.endsWith('.log')) ?? '');
const ids = async (kms: KmsUnderTest): Promise<string[]> =>
  (await kms.call('ListKeys', { Limit: 1000 })).Keys.map((key: Answer) => key.KeyId).sort();
const codeOf = async (act: () => Promise<unknown>): Promise<string> => {
  try {
    await act();
  } catch (error) {
    if (error instanceof KeyferryError) return error.code;
    throw error;
  }
  return 'none';
};

describe('the state folder', () => {
  it('is for its owner only, and says what it holds', async () => {
    const dir = aFolder();
    await anExternalKey(await aKmsService({ stateDir: dir }));
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) expect([name, statSync(join(dir, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(readFileSync(join(dir, 'README'), 'utf8')).toContain('CLEAR TEXT');
  });

  it('is refused when others can write it', async () => {
    const dir = aFolder();
    await aKmsService({ stateDir: dir });
    chmodSync(dir, 0o770);
    expect(await codeOf(() => aKmsService({ stateDir: dir }))).toBe('state-unsafe');
  });

  it('keeps keys, aliases, tags, policies, grants and tokens', async () => {
    const dir = aFolder();
    const first = await aKmsService({ stateDir: dir });
    const KeyId = await anImportedKey(first);
    const waiting = await anExternalKey(first, { Tags: [{ TagKey: 'a', TagValue: 'b' }], Description: 'd' });
    await first.call('CreateAlias', { AliasName: 'alias/a', TargetKeyId: KeyId });
    const role = 'arn:aws:iam::123456789012:role/r';
    await first.call('CreateGrant', { KeyId, GranteePrincipal: role, Operations: ['Encrypt'] });
    const { CiphertextBlob } = await first.call('Encrypt', { KeyId, Plaintext: 'aGk=' });
    const input = await importInput(first, waiting, randomBytes(32));
    const described = await first.call('DescribeKey', { KeyId });
    await first.service.close();
    const second = await aKmsService({ stateDir: dir });
    expect(await second.call('DescribeKey', { KeyId: 'alias/a' })).toEqual(described);
    expect((await second.call('Decrypt', { CiphertextBlob })).Plaintext).toBe('aGk=');
    expect((await second.call('ListGrants', { KeyId })).Grants).toHaveLength(1);
    expect((await second.call('ListResourceTags', { KeyId: waiting })).Tags).toEqual([{ TagKey: 'a', TagValue: 'b' }]);
    await second.call('ImportKeyMaterial', input);
    expect(await stateOf(second, waiting)).toBe('Enabled');
  });

  it('keeps what is deleted deleted, and what is due while it is closed', async () => {
    const dir = aFolder();
    const first = await aKmsService({ stateDir: dir });
    const KeyId = await anExternalKey(first);
    const more = { ValidTo: START_MS / 1000 + 60 };
    await first.call('ImportKeyMaterial', await importInput(first, KeyId, randomBytes(32), { more }));
    await first.call('CreateAlias', { AliasName: 'alias/a', TargetKeyId: KeyId });
    await first.call('DeleteAlias', { AliasName: 'alias/a' });
    const gone = await anExternalKey(first);
    await first.call('ScheduleKeyDeletion', { KeyId: gone, PendingWindowInDays: 7 });
    await first.service.close();
    const second = await aKmsService({ stateDir: dir });
    second.clock.nowMs = START_MS + 8 * 24 * 3_600_000;
    expect(await ids(second)).toEqual([KeyId]);
    expect(await stateOf(second, KeyId)).toBe('PendingImport');
    expect((await second.call('ListAliases', { KeyId })).Aliases).toEqual([]);
  });

  it('keeps accounts and Regions apart', async () => {
    const dir = aFolder();
    const here = await aKmsService({ stateDir: dir });
    await anExternalKey(here);
    const there = await aKmsService({ stateDir: dir, region: 'us-east-1' });
    expect(await ids(there)).toEqual([]);
    expect(await ids(await aKmsService({ stateDir: dir, account: '111122223333' }))).toEqual([]);
    expect(await ids(here)).toHaveLength(1);
  });
});

describe('several services on one folder', () => {
  it('see what the others changed', async () => {
    const dir = aFolder();
    const [one, two] = [await aKmsService({ stateDir: dir }), await aKmsService({ stateDir: dir })];
    const KeyId = await anImportedKey(one);
    expect(await stateOf(two, KeyId)).toBe('Enabled');
    await two.call('DisableKey', { KeyId });
    expect(await stateOf(one, KeyId)).toBe('Disabled');
    await two.call('EnableKey', { KeyId });
    const { CiphertextBlob } = await one.call('Encrypt', { KeyId, Plaintext: 'aGk=' });
    expect((await two.call('Decrypt', { CiphertextBlob })).Plaintext).toBe('aGk=');
  });

  it('give one alias once', async () => {
    const dir = aFolder();
    const services = [await aKmsService({ stateDir: dir }), await aKmsService({ stateDir: dir })];
    const [one] = services;
    if (one === undefined) throw new Error('no service');
    const TargetKeyId = await anExternalKey(one);
    for (let n = 0; n < 20; n += 1) {
      const answers = await Promise.all(
        services.map((kms) => kms.refusal('CreateAlias', { AliasName: `alias/${n}`, TargetKeyId })),
      );
      expect(answers.sort()).toEqual(['AlreadyExistsException', 'none']);
    }
  });
});

describe('a log that was cut', () => {
  it('at any byte loses only what came after, and takes new keys', async () => {
    const dir = aFolder();
    const kms = await aKmsService({ stateDir: dir });
    const made = [await anExternalKey(kms), await anExternalKey(kms), await anExternalKey(kms)];
    const whole = readFileSync(logOf(dir));
    const lengths: number[] = [];
    for (const cut of [1, 7, 11, 12, 13, 200, 500, 700]) {
      writeFileSync(logOf(dir), whole);
      truncateSync(logOf(dir), whole.length - cut);
      const again = await aKmsService({ stateDir: dir });
      const left = await ids(again);
      expect(made).toEqual(expect.arrayContaining(left));
      lengths.push(left.length);
      const KeyId = await anExternalKey(again);
      expect(await ids(await aKmsService({ stateDir: dir }))).toEqual([...left, KeyId].sort());
    }
    expect(new Set(lengths).size).toBeGreaterThan(1);
    expect(Math.max(...lengths)).toBe(2);
  });

  it('in the middle is damage, and said to be', async () => {
    const dir = aFolder();
    const kms = await aKmsService({ stateDir: dir });
    for (let n = 0; n < 3; n += 1) await anExternalKey(kms);
    const bytes = readFileSync(logOf(dir));
    bytes[300] = (bytes[300] ?? 0) ^ 1;
    writeFileSync(logOf(dir), bytes);
    expect(await codeOf(() => aKmsService({ stateDir: dir }))).toBe('simulator-state');
    writeFileSync(logOf(dir), 'something else altogether');
    expect(await codeOf(() => aKmsService({ stateDir: dir }))).toBe('simulator-state');
  });

  it('with zeros at its end, as after a power cut, is read', async () => {
    const dir = aFolder();
    const KeyId = await anExternalKey(await aKmsService({ stateDir: dir }));
    appendFileSync(logOf(dir), Buffer.alloc(300));
    expect(await ids(await aKmsService({ stateDir: dir }))).toEqual([KeyId]);
  });
});

describe('kill -9', () => {
  const CHILD = fileURLToPath(new URL('../../../../support/kms-service-child.ts', import.meta.url));

  it('at random moments loses nothing that was answered', async () => {
    const dir = aFolder();
    const answered: { KeyId: string; CiphertextBlob: string; plaintext: string }[] = [];
    for (const lines of [1, 13, 30, 5]) {
      const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      await new Promise<void>((resolve) => {
        child.stdout.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          if (text.split('\n').length > lines) child.kill('SIGKILL');
        });
        child.once('close', () => resolve());
      });
      for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n')) answered.push(JSON.parse(line));
    }
    const kms = await aKmsService({ stateDir: dir });
    const listed = new Set(await ids(kms));
    expect(answered.length).toBeGreaterThanOrEqual(49);
    for (const { KeyId, CiphertextBlob, plaintext } of answered) {
      expect(listed.has(KeyId)).toBe(true);
      expect((await kms.call('DescribeKey', { KeyId: `alias/${KeyId}` })).KeyMetadata.KeyState).toBe('Enabled');
      expect((await kms.call('Decrypt', { CiphertextBlob })).Plaintext).toBe(plaintext);
    }
    await anImportedKey(kms);
  }, 60_000);
});
