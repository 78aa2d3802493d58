/** `graph`: the state machine that a playbook becomes, to draw. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { type CommonOptions, example, optionsOf, type Shell } from './shell.ts';

interface GraphOptions {
  readonly format: 'mermaid' | 'xstate';
}

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
      shell.exitCode = await graph(shell, file, optionsOf<GraphOptions>(command));
    });
}

async function graph(shell: Shell, file: string, options: CommonOptions & GraphOptions): Promise<number> {
  const [{ readPlaybook }, { playbookGraph }] = await Promise.all([
    import('./bound-playbook.ts'),
    import('../workflows/graph.ts'),
  ]);
  const text = playbookGraph(await readPlaybook(file), options.format);
  const line = options.json ? JSON.stringify({ format: options.format, graph: text }) : text.trimEnd();
  await shell.io.stdout.write(`${line}\n`);
  return 0;
}
