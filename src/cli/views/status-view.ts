/** Where a run stands, on the screen. */

import type { ApprovalRecord } from '../../approvals/record.ts';
import type { Journal, StoredItem } from '../../journal/journal.ts';
import { itemJson } from '../../report/item-json.ts';
import { isOver, type RunRecord, retryable } from '../../report/run-record.ts';
import { summaryJson } from '../../report/summary-json.ts';
import type { Progress } from '../../workflows/engine.ts';
import type { Screen } from '../screen.ts';
import { resultLines } from '../screen.ts';
import { visible } from '../terminal/display-width.ts';
import type { ProgressDisplay } from '../terminal/progress-display.ts';
import { count, counted, dateTime, duration } from '../terminal/quantities.ts';
import type { Styles } from '../terminal/styles.ts';
import { type Cell, tableLines } from '../terminal/table.ts';
import { approvalJson, approvalLine, isUnsigned } from './approval-view.ts';
import { keyKind, LABEL, painted, WHY } from './item-table.ts';
import { countsText } from './run-view.ts';

export interface SummaryOptions {
  /** What the run was asked to have approved, in its latest generation. */
  readonly approvals: readonly ApprovalRecord[];
  /** Show the first failures from it too; null when all items were shown. */
  readonly failures: Journal | null;
}

export interface StatusView {
  items(items: AsyncIterable<StoredItem>): Promise<void>;
  summary(record: RunRecord, more: SummaryOptions): Promise<void>;
  /** While watching. */
  changed(record: RunRecord, display: ProgressDisplay): Promise<void>;
}

export function statusView(screen: Screen, isJson: boolean): StatusView {
  return isJson ? new StatusJson(screen) : new StatusHuman(screen);
}

export class StatusJson implements StatusView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async items(items: AsyncIterable<StoredItem>): Promise<void> {
    async function* lines(): AsyncIterable<string> {
      for await (const stored of items) yield JSON.stringify(itemJson(stored));
    }
    await resultLines(this.#screen, lines());
  }

  async summary(record: RunRecord, { approvals }: SummaryOptions): Promise<void> {
    await this.#line(record, { approvals: approvals.map((approval) => approvalJson(approval, record.plan)) });
  }

  async changed(record: RunRecord): Promise<void> {
    await this.#line(record, {});
  }

  async #line(record: RunRecord, more: Readonly<Record<string, unknown>>): Promise<void> {
    const extra = {
      reason: record.reason,
      owned: record.isOwned,
      playbook: record.plan.playbook,
      digest: record.plan.digest,
      ...more,
    };
    await this.#screen.result(
      JSON.stringify({ ...summaryJson({ ...record, leftovers: [...record.leftovers, ...record.held] }), ...extra }),
    );
  }
}

/** Failures shown without `--items`. */
const SHOWN = 20;

const COLUMNS = [{ title: 'KEY' }, LABEL, { title: 'TYPE' }, { title: 'STATE' }, { title: 'COMPARED BY' }, WHY];

export class StatusHuman implements StatusView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async items(items: AsyncIterable<StoredItem> | Iterable<StoredItem>): Promise<void> {
    const { styles, width } = this.#screen;
    async function* rows(): AsyncIterable<readonly Cell[]> {
      for await (const stored of items) yield row(stored, styles);
    }
    await resultLines(this.#screen, tableLines(rows(), { columns: COLUMNS, styles, width }));
  }

  async summary(record: RunRecord, { approvals, failures }: SummaryOptions): Promise<void> {
    const { styles } = this.#screen;
    await resultLines(this.#screen, summaryText(record, styles));
    await resultLines(
      this.#screen,
      approvals.map((approval) => `  ${approvalLine(approval, record.plan, styles)}`),
    );
    const lost = record.counts.failed + record.counts.needsAttention;
    if (failures !== null && lost > 0) {
      const first: StoredItem[] = [];
      for await (const stored of failures.items(['failed', 'needs-attention'])) {
        if (first.length === SHOWN) break;
        first.push(stored);
      }
      await this.items(first);
      if (lost > SHOWN) await this.#screen.result(styles.dim(`… and ${count(lost - SHOWN)} more; --items shows all`));
    }
    await resultLines(this.#screen, nextLines(record, approvals, this.#screen));
  }

  async changed(record: RunRecord, display: ProgressDisplay): Promise<void> {
    display.show({ state: record.state as Progress['state'], counts: record.counts, rate: null, etaSeconds: null });
  }
}

function row(stored: StoredItem, styles: Styles): readonly Cell[] {
  const { item, state, verification } = stored;
  const kind = item.source.kind === 'key' ? keyKind(item.source.record) : `${count(item.source.size)} bytes`;
  const paints = {
    migrated: styles.green,
    skipped: styles.dim,
    pending: styles.yellow,
    failed: styles.red,
    'needs-attention': styles.red,
  };
  const compared = verification === null ? '-' : `${verification.method} (${verification.result})`;
  return [
    item.key,
    item.label,
    kind,
    painted(state, paints[state]),
    compared,
    stored.reason ?? stored.error?.message ?? '',
  ];
}

function summaryText(record: RunRecord, styles: Styles): string[] {
  const { state, plan, counts } = record;
  const paint = state === 'done' ? styles.green : state === 'failed' ? styles.red : styles.yellow;
  const reason = record.reason === null ? '' : ` (${visible(record.reason)})`;
  const lines = [
    `${styles.bold(`Run ${record.run}`)}  ${visible(plan.title)}`,
    `  ${paint(state)}${reason}, started ${dateTime(record.startedAt)}, ${duration(record.seconds)} at work`,
    counts.total === 0
      ? `  ${countsText(counts, styles)}`
      : `  ${counted(counts.total, 'key')}: ${countsText(counts, styles)}`,
    ...plan.devices.map((device) => {
      const trust = device.trust === 'hardware' ? device.trust : styles.yellow(device.trust.toUpperCase());
      return `  ${visible(device.role)}: ${visible(device.name)}, serial ${visible(device.serial)}, ${trust}`;
    }),
  ];
  for (const held of record.held)
    lines.push(
      `  ${styles.yellow('Holds')} on ${visible(held.device)}: ${visible(held.object)} (${visible(held.reason)})`,
    );
  for (const left of record.leftovers)
    lines.push(
      `  ${styles.yellow('Left behind')} on ${visible(left.device)}: ${visible(left.object)} (${visible(left.reason)})`,
    );
  return lines;
}

function nextLines(record: RunRecord, approvals: readonly ApprovalRecord[], screen: Screen): string[] {
  const { run, state } = record;
  if (!isOver(state)) {
    if (approvals.some((approval) => isUnsigned(approval))) return [screen.next(`approval-request ${run}`)];
    const resume = screen.next(`resume ${run}`);
    return record.isOwned
      ? ['  A process started this run and has not said that it stopped. If it was killed:', resume]
      : [resume];
  }
  if (retryable(record) > 0) return [screen.next(`retry ${run}`)];
  if (record.counts.total === 0) return [];
  return [screen.next(record.counts.migrated > 0 ? `verify ${run}` : `report ${run} --format csv`)];
}
