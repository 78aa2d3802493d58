import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { statementSha256, statementText } from '../../../src/approvals/statement.ts';
import { writeStatement } from '../../../src/approvals/statement-file.ts';

const FACTS = {
  run: 'r1',
  digest: 'aa',
  approver: 'alice',
  request: { step: 'pair', nonce: '01', expiresAt: 1_000_000 },
};

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keyferry-statement-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('the file that an approver signs', () => {
  test('holds the statement and nothing else, in a folder that is made for it', async () => {
    const path = join(dir, 'to', 'sign', 'a.txt');
    expect(await writeStatement(path, FACTS)).toBe(statementSha256(statementText(FACTS)));
    expect(readFileSync(path, 'ascii')).toBe(statementText(FACTS));
    expect(readdirSync(join(dir, 'to', 'sign'))).toEqual(['a.txt']);
  });

  test('replaces an earlier statement', async () => {
    const path = join(dir, 'a.txt');
    await writeStatement(path, FACTS);
    const renewed = { ...FACTS, request: { ...FACTS.request, nonce: '02' } };
    await writeStatement(path, renewed);
    expect(readFileSync(path, 'ascii')).toBe(statementText(renewed));
  });

  test('replaces nothing else', async () => {
    const path = join(dir, 'a.txt');
    writeFileSync(path, 'keyferry-approval-v1 was here');
    await expect(writeStatement(path, FACTS)).rejects.toMatchObject({ code: 'file-unreadable' });
    expect(readFileSync(path, 'utf8')).toBe('keyferry-approval-v1 was here');
    mkdirSync(join(dir, 'folder'));
    await expect(writeStatement(join(dir, 'folder'), FACTS)).rejects.toMatchObject({ code: 'file-unreadable' });
    await expect(writeStatement(join(path, 'below'), FACTS)).rejects.toMatchObject({ code: 'file-unreadable' });
    expect(readdirSync(dir).sort()).toEqual(['a.txt', 'folder']);
  });
});
