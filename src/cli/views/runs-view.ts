/** Runs on the screen. */
import type { KeyferryError } from '../../errors/keyferry-error.ts';
import { isOver, type RunRecord } from '../../report/run-record.ts';
import { summaryJson } from '../../report/summary-json.ts';
import type { Screen } from '../screen.ts';
import { resultLines } from '../screen.ts';
import { count, counted, dateTime } from '../terminal/quantities.ts';
import type { Styles } from '../terminal/styles.ts';
import { type Cell, tableLines } from '../terminal/table.ts';
import { painted } from './item-table.ts';

export interface ListedRun {
  readonly run: string;
  /** null: its journal cannot be read, and `error` says why. */
  readonly record: RunRecord | null;
  readonly error: KeyferryError | null;
}

export interface RunsView {
  show(runs: readonly ListedRun[]): Promise<void>;
  pruned(runs: readonly string[]): Promise<void>;
}

export function runsView(screen: Screen, isJson: boolean): RunsView {
  return isJson ? new RunsJson(screen) : new RunsHuman(screen);
}

export class RunsJson implements RunsView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(runs: readonly ListedRun[]): Promise<void> {
    const listed = runs.map(({ run, record, error }) =>
      record === null
        ? { run, state: null, error: { code: error?.code ?? null, message: error?.message ?? null } }
        : {
            ...summaryJson(record),
            playbook: record.plan.playbook,
            startedAt: new Date(record.startedAt).toISOString(),
          },
    );
    await this.#screen.result(JSON.stringify({ runs: listed }));
  }

  async pruned(runs: readonly string[]): Promise<void> {
    await this.#screen.result(JSON.stringify({ pruned: runs }));
  }
}

export class RunsHuman implements RunsView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(runs: readonly ListedRun[]): Promise<void> {
    if (runs.length === 0) return await this.#screen.result('No runs yet. Start one with: keyferry run PLAYBOOK');
    const { styles, width } = this.#screen;
    const right = { align: 'right' } as const;
    const columns = [
      { title: 'RUN' },
      { title: 'STARTED' },
      { title: 'STATE' },
      { title: 'KEYS', ...right },
      { title: 'MIGRATED', ...right },
      { title: 'SKIPPED', ...right },
      { title: 'FAILED', ...right },
      { title: 'PLAYBOOK', shrinkTo: 12 },
    ];
    await resultLines(
      this.#screen,
      tableLines(
        runs.map((run) => row(run, styles)),
        { columns, styles, width },
      ),
    );
  }

  async pruned(runs: readonly string[]): Promise<void> {
    await this.#screen.result(
      runs.length === 0 ? 'Nothing to delete.' : `Deleted the records of ${counted(runs.length, 'run')}.`,
    );
  }
}

function row({ run, record, error }: ListedRun, styles: Styles): readonly Cell[] {
  if (record === null) return [run, '', painted(`unreadable (${error?.code ?? 'unknown'})`, styles.red)];
  const { counts, state } = record;
  const lost = counts.failed + counts.needsAttention;
  const paint = state === 'done' && lost === 0 ? styles.green : isOver(state) ? styles.red : styles.yellow;
  return [
    run,
    dateTime(record.startedAt),
    painted(state, paint),
    count(counts.total),
    count(counts.migrated),
    count(counts.skipped),
    lost === 0 ? '0' : painted(count(lost), styles.red),
    record.plan.playbook,
  ];
}
