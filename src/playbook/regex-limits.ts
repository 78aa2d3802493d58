/**
 * Bounds the time of `matches`: patterns run on a backtracking engine, so a pattern is refused whose worst case could stall a run.
 * The estimate multiplies what each choice can try on a subject of MAX_SUBJECT characters; quantified groups with a choice inside
 * are exponential and refused outright, as are back references and look-around.
 */

export const MAX_PATTERN = 200;
export const MAX_SUBJECT = 256;
/** Tries in the worst case, times the subject's length for the starting points: about a tenth of a second. */
const MAX_TRIES = 2 ** 17;

/** undefined when the pattern is safe, else what is wrong with it. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN) return `the pattern is longer than ${MAX_PATTERN} characters`;
  try {
    new RegExp(pattern);
  } catch {
    return 'the pattern is not a regular expression';
  }
  if (/\\[1-9]|\\k</.test(pattern)) return 'back references are not used here';
  if (/\(\?[^:]/.test(pattern)) return 'look-around and named groups are not used here';
  return triesProblem(pattern);
}

interface Group {
  hasChoice: boolean;
  alternatives: number;
}

function triesProblem(pattern: string): string | undefined {
  let tries = 1;
  const open: Group[] = [{ hasChoice: false, alternatives: 1 }];
  let closed: Group | undefined;
  let at = 0;
  while (at < pattern.length) {
    const quantifier = readQuantifier(pattern, at);
    if (quantifier !== undefined) {
      if (closed?.hasChoice === true)
        return 'a repeated group holds a repetition or a choice itself, which can take forever';
      tries *= quantifier.choices;
      const group = open.at(-1);
      if (group !== undefined && quantifier.choices > 1) group.hasChoice = true;
      at += quantifier.length;
      closed = undefined;
      continue;
    }
    closed = undefined;
    const character = pattern[at];
    if (character === '\\') at++;
    else if (character === '[') at = classEnd(pattern, at);
    else if (character === '(') open.push({ hasChoice: false, alternatives: 1 });
    else if (character === '|') addAlternative(open.at(-1));
    else if (character === ')' && open.length > 1) {
      closed = open.pop();
      tries *= closed?.alternatives ?? 1;
      const outer = open.at(-1);
      if (closed?.hasChoice === true && outer !== undefined) outer.hasChoice = true;
    }
    at++;
  }
  tries *= open[0]?.alternatives ?? 1;
  return tries > MAX_TRIES ? 'the pattern has too many repetitions and choices to be sure of its time' : undefined;
}

function addAlternative(group: Group | undefined): void {
  if (group === undefined) return;
  group.alternatives++;
  group.hasChoice = true;
}

function readQuantifier(pattern: string, at: number): { choices: number; length: number } | undefined {
  const match = /^(?:([*+])|(\?)|\{(\d+)(?:(,)(\d*))?\})\??/.exec(pattern.slice(at));
  if (match === null) return undefined;
  const [whole, unbounded, optional, least, comma, most] = match;
  if (unbounded !== undefined) return { choices: MAX_SUBJECT, length: whole.length };
  if (optional !== undefined) return { choices: 2, length: whole.length };
  // `{n}` tries one length only, but it repeats what stands before it: a group with a choice inside is as bad.
  if (comma === undefined) return { choices: 1, length: whole.length };
  const spread = most === '' || most === undefined ? MAX_SUBJECT : Number(most) - Number(least) + 1;
  return { choices: Math.min(MAX_SUBJECT, Math.max(1, spread)), length: whole.length };
}

function classEnd(pattern: string, start: number): number {
  let at = start + 1;
  while (at < pattern.length && pattern[at] !== ']') at += pattern[at] === '\\' ? 2 : 1;
  return at;
}
