/** A plan on the screen: what would happen to every key and why, loudest what an operator must not miss. */
import type { PlanDevice, PlanHead, PlanItem, PlanSource, PlanStepLine } from '../../plan/model.ts';
import type { Screen } from '../screen.ts';
import { resultLines } from '../screen.ts';
import { visible } from '../terminal/display-width.ts';
import { count, counted, duration } from '../terminal/quantities.ts';
import type { Styles } from '../terminal/styles.ts';
import { type Cell, tableLines } from '../terminal/table.ts';
import { keyKind, LABEL, painted, WHY } from './item-table.ts';

export interface PlanView {
  show(plan: PlanSource): Promise<void>;
}

export interface PlanViewOptions {
  readonly isJson: boolean;
  /** Every item, however many. */
  readonly allItems: boolean;
}

export function planView(screen: Screen, options: PlanViewOptions): PlanView {
  return options.isJson ? new PlanJson(screen) : new PlanHuman(screen, options.allItems);
}

export class PlanJson implements PlanView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(plan: PlanSource): Promise<void> {
    const { planJson } = await import('../../plan/plan-json.ts');
    for await (const chunk of planJson(plan)) await this.#screen.text(chunk);
    await this.#screen.text('\n');
  }
}

/** Items shown without `--items`: those that do not move first. */
const SHOWN = 40;

const ORDER: readonly PlanItem['action'][] = ['block', 'duplicate', 'skip', 'move'];

export class PlanHuman implements PlanView {
  readonly #screen: Screen;
  readonly #allItems: boolean;

  constructor(screen: Screen, allItems: boolean) {
    this.#screen = screen;
    this.#allItems = allItems;
  }

  async show(plan: PlanSource): Promise<void> {
    const { styles } = this.#screen;
    const { head } = plan;
    await resultLines(this.#screen, [
      `${styles.bold(`Plan: ${visible(head.title)}`)} ${styles.dim(`(${visible(head.playbook)})`)}`,
      `Digest ${head.digest}`,
      '',
      ...deviceLines(head.devices, styles),
      '',
      ...stepLines('Before the keys:', head.prepare, styles),
      ...stepLines('A throw-away key first, deleted again:', canaryLines(head), styles),
      ...stepLines('For each key:', head.each, styles),
      ...stepLines('After each key, whatever its end:', head.afterEach ?? [], styles),
      ...stepLines('At the end:', head.finally, styles),
      summaryLine(head, styles),
    ]);
    await this.#showItems(plan);
    await resultLines(this.#screen, closingLines(head, styles));
  }

  async #showItems(plan: PlanSource): Promise<void> {
    const { styles, width } = this.#screen;
    const total = plan.head.summary.total;
    if (total === 0) return;
    const columns = [{ title: 'KEY' }, LABEL, { title: 'TYPE' }, { title: 'KCV' }, { title: 'ACTION' }, WHY];
    const rows = this.#allItems ? plan.items() : await foremost(plan);
    await resultLines(this.#screen, tableLines(itemRows(rows, styles), { columns, styles, width }));
    if (!this.#allItems && total > SHOWN)
      await this.#screen.result(styles.dim(`… and ${count(total - SHOWN)} more; --items shows all`));
  }
}

/** The first items of each action, what needs attention before what moves. */
async function foremost(plan: PlanSource): Promise<PlanItem[]> {
  const byAction = new Map<PlanItem['action'], PlanItem[]>(ORDER.map((action) => [action, []]));
  for await (const item of plan.items()) {
    const list = byAction.get(item.action);
    if (list !== undefined && list.length < SHOWN) list.push(item);
  }
  return ORDER.flatMap((action) => byAction.get(action) ?? []).slice(0, SHOWN);
}

async function* itemRows(
  items: AsyncIterable<PlanItem> | Iterable<PlanItem>,
  styles: Styles,
): AsyncIterable<readonly Cell[]> {
  const paints = { move: styles.green, skip: styles.dim, duplicate: styles.dim, block: styles.red };
  for await (const item of items) {
    const { source } = item;
    const kind = source.kind === 'key' ? keyKind(source.record) : `${count(source.size)} bytes`;
    const kcv = source.kind === 'key' ? (source.record.kcv ?? '-') : '-';
    const why = [item.reason, ...item.notes].filter((text) => text !== null).join('; ');
    yield [item.key, item.label, kind, kcv, painted(item.action, paints[item.action]), why];
  }
}

export function deviceLines(devices: readonly PlanDevice[], styles: Styles): string[] {
  return devices.map((device) => {
    const name = device.name === device.role ? device.role : `${device.role} → ${device.name}`;
    const trust = device.trust === 'hardware' ? styles.green('hardware') : styles.yellow(device.trust.toUpperCase());
    return `  ${styles.bold(visible(name))}  ${device.adapter} by ${device.driver}, token "${visible(device.label)}", serial ${visible(device.serial)}  ${trust}`;
  });
}

function stepLines(title: string, steps: readonly PlanStepLine[], styles: Styles): string[] {
  if (steps.length === 0) return [];
  const lines = steps.map((step) => {
    const final = step.pointOfNoReturn ? ` ${styles.red('(cannot be undone)')}` : '';
    const { quorum, object } = step;
    const what = object === undefined ? '' : `: ${visible(object)}`;
    const approval = quorum === undefined ? '' : ` ${styles.yellow(`(waits for ${counted(quorum, 'approval')})`)}`;
    return `  ${styles.cyan(visible(step.do))}  ${styles.dim(visible(step.summary) + what)}${final}${approval}`;
  });
  return [styles.bold(title), ...lines, ''];
}

const canaryLines = ({ canary }: PlanHead): readonly PlanStepLine[] =>
  canary === undefined || canary === null ? [] : [canary];

function summaryLine(head: PlanHead, styles: Styles): string {
  const { total, move, skip, block, duplicate } = head.summary;
  if (total === 0) return styles.bold('No keys to move.');
  const parts = [styles.green(`${count(move)} move`)];
  if (skip > 0) parts.push(`${count(skip)} skipped`);
  if (duplicate > 0) parts.push(`${count(duplicate)} there already`);
  if (block > 0) parts.push(styles.red(`${count(block)} blocked`));
  return `${styles.bold(`${counted(total, 'item')}:`)} ${parts.join(' · ')}`;
}

function closingLines(head: PlanHead, styles: Styles): string[] {
  const lines = [''];
  for (const warning of head.warnings) lines.push(`${styles.yellow('Note:')} ${visible(warning)}`);
  if (!head.fingerprinted)
    lines.push(
      `${styles.yellow('Note:')} made without fingerprints, so keys that are already there were not looked for.`,
    );
  if (head.exposesPlaintext)
    lines.push(styles.red('This playbook exposes key bytes in clear to this host; run wants --allow-plaintext.'));
  for (const block of head.blocks) lines.push(`${styles.red('Blocked:')} ${visible(block)}`);
  if (head.blocks.length === 0 && head.summary.block > 0)
    lines.push(
      `${styles.red('Blocked:')} run refuses this plan until each is resolved, or moves the others with --skip-blocked.`,
    );
  if (head.summary.total > 0) lines.push(`Takes about ${duration(head.estimateSeconds)}.`);
  return lines;
}
