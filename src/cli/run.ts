/** The command line of `run`: arguments, options, help. What is done stands in actions/run.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import type { RunOptions } from './actions/run.ts';
import { example, optionsOf, type Shell, wholeNumber } from './shell.ts';

export function registerRun(program: Command, shell: Shell): void {
  program
    .command('run')
    .summary('plan, ask, run')
    .description(
      'Makes a plan, shows it, asks, and runs it. A plan file is checked against its digest and the devices, then run as it was reviewed.\n' +
        'Safe to interrupt at any time: Ctrl-C once lets the calls in flight finish, twice stops at once; resume goes on.',
    )
    .argument('<PLAYBOOK|PLANFILE>', 'a playbook, or a file that plan --out wrote')
    .option('-y, --yes', 'do not ask', false)
    .option('--dry-run', 'only plan', false)
    .option('--allow-plaintext', 'allow steps that expose key bytes in clear to this host', false)
    .option('--skip-blocked', 'leave out the keys that the plan blocks, and move the others', false)
    .option('--concurrency <N>', "keys in work at once, instead of the playbook's", wholeNumber)
    .option('--wait', 'where an approval is missing, stay until it comes', false)
    .option('--expect-digest <DIGEST>', 'refuse any other plan than the one approved')
    .option('--no-fingerprint', 'use no key of the devices while planning')
    .option('--items', 'list every item of the plan, however many', false)
    .option('-o, --out <FILE>', 'with --dry-run: write the plan to a file')
    .option('--force', 'with --out: replace the file if it exists', false)
    .addHelpText('after', example('keyferry run playbook.yaml', 'keyferry run friday.plan --yes --expect-digest 3b1f…'))
    .action(async (file: string, _own: unknown, command: Command) => {
      const { run } = await import('./actions/run.ts');
      shell.exitCode = await run(shell, file, optionsOf<RunOptions>(command));
    });
}
