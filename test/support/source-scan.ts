/**
 * Reads a TypeScript file as text: which modules it names, and its code without comments and string contents. TypeScript 7 has no
 * JavaScript API, so this is a scanner of its own: comments, quotes, templates and regular expressions, and nothing of the grammar.
 */

export interface ImportUse {
  readonly specifier: string;
  /** Counts from 1. */
  readonly line: number;
  readonly isTypeOnly: boolean;
  /** A file that is no module: `new URL('../package.json', import.meta.url)`. */
  readonly isData: boolean;
}

export interface ScannedSource {
  readonly imports: readonly ImportUse[];
  /** Comments blanked; same length and lines as the text. */
  readonly withoutComments: string;
  /** Comments and the contents of strings, templates and regular expressions blanked. */
  readonly bare: string;
  readonly lines: number;
}

type Mark = 'code' | 'comment' | 'literal';

/** Words after which a slash begins a regular expression. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|throw|await|yield))\s*$/;

export function scanSource(text: string): ScannedSource {
  const marks = markText(text);
  const withoutComments = blank(text, marks, (mark) => mark === 'comment');
  const bare = blank(text, marks, (mark) => mark !== 'code');
  return { imports: findImports(text, bare), withoutComments, bare, lines: countLines(text) };
}

function countLines(text: string): number {
  const newlines = text.split('\n').length - 1;
  return text.endsWith('\n') || text === '' ? newlines : newlines + 1;
}

function blank(text: string, marks: readonly Mark[], isBlanked: (mark: Mark) => boolean): string {
  let result = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    result += character !== '\n' && isBlanked(marks[at] ?? 'code') ? ' ' : character;
  }
  return result;
}

/** One mark per character. The quotes themselves count as code, so that `from '…'` can be found in the blanked text. */
function markText(text: string): Mark[] {
  const marks: Mark[] = new Array<Mark>(text.length).fill('code');
  const fill = (from: number, to: number, mark: Mark): void => {
    marks.fill(mark, from, Math.min(to, text.length));
  };
  /** Depth of braces inside each open `${`; a template goes on when its own falls below zero. */
  const templates: number[] = [];
  let codeStart = 0;
  let at = 0;

  const readTemplate = (from: number): number => {
    let end = from;
    while (end < text.length) {
      if (text.charAt(end) === '\\') end += 2;
      else if (text.charAt(end) === '`') break;
      else if (text.startsWith('${', end)) {
        fill(from, end, 'literal');
        templates.push(0);
        return end + 2;
      } else end += 1;
    }
    fill(from, end, 'literal');
    return end + 1;
  };

  while (at < text.length) {
    const character = text.charAt(at);
    if (text.startsWith('//', at)) {
      const end = text.indexOf('\n', at);
      const stop = end === -1 ? text.length : end;
      fill(at, stop, 'comment');
      at = stop;
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2);
      const stop = end === -1 ? text.length : end + 2;
      fill(at, stop, 'comment');
      at = stop;
    } else if (character === "'" || character === '"') {
      const end = endOfQuote(text, at);
      fill(at + 1, end, 'literal');
      at = end + 1;
    } else if (character === '`') {
      at = readTemplate(at + 1);
    } else if (character === '/' && BEFORE_REGEX.test(codeBefore(text, marks, codeStart, at))) {
      const end = endOfRegex(text, at);
      fill(at + 1, end, 'literal');
      at = end + 1;
    } else {
      const depth = templates.at(-1);
      if (depth !== undefined && character === '{') templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && character === '}') {
        if (depth === 0) {
          templates.pop();
          at = readTemplate(at + 1);
          continue;
        }
        templates[templates.length - 1] = depth - 1;
      }
      if (character === '\n') codeStart = Math.max(0, at - 200);
      at += 1;
    }
  }
  return marks;
}

function codeBefore(text: string, marks: readonly Mark[], from: number, to: number): string {
  let result = '';
  for (let at = from; at < to; at += 1) result += marks[at] === 'comment' ? ' ' : text.charAt(at);
  return result;
}

function endOfQuote(text: string, start: number): number {
  const quote = text.charAt(start);
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== quote && text.charAt(at) !== '\n')
    at += text.charAt(at) === '\\' ? 2 : 1;
  return at;
}

function endOfRegex(text: string, start: number): number {
  let at = start + 1;
  let isInClass = false;
  while (at < text.length && text.charAt(at) !== '\n') {
    const character = text.charAt(at);
    if (character === '\\') at += 1;
    else if (character === '[') isInClass = true;
    else if (character === ']') isInClass = false;
    else if (character === '/' && !isInClass) return at;
    at += 1;
  }
  return at;
}

const FORMS = [
  /\bfrom\s*(['"])( *)\1/g, // import … from, export … from
  /\bimport\s*(['"])( *)\1/g, // for its effects
  /\bimport\s*\(\s*(['"])( *)\1/g, // lazily
  /\bnew\s+URL\s*\(\s*(['"])( *)\1\s*,\s*import\.meta\.url/g, // a worker or child process entry
];

function findImports(text: string, bare: string): ImportUse[] {
  const found: (ImportUse & { readonly at: number })[] = [];
  for (const form of FORMS) {
    for (const match of bare.matchAll(form)) {
      const quote = match[1] ?? "'";
      const start = match.index + match[0].indexOf(quote) + 1;
      const specifier = text.slice(start, start + (match[2] ?? '').length);
      found.push({
        specifier,
        line: bare.slice(0, start).split('\n').length,
        isTypeOnly: form === FORMS[0] && isTypeStatement(bare, match.index),
        isData: form === FORMS[3] && !specifier.endsWith('.ts'),
        at: start,
      });
    }
  }
  return found.sort((a, b) => a.at - b.at).map(({ at: _at, ...use }) => use);
}

function isTypeStatement(bare: string, fromAt: number): boolean {
  const before = bare.slice(0, fromAt);
  const start = Math.max(before.lastIndexOf('import'), before.lastIndexOf('export'));
  return start !== -1 && /^(?:import|export)\s+type\b/.test(before.slice(start));
}
