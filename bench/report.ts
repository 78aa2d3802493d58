/** What the benchmark prints: one line of JSON, or a table. */
import { cpus } from 'node:os';
import type { CaseResult } from './case.ts';

/** `cases` holds for every case at least name, keysPerSecond, ratio and goal. */
export function jsonReport(cases: readonly CaseResult[], isQuick: boolean): string {
  const machine = { node: process.version, platform: `${process.platform}-${process.arch}`, cpus: cpus().length };
  return `${JSON.stringify({ cases, isQuick, machine })}\n`;
}

export function tableReport(cases: readonly CaseResult[]): string {
  const rows = [
    ['case', 'keys/s', 'measured', 'goal', ''],
    ...cases.map(({ name, keysPerSecond, ratio, goal, better, unit, isMet }) => [
      name,
      keysPerSecond === null ? '' : String(keysPerSecond),
      `${ratio} ${unit}`,
      `${better === 'higher' ? '≥' : '≤'} ${goal}`,
      isMet ? 'met' : 'not met',
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const details = cases.map(({ name, detail }) => {
    const parts = Object.entries(detail).map(
      ([key, value]) => `${key} ${typeof value === 'number' ? value : value.join('/')}`,
    );
    return `${name}: ${parts.join(', ')}`;
  });
  return `${[...lines, '', ...details].join('\n')}\n`;
}
