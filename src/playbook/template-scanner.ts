/**
 * Finds the expressions of a text: `${{ … }}`. The closing braces are found as CEL reads them, so that strings (quoted, raw, triple
 * quoted), map literals and comments may hold `}}` themselves.
 */

export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
}

export interface ExpressionPart {
  readonly kind: 'expression';
  /** CEL between the braces, as written. */
  readonly source: string;
  /** Where `source` begins in the text. */
  readonly offset: number;
}

export interface ScanProblem {
  readonly offset: number;
  readonly message: string;
  readonly hint?: string;
}

export type Scan = { readonly parts: readonly (TextPart | ExpressionPart)[] } | { readonly problem: ScanProblem };

export const hasExpression = (text: string): boolean => text.includes('${{');

export function scanTemplate(text: string): Scan {
  const parts: (TextPart | ExpressionPart)[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('${{', at);
    if (open === -1) break;
    if (text[open - 1] === '$') {
      return problem(
        open - 1,
        '`$${{` is not a way to write `${{` itself',
        'write it as an expression: ${{ "$" + "{{" }}',
      );
    }
    const end = expressionEnd(text, open + 3);
    if (typeof end !== 'number') return { problem: end };
    if (open > at) parts.push({ kind: 'text', text: text.slice(at, open) });
    const source = text.slice(open + 3, end);
    if (source.trim() === '') return problem(open, 'the expression is empty');
    parts.push({ kind: 'expression', source, offset: open + 3 });
    at = end + 2;
  }
  if (at < text.length) parts.push({ kind: 'text', text: text.slice(at) });
  return { parts };
}

/** Offset of the closing `}}`, or why there is none. */
function expressionEnd(text: string, start: number): number | ScanProblem {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const character = text[at];
    if (character === '"' || character === "'") {
      const end = stringEnd(text, at);
      if (end === undefined) return { offset: at, message: 'a string in the expression is not closed' };
      at = end;
    } else if (character === '/' && text[at + 1] === '/') {
      while (at < text.length && text[at] !== '\n' && !(depth === 0 && text.startsWith('}}', at))) at++;
    } else if (character === '{') {
      depth++;
      at++;
    } else if (character === '}') {
      if (depth === 0) {
        return text[at + 1] === '}'
          ? at
          : { offset: at, message: 'a single } in the expression', hint: 'an expression ends with }}' };
      }
      depth--;
      at++;
    } else at++;
  }
  return { offset: start - 3, message: '`${{` is not closed', hint: 'an expression ends with }}' };
}

/** Offset behind the closing quote; undefined when there is none. */
export function stringEnd(text: string, quoteAt: number): number | undefined {
  const quote = text[quoteAt] ?? '"';
  const isRaw = /(?<![A-Za-z0-9_])(?:[rR]|[rR][bB]|[bB][rR])$/.test(text.slice(Math.max(0, quoteAt - 3), quoteAt));
  const delimiter = text.startsWith(quote.repeat(3), quoteAt) ? quote.repeat(3) : quote;
  let at = quoteAt + delimiter.length;
  while (at < text.length) {
    if (text.startsWith(delimiter, at)) return at + delimiter.length;
    if (delimiter.length === 1 && text[at] === '\n') return undefined;
    at += text[at] === '\\' && !isRaw ? 2 : 1;
  }
  return undefined;
}

const problem = (offset: number, message: string, hint?: string): Scan => ({
  problem: hint === undefined ? { offset, message } : { offset, message, hint },
});
