/** A simulated cluster with people, and the consoles over it, for tests that type and read. */
import type { SimulatedCluster } from '../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCluster } from '../../src/adapters/cloudhsm/cluster/open-cluster.ts';
import type { Console, ConsoleOptions, LineEnd } from '../../src/consoles/console.ts';
import { EDITIONS, type EditionName } from '../../src/consoles/edition.ts';
import { RecordingTerminal } from './console-transcript.ts';

export const PASSWORDS = { officer: 'officer-password', user: 'user-password' } as const;

export const consoleCluster = (nodes = 2): Promise<SimulatedCluster> =>
  openCluster({
    stateDir: null,
    hsmType: 'hsm1.medium',
    nodes: Array.from({ length: nodes }, (_, server) => ({ id: server + 1, address: `10.0.0.${server + 1}` })),
    users: [
      { type: 'PCO', name: 'admin', password: PASSWORDS.officer },
      { type: 'CO', name: 'officer', password: PASSWORDS.officer },
      { type: 'CU', name: 'alice', password: PASSWORDS.user },
      { type: 'CU', name: 'bob', password: PASSWORDS.user },
    ],
  });

export interface Desk {
  readonly console: Console;
  readonly terminal: RecordingTerminal;
  /** What one line shows; `answers` to what it asks. */
  type(line: string, ...answers: readonly string[]): Promise<string>;
  /** How the last line ended. */
  end(): LineEnd | null;
}

export function aDesk(
  open: (options: ConsoleOptions) => Console,
  cluster: SimulatedCluster,
  edition: EditionName = '2019',
): Desk {
  const terminal = new RecordingTerminal();
  const console = open({ cluster, edition: EDITIONS[edition], terminal });
  terminal.take();
  let last: LineEnd | null = null;
  return {
    console,
    terminal,
    async type(line, ...answers) {
      terminal.answers = [...answers];
      last = await console.run(line);
      return terminal.take();
    },
    end: () => last,
  };
}

export const keyHandleIn = (shown: string): string => /Key Handle: (\d+)/.exec(shown)?.[1] ?? `no handle in: ${shown}`;
