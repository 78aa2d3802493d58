/** The command line of `report`: arguments, options, help. What is done stands in actions/report.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { ReportOptions } from './actions/report.ts';
import { example, optionsOf, type Shell } from './shell.ts';

export function registerReport(program: Command, shell: Shell): void {
  program
    .command('report')
    .summary('what became of every key of a run, as CSV or JSON')
    .description(
      'Writes what became of every key of a run: one row per key as CSV, or one JSON document with the plan and the checks. Needs no device.',
    )
    .argument('[RUN]', 'the run; by default the latest one')
    .addOption(
      new Option('--format <FORMAT>', 'what to write (default: csv, or json with --json)').choices(['csv', 'json']),
    )
    .addHelpText('after', example('keyferry report 20261122-101530-ab12cd --format csv > friday.csv'))
    .action(async (run: string | undefined, _own: unknown, command: Command) => {
      const { report } = await import('./actions/report.ts');
      shell.exitCode = await report(shell, run, optionsOf<ReportOptions>(command));
    });
}
