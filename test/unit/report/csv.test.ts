import { describe, expect, test } from 'vitest';
import { csvCell, csvReport } from '../../../src/report/csv.ts';
import { collect } from '../../support/journal-fixtures.ts';
import { aPlanItem, aRecord, aReportJournal, REPORT_RUN } from '../../support/report-journal.ts';

describe('csvCell', () => {
  test.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['', ''],
  ])('quotes %j as RFC 4180 wants', (text, cell) => {
    expect(csvCell(text)).toBe(cell);
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx'])('%j is no formula any more', (text) => {
    expect(csvCell(text).replace(/^"/, '')).toMatch(/^'/);
  });

  test('a formula is defused before it is quoted', () => {
    expect(csvCell('=HYPERLINK("http://x","y")')).toBe(`"'=HYPERLINK(""http://x"",""y"")"`);
  });

  test('a number stays a number, a missing value stays empty', () => {
    expect(csvCell(-1)).toBe('-1');
    expect(csvCell(null)).toBe('');
  });
});

describe('csvReport', () => {
  test('has one row per item, as many cells as the heading, and CRLF line ends', async () => {
    const journal = await aReportJournal(
      [aPlanItem(0, aRecord('payments-1')), aPlanItem(1, aRecord('=cmd|x'))],
      [
        {
          kind: 'item',
          item: 0,
          state: 'migrated',
          reason: null,
          target: {
            kind: 'key',
            device: 'b',
            locator: { ...aRecord('payments-1').locator, serial: 'S2' },
            kcv: 'a1b2c3',
          },
          verification: { method: 'encrypt-ecb', strength: 'strong', result: 'same' },
          error: null,
        },
      ],
    );
    const lines = await collect(csvReport(journal));
    await journal.close();
    expect(lines).toHaveLength(3);
    expect(lines.every((line) => line.endsWith('\r'))).toBe(true);
    const [heading, first, second] = lines.map((line) => line.trimEnd().split(','));
    expect(first).toHaveLength(heading?.length ?? 0);
    expect(first?.slice(0, 3)).toEqual([REPORT_RUN, '0000000000000000', 'payments-1']);
    expect(first).toEqual(expect.arrayContaining(['migrated', 'S1', 'S2', 'encrypt-ecb', 'strong', 'same']));
    expect(second?.[2]).toBe("'=cmd|x");
    expect(second).toContain('pending');
  });
});
