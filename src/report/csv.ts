/**
 * The report as CSV (RFC 4180): a heading, then one row per item, CRLF line ends. Cells that a spreadsheet would run as a formula
 * get a leading apostrophe (OWASP "CSV Injection"): labels come from devices.
 */
import type { Journal, StoredItem } from '../journal/journal.ts';
import { targetOf } from './item-json.ts';

const HEADING = [
  'run',
  'key',
  'label',
  'id',
  'class',
  'type',
  'bits',
  'state',
  'reason',
  'source_serial',
  'source_kcv',
  'target_serial',
  'target_id',
  'target_kcv',
  'verification_method',
  'verification_strength',
  'verification_result',
  'error_code',
  'error_message',
] as const;

/** One cell, quoted where RFC 4180 wants it. */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const field = (value: unknown, name: string): string | null => {
  if (typeof value !== 'object' || value === null) return null;
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'string' ? found : null;
};

function row(run: string, stored: StoredItem): readonly (string | number | null)[] {
  const { item, verification, error } = stored;
  const record = item.source.kind === 'key' ? item.source.record : null;
  const target = targetOf(stored);
  return [
    run,
    item.key,
    item.label,
    record?.locator.id ?? null,
    record?.class ?? null,
    record?.type ?? null,
    record?.bits ?? null,
    stored.state,
    stored.reason,
    record?.locator.serial ?? null,
    record?.kcv ?? null,
    field(target?.locator, 'serial'),
    field(target?.locator, 'id'),
    field(target, 'kcv'),
    verification?.method ?? null,
    verification?.strength ?? null,
    verification?.result ?? null,
    error?.code ?? null,
    error?.message ?? null,
  ];
}

/** Lines without their line feed: each ends with the CR of its CRLF. */
export async function* csvReport(journal: Journal): AsyncIterable<string> {
  yield `${HEADING.join(',')}\r`;
  for await (const stored of journal.items()) yield `${row(journal.run, stored).map(csvCell).join(',')}\r`;
}
