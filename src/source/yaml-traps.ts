/**
 * What the YAML parser says, put into words an operator can act on. Unquoted expressions trip YAML in a few well-known ways
 * (`{{` in a flow map, ` : ` of a conditional, a leading quote or `!`); each gets its own message.
 */

export interface YamlComplaint {
  readonly code: string;
  readonly message: string;
  /** Offset in the text. */
  readonly offset: number;
}

export interface Reworded {
  readonly offset: number;
  readonly message: string;
  readonly hint?: string;
  /** Perhaps only a consequence of an earlier complaint. */
  readonly isCascade?: boolean;
}

const QUOTE = 'quote this expression';

export function reword(text: string, complaint: YamlComplaint): Reworded {
  const { code, offset } = complaint;
  const line = restOfLine(text, offset);
  if (code === 'BLOCK_AS_IMPLICIT_KEY') {
    return / \? .* : /.test(line)
      ? { offset, message: 'YAML reads the ` : ` of a conditional as a key', hint: `${QUOTE}: "a ? b : c"` }
      : { offset, message: 'YAML reads `: ` in this text as a key', hint: `${QUOTE}, or the whole text` };
  }
  const brace = dollarBrace(text, offset);
  if (brace !== undefined) {
    return { offset: brace, message: '`${{` inside { } or [ ] is read as YAML', hint: `${QUOTE}: "\${{ … }}"` };
  }
  if (code === 'UNEXPECTED_TOKEN' && /["'\]}]\s*$/.test(text.slice(0, offset)) && !/^[\]}]/.test(line)) {
    return {
      offset,
      isCascade: true,
      message: 'the value ends at its closing quote or bracket, and text follows',
      hint: `${QUOTE} as a whole`,
    };
  }
  if (code === 'DUPLICATE_KEY') return { offset, message: `${firstWord(line)} is given twice` };
  if (code === 'MULTIPLE_DOCS')
    return { offset, message: 'the file holds several YAML documents', hint: 'keep one and drop the `---` line' };
  if (code === 'TAB_AS_INDENT') return { offset, message: 'a tab indents this line', hint: 'indent with spaces' };
  if (code === 'BAD_SCALAR_START')
    return { offset, message: `a value may not start with ${line[0] ?? 'this'}`, hint: 'put it in quotes' };
  const plain = complaint.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? complaint.message;
  return { offset, message: `YAML: ${plain}`, isCascade: true };
}

/** A tag where an expression may have been meant: `when: !x`. */
export function rewordTag(tag: string, isExpression: boolean): { message: string; hint: string } {
  return isExpression
    ? { message: `YAML reads ${tag} as a tag`, hint: `${QUOTE}: "!…"` }
    : {
        message: 'YAML tags are not used here',
        hint: `take ${tag.replace('tag:yaml.org,2002:', '!!')} away, or put the text in quotes`,
      };
}

/** Offset of `${{` when the complaint is about one of its braces. */
function dollarBrace(text: string, offset: number): number | undefined {
  for (const start of [offset, offset - 1, offset - 2]) {
    if (start >= 0 && text.startsWith('${{', start)) return start;
  }
  return undefined;
}

function restOfLine(text: string, offset: number): string {
  const end = text.indexOf('\n', offset);
  return text.slice(offset, end === -1 ? undefined : end).replace(/\r$/, '');
}

const firstWord = (line: string): string => line.match(/^[^\s:]+/)?.[0] ?? 'the key';
