/** `graph`: the state machine that a playbook becomes, to draw. */
import { playbookGraph } from '../../workflows/graph.ts';
import { readPlaybook } from '../bound-playbook.ts';
import type { CommonOptions, Shell } from '../shell.ts';

export interface GraphOptions {
  readonly format: 'mermaid' | 'xstate';
}

export async function graph(shell: Shell, file: string, options: CommonOptions & GraphOptions): Promise<number> {
  const text = playbookGraph(await readPlaybook(file), options.format);
  const line = options.json ? JSON.stringify({ format: options.format, graph: text }) : text.trimEnd();
  await shell.io.stdout.write(`${line}\n`);
  return 0;
}
