/** How an error looks: for people with every diagnostic and the hint, for programs as one JSON object. Everything on stderr. */
import { formatDiagnostic } from '../../errors/diagnostic.ts';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { visible } from '../terminal/display-width.ts';
import type { Styles } from '../terminal/styles.ts';

const escapeLines = (text: string): string => text.split('\n').map(visible).join('\n');

export function failureText(error: unknown, styles: Styles): string {
  if (!(error instanceof KeyferryError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${styles.red('This is a bug in keyferry:')} ${escapeLines(stack)}`;
  }
  const lines = [`${styles.red('Error:')} ${escapeLines(error.message)} ${styles.dim(`[${error.code}]`)}`];
  for (const problem of error.diagnostics) lines.push(`  ${visible(formatDiagnostic(problem))}`);
  if (error.device !== undefined || error.native !== undefined) {
    const native =
      error.native === undefined
        ? ''
        : `${error.native.name}${error.native.value === undefined ? '' : ` 0x${error.native.value.toString(16)}`}`;
    const parts = [error.device === undefined ? '' : `device ${error.device}`, error.operation ?? '', native].filter(
      (part) => part !== '',
    );
    lines.push(styles.dim(`  ${visible(parts.join(' · '))}`));
  }
  if (error.outcome === 'unknown') lines.push(`  ${styles.yellow('The device may have changed.')}`);
  if (error.outcome === 'applied') lines.push(`  ${styles.yellow('The device has changed.')}`);
  lines.push(`  ${styles.cyan('Next:')} ${escapeLines(error.hint)}`);
  return lines.join('\n');
}

export function failureJson(error: unknown): string {
  if (!(error instanceof KeyferryError)) {
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? (error.stack ?? null) : null;
    return JSON.stringify({
      error: {
        code: 'bug',
        message,
        device: null,
        outcome: 'unknown',
        hint: 'This is a bug in keyferry; please report it with its stack.',
        stack,
      },
    });
  }
  return JSON.stringify({
    error: {
      code: error.code,
      message: error.message,
      device: error.device ?? null,
      outcome: error.outcome,
      hint: error.hint,
      ...(error.operation === undefined ? {} : { operation: error.operation }),
      ...(error.native === undefined ? {} : { native: error.native }),
      ...(error.diagnostics.length === 0 ? {} : { diagnostics: error.diagnostics }),
    },
  });
}
