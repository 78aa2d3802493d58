/** The command line of `approval-request`: arguments, options, help. What is done stands in actions/approval-request.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { ApprovalRequestOptions } from './actions/approval-request.ts';
import { example, optionsOf, type Shell } from './shell.ts';

export function registerApprovalRequest(program: Command, shell: Shell): void {
  program
    .command('approval-request')
    .summary('write what approvers have to sign')
    .description(
      'Writes a small text file for every approver who may sign what the run waits for. Each reads theirs and signs it with their own key:\n' +
        '  openssl dgst -sha256 -sign alice.key -out alice.sig FILE\n' +
        'A request that expired is asked for anew; what was signed for it does not count any more.',
    )
    .argument('<RUN>', 'the run')
    .option('--as <NAME>', 'only for this approver')
    .option('-o, --out <DIR>', 'the folder for the files', '.')
    .addHelpText('after', example('keyferry approval-request 20261122-101530-ab12cd --out to-sign'))
    .action(async (run: string, _own: unknown, command: Command) => {
      const { approvalRequest } = await import('./actions/approval-request.ts');
      shell.exitCode = await approvalRequest(shell, run, optionsOf<ApprovalRequestOptions>(command));
    });
}
