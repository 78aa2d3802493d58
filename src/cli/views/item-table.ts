/** Keys in tables: the columns that plan, keys and status share. */
import type { KeyRecord } from '../../keys/key-record.ts';
import type { Cell, Column, Paint } from '../terminal/table.ts';

export const LABEL: Column = { title: 'LABEL', shrinkTo: 12, cut: 'middle' };
export const WHY: Column = { title: 'WHY', wraps: true };

/** `aes-256`, `des3`, `rsa-2048`: a length of 0 is one that the device does not say. */
export const keyKind = (record: Pick<KeyRecord, 'type' | 'bits'>): string =>
  record.bits === 0 || record.type === 'des3' ? record.type : `${record.type}-${record.bits}`;

export const painted = (text: string, paint: Paint): Cell => ({ text, paint });
