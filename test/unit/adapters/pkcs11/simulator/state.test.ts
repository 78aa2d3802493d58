import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CKA, CKF, CKR, CKU } from '../../../../../src/adapters/pkcs11/constants.ts';
import { GENERIC_PERSONALITY } from '../../../../../src/adapters/pkcs11/simulator/personality.ts';
import { KeyferryError } from '../../../../../src/errors/keyferry-error.ts';
import { aModule, type ModuleUnderTest, makeAes, shown } from '../../../../support/cryptoki-module.ts';
import { refusalOf, template } from '../../../../support/cryptoki-templates.ts';

const aDir = () => join(mkdtempSync(join(tmpdir(), 'keyferry-sim-')), 'state');
const logOf = (dir: string): string => join(dir, readdirSync(dir).find((name) => name.endsWith('.log')) ?? '');
const labels = (under: ModuleUnderTest): string[] =>
  under.module
    .findObjects(under.session, [])
    .map((key) => Buffer.from(shown(under, key, CKA.LABEL) ?? []).toString())
    .sort();

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof KeyferryError) return error.code;
    throw error;
  }
  return 'none';
};

describe('the state folder', () => {
  it('is for its owner only, and says what it holds', async () => {
    const dir = aDir();
    await makeAes(aModule({ stateDir: dir }));
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dir, 'README'), 'utf8')).toContain('CLEAR TEXT');
  });

  it('is refused when others can write it', () => {
    const dir = aDir();
    aModule({ stateDir: dir });
    chmodSync(dir, 0o770);
    expect(codeOf(() => aModule({ stateDir: dir }))).toBe('state-unsafe');
  });

  it('keeps token objects and their changes, and no session objects', async () => {
    const dir = aDir();
    const first = aModule({ stateDir: dir });
    const kept = await makeAes(first, { LABEL: 'kept', EXTRACTABLE: true });
    const gone = await makeAes(first, { LABEL: 'gone' });
    await makeAes(first, { LABEL: 'session', TOKEN: false });
    first.module.C_SetAttributeValue(first.session, kept, template({ LABEL: 'renamed', EXTRACTABLE: false }));
    first.module.C_DestroyObject(first.session, gone);
    const value = shown(first, kept, CKA.CHECK_VALUE);
    await first.module.close();
    const second = aModule({ stateDir: dir });
    const [found] = second.module.findObjects(second.session, template({ LABEL: 'renamed', EXTRACTABLE: false }));
    expect(labels(second)).toEqual(['renamed']);
    expect(shown(second, found ?? 0n, CKA.CHECK_VALUE)).toEqual(value);
  });

  it('counts wrong PINs across processes', () => {
    const dir = aDir();
    const first = aModule({ stateDir: dir, login: false });
    expect(refusalOf(() => first.module.C_Login(first.session, CKU.USER, 'wrong'))).toBe(CKR.PIN_INCORRECT);
    const second = aModule({ stateDir: dir, login: false });
    expect(second.module.C_GetTokenInfo(0n).flags & CKF.USER_PIN_COUNT_LOW).not.toBe(0);
    second.module.C_Login(second.session, CKU.USER, '1234');
    expect(first.module.C_GetTokenInfo(0n).flags & CKF.USER_PIN_COUNT_LOW).toBe(0);
  });

  it('counts a wrong PIN once, however often the state is read', async () => {
    const tokens = GENERIC_PERSONALITY.tokens.map((token) => ({ ...token, maxFailedLogins: 4 }));
    const stateDir = aDir();
    const one = aModule({ stateDir, personality: { tokens }, login: false });
    const two = aModule({ stateDir, personality: { tokens }, login: false });
    for (const { module, session } of [one, two, one]) {
      await makeAes({ module, session }, { PRIVATE: false });
      expect(refusalOf(() => module.C_Login(session, CKU.USER, 'wrong'))).toBe(CKR.PIN_INCORRECT);
    }
    for (const { module } of [one, two]) {
      const { flags } = module.C_GetTokenInfo(0n);
      expect(flags & CKF.USER_PIN_FINAL_TRY).not.toBe(0);
      expect(flags & CKF.USER_PIN_LOCKED).toBe(0);
    }
    expect(refusalOf(() => two.module.C_Login(two.session, CKU.USER, 'wrong'))).toBe(CKR.PIN_INCORRECT);
    expect(refusalOf(() => one.module.C_Login(one.session, CKU.USER, '1234'))).toBe(CKR.PIN_LOCKED);
  });

  it('gives other handles to the next process', async () => {
    const dir = aDir();
    const first = aModule({ stateDir: dir });
    const handles: bigint[] = [];
    for (let i = 0; i < 8; i += 1) handles.push(await makeAes(first, { LABEL: `k${i}` }));
    const second = aModule({ stateDir: dir });
    const again = handles.map((_, i) => second.module.findObjects(second.session, template({ LABEL: `k${i}` }))[0]);
    expect(again).not.toEqual(handles);
    expect([...handles].sort()).not.toEqual(handles);
    expect(new Set(handles).size).toBe(8);
  });
});

describe('several processes at once', () => {
  it('see what the others made, changed and destroyed', async () => {
    const dir = aDir();
    const one = aModule({ stateDir: dir });
    const two = aModule({ stateDir: dir });
    const key = await makeAes(one, { LABEL: 'a' });
    await makeAes(two, { LABEL: 'b' });
    expect(labels(one)).toEqual(['a', 'b']);
    expect(labels(two)).toEqual(['a', 'b']);
    one.module.C_SetAttributeValue(one.session, key, template({ LABEL: 'c' }));
    expect(labels(two)).toEqual(['b', 'c']);
    const [theirs] = two.module.findObjects(two.session, template({ LABEL: 'c' }));
    two.module.C_DestroyObject(two.session, theirs ?? 0n);
    expect(labels(one)).toEqual(['b']);
    expect(refusalOf(() => one.module.C_DestroyObject(one.session, key))).toBe(CKR.OBJECT_HANDLE_INVALID);
  });

  it('lose nothing when one is killed in the middle of its work', async () => {
    const dir = aDir();
    const here = aModule({ stateDir: dir });
    const writer = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', WRITER], {
      env: { ...process.env, STATE_DIR: dir },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const reported = await new Promise<string>((resolve) => {
      let text = '';
      writer.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.split('\n').length > 40) writer.kill('SIGKILL');
      });
      writer.once('close', () => resolve(text));
    });
    await makeAes(here, { LABEL: 'mine' });
    const made = reported.slice(0, reported.lastIndexOf('\n')).split('\n');
    const all = new Set(labels(aModule({ stateDir: dir })));
    expect(made.length).toBeGreaterThanOrEqual(40);
    expect(made.filter((label) => !all.has(label))).toEqual([]);
    expect(all.has('mine')).toBe(true);
  }, 30_000);
});

const WRITER = `
const { aModule, makeAes } = await import(${JSON.stringify(new URL('../../../../support/cryptoki-module.ts', import.meta.url).href)});
const { writeSync } = await import('node:fs');
const under = aModule({ stateDir: process.env.STATE_DIR });
for (let i = 0; ; i += 1) { await makeAes(under, { LABEL: 'w' + i }); writeSync(1, 'w' + i + '\\n'); }
`;

describe('a damaged state file', () => {
  const filled = async () => {
    const dir = aDir();
    const under = aModule({ stateDir: dir });
    for (const label of ['a', 'b', 'c']) await makeAes(under, { LABEL: label });
    await under.module.close();
    return { dir, path: logOf(dir) };
  };

  it('loses a torn last record, and nothing written afterwards', async () => {
    const { dir, path } = await filled();
    truncateSync(path, statSync(path).size - 20);
    const next = aModule({ stateDir: dir });
    expect(labels(next)).toEqual(['a', 'b']);
    await makeAes(next, { LABEL: 'd' });
    await next.module.close();
    expect(labels(aModule({ stateDir: dir }))).toEqual(['a', 'b', 'd']);
  });

  it.each([1, 4, 11])('reads past a tear after %d bytes of a record', async (count) => {
    const { dir, path } = await filled();
    const torn = readFileSync(path).subarray(0, count);
    appendFileSync(path, torn);
    const next = aModule({ stateDir: dir });
    await makeAes(next, { LABEL: 'd' });
    await next.module.close();
    expect(labels(aModule({ stateDir: dir }))).toEqual(['a', 'b', 'c', 'd']);
  });

  it('reads past zeros that a power cut left', async () => {
    const { dir, path } = await filled();
    appendFileSync(path, Buffer.alloc(300));
    await makeAes(aModule({ stateDir: dir }), { LABEL: 'd' });
    expect(labels(aModule({ stateDir: dir }))).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is refused when the damage is in the middle, wherever that is', async () => {
    const { path } = await filled();
    const good = readFileSync(path);
    for (let at = 0; at < good.length - 300; at += 13) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x40;
      const dir = aDir();
      aModule({ stateDir: dir });
      writeFileSync(logOf(dir), bad);
      expect(
        codeOf(() => aModule({ stateDir: dir })),
        `byte ${at}`,
      ).toBe('simulator-state');
    }
  });
});
