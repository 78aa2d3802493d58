/** Collects every problem of a file, so that an author sees all of them at once and in the order of the file. */
import type { Diagnostic } from '../errors/diagnostic.ts';
import type { SourcePlace } from './node.ts';

export class Problems {
  readonly #found: Diagnostic[] = [];

  add(place: SourcePlace, message: string, hint?: string): void {
    const { file, line, column } = place;
    this.#found.push(hint === undefined ? { file, line, column, message } : { file, line, column, message, hint });
  }

  addAll(problems: Problems): void {
    this.#found.push(...problems.#found);
  }

  get count(): number {
    return this.#found.length;
  }

  /** In the order of the file; the same problem at the same place once. */
  list(): readonly Diagnostic[] {
    const seen = new Set<string>();
    return [...this.#found]
      .sort((a, b) => a.line - b.line || a.column - b.column)
      .filter(({ line, column, message }) => {
        const key = `${line}:${column}:${message}`;
        if (seen.has(key)) return false;
        seen.add(key);
        return true;
      });
  }
}

/** One line for an error's message: how many, and the first. */
export function summarise(what: string, problems: readonly Diagnostic[]): string {
  const first = problems[0];
  if (first === undefined) return `${what} has problems.`;
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems, the first`;
  return `${what} has ${count}: line ${first.line}, column ${first.column}: ${first.message}`;
}
