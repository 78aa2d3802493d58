import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DEFAULT_VALID_FOR_MS, hasExpired, newRequest } from '../../../src/approvals/request.ts';
import { expiryText, statementSha256, statementText } from '../../../src/approvals/statement.ts';

const FACTS = {
  run: '20261122-101530-ab12cd',
  digest: 'ab'.repeat(32),
  approver: 'alice',
  request: { step: 'pair', nonce: '00ff'.repeat(8), expiresAt: Date.UTC(2026, 10, 23, 10, 15, 30) },
};

describe('what an approver signs', () => {
  test('is these bytes and no others', () => {
    const text = statementText(FACTS);
    expect(text).toBe(
      [
        'keyferry-approval-v1',
        'run: 20261122-101530-ab12cd',
        `step: pair`,
        `plan: ${'ab'.repeat(32)}`,
        'approver: alice',
        `nonce: ${'00ff'.repeat(8)}`,
        'expires: 2026-11-23T10:15:30Z',
        '',
      ].join('\n'),
    );
    expect(statementSha256(text)).toBe(createHash('sha256').update(Buffer.from(text, 'ascii')).digest('hex'));
  });

  test('differs when any of its facts does', () => {
    const { request } = FACTS;
    const texts = [
      FACTS,
      { ...FACTS, run: '20261122-101530-ab12ce' },
      { ...FACTS, digest: 'ac'.repeat(32) },
      { ...FACTS, approver: 'bob' },
      { ...FACTS, request: { ...request, step: 'wrapper' } },
      { ...FACTS, request: { ...request, nonce: '00fe'.repeat(8) } },
      { ...FACTS, request: { ...request, expiresAt: request.expiresAt + 1000 } },
    ].map(statementText);
    expect(new Set(texts).size).toBe(texts.length);
  });

  test.each(['alice\nrun: other', 'alice\r', 'al\u0000ice', 'älice', ''])('holds no %j', (approver) => {
    expect(() => statementText({ ...FACTS, approver })).toThrow('one line of ASCII');
  });
});

describe('a request', () => {
  const wish = { generation: 1, step: 'pair', quorum: 2, validForMs: 1500, now: 10_000 };

  test('ends at a whole second, never before its time', () => {
    const request = newRequest(wish);
    expect(request).toMatchObject({ generation: 1, step: 'pair', quorum: 2, expiresAt: 12_000 });
    expect(expiryText(request.expiresAt)).toBe('1970-01-01T00:00:12Z');
    expect([11_999, 12_000].map((now) => hasExpired(request, now))).toEqual([false, true]);
  });

  test('is another each time', () => {
    const nonces = Array.from({ length: 50 }, () => newRequest(wish).nonce);
    expect(new Set(nonces).size).toBe(50);
    for (const nonce of nonces) expect(nonce).toMatch(/^[0-9a-f]{32}$/);
  });

  test('is valid for a day unless the step says otherwise', () => {
    expect(DEFAULT_VALID_FOR_MS).toBe(86_400_000);
  });
});
