/** An inventory on the screen, streamed: a token may hold a million keys. */
import { ATTRIBUTE_NAMES, kebabName } from '../../keys/attributes.ts';
import type { KeyRecord } from '../../keys/key-record.ts';
import type { Screen } from '../screen.ts';
import { resultLines } from '../screen.ts';
import { counted } from '../terminal/quantities.ts';
import type { Styles } from '../terminal/styles.ts';
import { type Cell, tableLines } from '../terminal/table.ts';
import { keyKind, LABEL, painted, WHY } from './item-table.ts';

export interface KeysView {
  show(keys: AsyncIterable<KeyRecord>): Promise<void>;
}

export function keysView(screen: Screen, isJson: boolean): KeysView {
  return isJson ? new KeysJson(screen) : new KeysHuman(screen);
}

export function keyJson(record: KeyRecord): Readonly<Record<string, unknown>> {
  const attributes: Record<string, boolean> = {};
  for (const name of ATTRIBUTE_NAMES) {
    const value = record.attributes[name];
    if (value !== undefined) attributes[kebabName(name)] = value;
  }
  return {
    handle: record.handle,
    id: record.id,
    label: record.label,
    ...(record.labelIsHex ? { labelHex: record.label } : {}),
    class: record.class,
    type: record.type,
    bits: record.bits,
    ...(record.curve === undefined ? {} : { curve: record.curve }),
    kcv: record.kcv,
    attributes,
    exportable: record.exportable,
    reason: record.reason,
  };
}

export class KeysJson implements KeysView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(keys: AsyncIterable<KeyRecord>): Promise<void> {
    async function* lines(): AsyncIterable<string> {
      let held = '';
      let start = '{"keys":[';
      for await (const record of keys) {
        if (held !== '') yield `${held},`;
        held = start + JSON.stringify(keyJson(record));
        start = '';
      }
      yield `${start}${held}]}`;
    }
    await resultLines(this.#screen, lines());
  }
}

export class KeysHuman implements KeysView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(keys: AsyncIterable<KeyRecord>): Promise<void> {
    const { styles, width } = this.#screen;
    const columns = [
      LABEL,
      { title: 'ID', shrinkTo: 8 },
      { title: 'CLASS' },
      { title: 'TYPE' },
      { title: 'KCV' },
      { title: 'MAY LEAVE' },
      WHY,
    ];
    let total = 0;
    async function* rows(): AsyncIterable<readonly Cell[]> {
      for await (const record of keys) {
        total += 1;
        yield row(record, styles);
      }
    }
    await resultLines(this.#screen, tableLines(rows(), { columns, styles, width }));
    await this.#screen.result(total === 0 ? 'No keys.' : styles.dim(counted(total, 'key')));
  }
}

function row(record: KeyRecord, styles: Styles): readonly Cell[] {
  const label = record.labelIsHex ? `0x${record.label}` : record.label;
  const mayLeave = record.exportable ? painted('yes', styles.green) : painted('no', styles.yellow);
  return [
    label,
    record.id === '' ? '-' : record.id,
    record.class,
    keyKind(record),
    record.kcv ?? '-',
    mayLeave,
    record.reason ?? '',
  ];
}
