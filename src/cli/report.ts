/** `report`: what became of every item of a run, as CSV or JSON. Reads the journal only. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { type CommonOptions, example, optionsOf, type Shell } from './shell.ts';

interface ReportOptions {
  readonly format?: 'csv' | 'json';
}

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
      shell.exitCode = await report(shell, run, optionsOf<ReportOptions>(command));
    });
}

async function report(
  shell: Shell,
  named: string | undefined,
  options: CommonOptions & ReportOptions,
): Promise<number> {
  const [{ namedOrLatest, readRun }, { csvReport }, { jsonReport }, { createScreen, resultLines }] = await Promise.all([
    import('./recorded-run.ts'),
    import('../report/csv.ts'),
    import('../report/json.ts'),
    import('./screen.ts'),
  ]);
  const run = await namedOrLatest(options.home, named);
  const screen = createScreen(shell.io);
  await readRun(options.home, run, async (journal) => {
    const format = options.format ?? (options.json ? 'json' : 'csv');
    await resultLines(screen, format === 'csv' ? csvReport(journal) : jsonReport(journal));
  });
  return 0;
}
