/** Reads what the documents promise: code fences, tables and links of a Markdown text. */

export interface Fence {
  readonly language: string;
  readonly text: string;
  /** Of the opening line; counts from 1. */
  readonly line: number;
}

export function readFences(text: string): Fence[] {
  const fences: Fence[] = [];
  let open: { readonly language: string; readonly line: number; readonly lines: string[] } | null = null;
  text.split('\n').forEach((line, index) => {
    const fence = /^```\s*(\S*)/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === null) open = { language: fence[1] ?? '', line: index + 1, lines: [] };
    else {
      fences.push({ language: open.language, line: open.line, text: open.lines.join('\n') });
      open = null;
    }
  });
  if (open !== null) throw new Error('a code fence is not closed');
  return fences;
}

/** Text without its code, fenced and inline. */
function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
}

/** Rows of the first table below a heading, without its header, each cell trimmed. */
export function readTable(text: string, heading: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '').trim() === heading);
  if (start === -1) throw new Error(`no heading "${heading}"`);
  const rest = lines.slice(start + 1);
  const first = rest.findIndex((line) => line.startsWith('|'));
  const nextHeading = rest.findIndex((line) => /^#+ /.test(line));
  if (first === -1 || (nextHeading !== -1 && nextHeading < first)) throw new Error(`no table below "${heading}"`);
  const rows: string[][] = [];
  for (const line of rest.slice(first + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}

/** Targets of `[text](target)` links that name files, without fragments. */
export function readFileLinks(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => (match[1] ?? '').replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/i.test(target));
}

/** Lines of the shell fences, without comments and empty ones; `a && b` gives both. */
export function readShellCommands(text: string): string[] {
  return readFences(text)
    .filter((fence) => fence.language === 'sh')
    .flatMap((fence) => fence.text.split('\n'))
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .flatMap((line) => line.split(/\s*&&\s*/))
    .filter((command) => command !== '');
}
