/** The outcome of a second comparison on the screen. */
import type { VerifiedItem } from '../../workflows/verify-run.ts';
import type { Screen } from '../screen.ts';
import { resultLines } from '../screen.ts';
import { count, counted } from '../terminal/quantities.ts';
import { tableLines } from '../terminal/table.ts';
import { LABEL, painted, WHY } from './item-table.ts';

export interface VerifiedCounts {
  readonly same: number;
  /** Different, gone, or not to be compared. */
  readonly different: number;
}

export interface VerifyView {
  show(run: string, items: AsyncIterable<VerifiedItem>): Promise<VerifiedCounts>;
}

export function verifyView(screen: Screen, isJson: boolean): VerifyView {
  return isJson ? new VerifyJson(screen) : new VerifyHuman(screen);
}

/** A playbook that says `verify: weak` moves keys that nothing can compare: not compared is no failure, different and gone are. */
const isFailure = ({ error, verification }: VerifiedItem): boolean =>
  error !== null || verification?.result === 'different';

/** Passes the failures to `failed`; holds none, so that a million keys take no memory. */
export async function countVerified(
  items: AsyncIterable<VerifiedItem>,
  failed: (item: VerifiedItem) => void = () => undefined,
): Promise<VerifiedCounts> {
  let same = 0;
  let different = 0;
  for await (const item of items) {
    if (isFailure(item)) {
      different += 1;
      failed(item);
    } else same += 1;
  }
  return { same, different };
}

export class VerifyJson implements VerifyView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(run: string, items: AsyncIterable<VerifiedItem>): Promise<VerifiedCounts> {
    let counts: VerifiedCounts = { same: 0, different: 0 };
    async function* lines(): AsyncIterable<string> {
      yield `{"run":${JSON.stringify(run)},"items":[`;
      let held: string | null = null;
      for await (const item of items) {
        if (held !== null) yield `${held},`;
        counts = isFailure(item)
          ? { ...counts, different: counts.different + 1 }
          : { ...counts, same: counts.same + 1 };
        const { key, label, verification, error } = item;
        held = JSON.stringify({ key, label, verification, error: error?.toRecord() ?? null });
      }
      if (held !== null) yield held;
      yield `],"summary":${JSON.stringify(counts)}}`;
    }
    await resultLines(this.#screen, lines());
    return counts;
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
    const text =
      counts.different === 0
        ? styles.green(`${counted(counts.same, 'key')} compared with their sources again: all the same.`)
        : styles.red(
            `${count(counts.different)} of ${counted(counts.same + counts.different, 'key')} are not the same as their sources. Do not use them.`,
          );
    await this.#screen.result(`${text}  ${styles.dim(`run ${run}`)}`);
    return counts;
  }
}
