/** Checked playbooks on the screen. The problems are the result, so they go to stdout. */
import type { KeyferryError } from '../../errors/keyferry-error.ts';
import type { Screen } from '../screen.ts';
import { resultLines } from '../screen.ts';
import { visible } from '../terminal/display-width.ts';
import { failureText } from './failure-view.ts';

export interface CheckedPlaybook {
  readonly file: string;
  /** null: it has errors. */
  readonly title: string | null;
  readonly error: KeyferryError | null;
}

export interface ValidateView {
  show(checked: readonly CheckedPlaybook[]): Promise<void>;
}

export function validateView(screen: Screen, isJson: boolean): ValidateView {
  return isJson ? new ValidateJson(screen) : new ValidateHuman(screen);
}

export class ValidateJson implements ValidateView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(checked: readonly CheckedPlaybook[]): Promise<void> {
    const playbooks = checked.map(({ file, title, error }) => ({
      file,
      title,
      valid: error === null,
      code: error?.code ?? null,
      message: error?.message ?? null,
      problems: error?.diagnostics ?? [],
    }));
    await this.#screen.result(JSON.stringify({ valid: playbooks.every(({ valid }) => valid), playbooks }));
  }
}

export class ValidateHuman implements ValidateView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(checked: readonly CheckedPlaybook[]): Promise<void> {
    const { styles } = this.#screen;
    for (const { file, title, error } of checked) {
      const lines =
        error === null
          ? [`${styles.green('Valid:')} ${visible(file)}  ${styles.dim(visible(title ?? ''))}`]
          : failureText(error, styles).split('\n');
      await resultLines(this.#screen, lines);
    }
  }
}
