/** `report`: what became of every item of a run, as CSV or JSON. Reads the journal only. */
import { csvReport } from '../../report/csv.ts';
import { jsonReport } from '../../report/json.ts';
import { namedOrLatest, readRun } from '../recorded-run.ts';
import { createScreen, resultLines } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';

export interface ReportOptions {
  readonly format?: 'csv' | 'json';
}

export async function report(
  shell: Shell,
  named: string | undefined,
  options: CommonOptions & ReportOptions,
): Promise<number> {
  const run = await namedOrLatest(options.home, named);
  const screen = createScreen(shell.io);
  await readRun(options.home, run, async (journal) => {
    const format = options.format ?? (options.json ? 'json' : 'csv');
    await resultLines(screen, format === 'csv' ? csvReport(journal) : jsonReport(journal));
  });
  return 0;
}
