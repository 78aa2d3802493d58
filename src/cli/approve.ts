/** The command line of `approve`: arguments, options, help. What is done stands in actions/approve.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { ApproveOptions } from './actions/approve.ts';
import { example, optionsOf, type Shell } from './shell.ts';

export function registerApprove(program: Command, shell: Shell): void {
  program
    .command('approve')
    .summary('hand in the signature of an approver')
    .description(
      "Checks a signature over what approval-request wrote against the approver's public key in the devices file, which has to be the one\n" +
        'that the plan pins, and records it. With enough of them the run goes on: at resume, or by itself when it waits.',
    )
    .argument('<RUN>', 'the run')
    .requiredOption('--as <NAME>', 'who signed, as the devices file names them')
    .requiredOption('--signature <FILE>', 'the signature, as openssl wrote it or in base64')
    .addHelpText('after', example('keyferry approve 20261122-101530-ab12cd --as alice --signature alice.sig'))
    .action(async (run: string, _own: unknown, command: Command) => {
      const { approve } = await import('./actions/approve.ts');
      shell.exitCode = await approve(shell, run, optionsOf<ApproveOptions>(command));
    });
}
