/** The outcome of a second comparison on the screen. */
import type { VerifiedItem } from '../../workflows/verify-run.ts';
import type { Screen } from '../screen.ts';
import { resultLines } from '../screen.ts';
import { count, counted } from '../terminal/quantities.ts';
import type { Styles } from '../terminal/styles.ts';
import { tableLines } from '../terminal/table.ts';
import { LABEL, painted, WHY } from './item-table.ts';

export interface VerifiedCounts {
  readonly same: number;
  /** Different, or gone. */
  readonly different: number;
  /** Nothing compares them from outside: the playbook says `verify: weak`, or the device proved them in the run by means of its own. */
  readonly notCompared: number;
}

export interface VerifyView {
  show(run: string, items: AsyncIterable<VerifiedItem>): Promise<VerifiedCounts>;
}

export function verifyView(screen: Screen, isJson: boolean): VerifyView {
  return isJson ? new VerifyJson(screen) : new VerifyHuman(screen);
}

/** Not compared is no failure: the playbook was content without. Different and gone are. */
const standing = ({ error, verification }: VerifiedItem): keyof VerifiedCounts => {
  if (error !== null || verification?.result === 'different') return 'different';
  return verification?.result === 'same' ? 'same' : 'notCompared';
};

class Tally {
  readonly #counts = { same: 0, different: 0, notCompared: 0 };

  /** Whether it is a failure. */
  add(item: VerifiedItem): boolean {
    const where = standing(item);
    this.#counts[where] += 1;
    return where === 'different';
  }

  get counts(): VerifiedCounts {
    return { ...this.#counts };
  }
}

/** Passes the failures to `failed`; holds none, so that a million keys take no memory. */
export async function countVerified(
  items: AsyncIterable<VerifiedItem>,
  failed: (item: VerifiedItem) => void = () => undefined,
): Promise<VerifiedCounts> {
  const tally = new Tally();
  for await (const item of items) if (tally.add(item)) failed(item);
  return tally.counts;
}

export class VerifyJson implements VerifyView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(run: string, items: AsyncIterable<VerifiedItem>): Promise<VerifiedCounts> {
    const tally = new Tally();
    async function* lines(): AsyncIterable<string> {
      yield `{"run":${JSON.stringify(run)},"items":[`;
      let held: string | null = null;
      for await (const item of items) {
        if (held !== null) yield `${held},`;
        tally.add(item);
        const { key, label, verification, error } = item;
        held = JSON.stringify({ key, label, verification, error: error?.toRecord() ?? null });
      }
      if (held !== null) yield held;
      yield `],"summary":${JSON.stringify(tally.counts)}}`;
    }
    await resultLines(this.#screen, lines());
    return tally.counts;
  }
}

/** Failures shown. */
const SHOWN = 40;

export class VerifyHuman implements VerifyView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(run: string, items: AsyncIterable<VerifiedItem>): Promise<VerifiedCounts> {
    const { styles, width } = this.#screen;
    const first: VerifiedItem[] = [];
    const counts = await countVerified(items, (item) => {
      if (first.length < SHOWN) first.push(item);
    });
    const rows = first.map(({ key, label, verification, error }) => [
      key,
      label,
      painted(verification?.result ?? 'not compared', styles.red),
      error?.message ?? '',
    ]);
    const columns = [{ title: 'KEY' }, LABEL, { title: 'RESULT' }, WHY];
    await resultLines(this.#screen, tableLines(rows, { columns, styles, width }));
    if (counts.different > SHOWN)
      await this.#screen.result(styles.dim(`… and ${count(counts.different - SHOWN)} more; --json lists all`));
    await this.#screen.result(`${verdict(counts, styles)}  ${styles.dim(`run ${run}`)}`);
    return counts;
  }
}

function verdict({ same, different, notCompared }: VerifiedCounts, styles: Styles): string {
  if (different > 0) {
    const total = counted(same + different + notCompared, 'key');
    return styles.red(`${count(different)} of ${total} are not the same as their sources. Do not use them.`);
  }
  if (same + notCompared === 0) return 'The run has no arrived keys to compare.';
  const compared = `${counted(same, 'key')} compared with their sources again: all the same.`;
  if (notCompared === 0) return styles.green(compared);
  const rest = `${counted(notCompared, 'key')} cannot be compared from outside the device; what the run proved of them is in its report.`;
  return same === 0 ? rest : `${styles.green(compared)} ${rest}`;
}
