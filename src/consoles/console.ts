/**
 * A vendor's command line, played over a simulated cluster: what a console is to the loop that feeds it lines. Output is the vendor's as far
 * as a source has it; whatever no source has is said in words of our own, so that nobody takes an invented text for the vendor's.
 */
import type { SimulatedCluster } from '../adapters/cloudhsm/cluster/cluster.ts';
import type { Edition } from './edition.ts';

/** Where a console writes and asks. */
export interface Terminal {
  /** One line of output. */
  line(text?: string): void;
  /** Something the vendor's tool does not say and its reader ought to know. Kept apart from the output. */
  note(text: string): void;
  /** null: the input is over. The question stands at the beginning of the line that is answered. */
  ask(question: string): Promise<string | null>;
  /** Without echo. */
  askSecret(question: string): Promise<string | null>;
  /** Everything written so far is handed over. */
  flush(): Promise<void>;
}

/** `misused`: the line was not understood · `over`: the operator has left. */
export type LineEnd = 'done' | 'misused' | 'over';

export interface Console {
  /** Command names, for completion. */
  readonly names: readonly string[];
  prompt(): string;
  /** Runs one command line. Throws only for bugs. */
  run(line: string): Promise<LineEnd>;
  /** The line with the passwords in it struck out; the line itself when it has none. */
  masked(line: string): string;
  close(): Promise<void>;
}

export interface ConsoleOptions {
  readonly cluster: SimulatedCluster;
  readonly edition: Edition;
  readonly terminal: Terminal;
}
