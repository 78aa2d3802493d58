/** The command line of `graph`: arguments, options, help. What is done stands in actions/graph.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { GraphOptions } from './actions/graph.ts';
import { example, optionsOf, type Shell } from './shell.ts';

export function registerGraph(program: Command, shell: Shell): void {
  program
    .command('graph')
    .summary("draw a playbook's state machine")
    .description(
      "Writes a playbook's state machine: as Mermaid, for documents, or as an XState machine, for stately.ai. Needs no device.",
    )
    .argument('<PLAYBOOK>', 'the playbook')
    .addOption(new Option('--format <FORMAT>', 'what to write').choices(['mermaid', 'xstate']).default('mermaid'))
    .addHelpText('after', example('keyferry graph playbook.yaml > playbook.mmd'))
    .action(async (file: string, _own: unknown, command: Command) => {
      const { graph } = await import('./actions/graph.ts');
      shell.exitCode = await graph(shell, file, optionsOf<GraphOptions>(command));
    });
}
