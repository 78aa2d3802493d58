import { describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/journal/journal.ts';
import { jsonReport } from '../../../src/report/json.ts';
import { isOver, readRunRecord } from '../../../src/report/run-record.ts';
import { collect } from '../../support/journal-fixtures.ts';
import { aPlanItem, aRecord, aReportJournal, REPORT_RUN } from '../../support/report-journal.ts';

const owner = (event: 'started' | 'stopped'): Entry => ({ kind: 'owner', event, pid: 1, host: 'here' });
const phase = (from: string, to: string, reason: string | null = null): Entry => ({
  kind: 'phase',
  generation: 1,
  from,
  to,
  reason,
});
const made: Entry = {
  kind: 'outcome',
  call: { generation: 1, scope: 'prepare', item: null, step: 'pair', attempt: 1 },
  result: 'applied',
  settled: true,
  outputs: { private_key: { kind: 'key', device: 'target', locator: aRecord('wrap').locator } },
  error: null,
};
const items = [aPlanItem(0, aRecord('payments-1')), aPlanItem(1, aRecord('ff00', { labelIsHex: true }))];

describe('readRunRecord', () => {
  test('a run that was killed in the middle: its phase, what it holds, and that it may be owned', async () => {
    const journal = await aReportJournal(items, [
      owner('started'),
      phase('planned', 'preparing'),
      made,
      phase('preparing', 'moving'),
    ]);
    const record = readRunRecord(journal);
    await journal.close();
    expect(record).toMatchObject({ run: REPORT_RUN, state: 'moving', isOwned: true, leftovers: [] });
    expect(record.held).toEqual([
      {
        device: 'target',
        object: 'secret key (aes) label "wrap" id 0a',
        reason: 'held by this run until it ends; resume or cancel it',
      },
    ]);
    expect(isOver(record.state)).toBe(false);
  });

  test('a run that is over holds nothing, and counts only the time under an owner', async () => {
    const journal = await aReportJournal(items, [
      owner('started'),
      made,
      owner('stopped'),
      owner('started'),
      phase('moving', 'done'),
      { kind: 'leftover', device: 'target', object: 'secret aes "wrap"', reason: 'refused' },
      owner('stopped'),
    ]);
    const record = readRunRecord(journal);
    await journal.close();
    expect(record).toMatchObject({ state: 'done', isOwned: false, held: [], seconds: 5 });
    expect(record.leftovers).toEqual([{ device: 'target', object: 'secret aes "wrap"', reason: 'refused' }]);
  });

  test('says why a run stopped', async () => {
    const journal = await aReportJournal(items, [phase('moving', 'paused', 'too many keys failed')]);
    expect(readRunRecord(journal)).toMatchObject({ state: 'paused', reason: 'too many keys failed' });
    await journal.close();
  });
});

describe('jsonReport', () => {
  test('is one document with the run, every item and every check', async () => {
    const check: Entry = { kind: 'check', name: 'canary', result: 'passed', detail: { key: 'x' } };
    const journal = await aReportJournal(items, [owner('started'), check, phase('moving', 'done'), owner('stopped')]);
    const report: unknown = JSON.parse((await collect(jsonReport(journal))).join('\n'));
    await journal.close();
    expect(report).toMatchObject({
      run: REPORT_RUN,
      state: 'done',
      summary: { total: 2, migrated: 0, skipped: 0, failed: 0, pending: 2, needsAttention: 0 },
      plan: { playbook: 'a-to-b', digest: 'ab'.repeat(32) },
      items: [
        { key: '0000000000000000', label: 'payments-1', state: 'pending', source: { kcv: 'a1b2c3' }, target: null },
        { key: '0000000000000001', labelHex: 'ff00' },
      ],
      checks: expect.arrayContaining([
        expect.objectContaining({ name: 'canary', result: 'passed', detail: { key: 'x' } }),
      ]),
    });
  });

  test('is a document without items too', async () => {
    const journal = await aReportJournal([], []);
    expect(JSON.parse((await collect(jsonReport(journal))).join('\n'))).toMatchObject({ items: [] });
    await journal.close();
  });
});
