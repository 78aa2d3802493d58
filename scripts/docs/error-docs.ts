/** docs/errors.md from the table of error codes: every code, grouped by the exit code it ends with. */
import { ERROR_CODES, type ErrorCodeSpec, type ErrorScope } from '../../src/errors/codes.ts';
import { EXIT_CODE_PRECEDENCE, EXIT_CODES } from './exit-codes.ts';
import { cell } from './shape-table.ts';

export interface GeneratedFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

const SCOPES: Readonly<Record<ErrorScope, string>> = {
  transient: 'the call',
  item: 'the key',
  run: 'the run',
};

const INTRODUCTION = `# Error codes

<!-- Generated from src/errors/codes.ts by: npm run generate -->

Every error that keyferry reports has a code that does not change between versions. Programs should look at the code, never at the
message. With \`--json\` an error is one JSON object on stderr:

\`\`\`json
{"error":{"code":"token-not-found","message":"…","device":"classic","outcome":"not-applied","hint":"…"}}
\`\`\`

\`outcome\` says whether the device may have changed: \`not-applied\` (it has not), \`applied\` (it has), \`unknown\` (it may have).
\`operation\`, \`native\` (what the device itself answered) and \`diagnostics\` (places in a file) follow where they apply.

**Concerns** says how far an error reaches: *the call* (keyferry tries it again by itself), *the key* (that key fails alone and the
others go on), *the run* (nothing further is started). An error of a key ends the process with its exit code only where a command
deals with that one thing; a run in which some keys failed ends with 1, or with 5 when a comparison failed.
`;

export function generateErrorDocs(): GeneratedFile {
  const sections = [...EXIT_CODES]
    .map(([exitCode, meaning]) => section(exitCode, meaning))
    .filter((text) => text !== '');
  return { path: 'docs/errors.md', text: `${INTRODUCTION}\n${exitCodeTable()}\n${sections.join('\n')}` };
}

function exitCodeTable(): string {
  const rows = [...EXIT_CODES].map(([exitCode, meaning]) => `| ${exitCode} | ${meaning} |`);
  return `## Exit codes

| code | meaning |
|---|---|
${rows.join('\n')}

Where several apply, the first of these counts: ${EXIT_CODE_PRECEDENCE.join(', ')}.
`;
}

/** `interrupted` stands in the table with its scope, but a signal ends the process with 130 (src/main.ts). */
const exitCodeOf = (code: string, spec: ErrorCodeSpec): number => (code === 'interrupted' ? 130 : spec.exitCode);

function section(exitCode: number, meaning: string): string {
  const codes = Object.entries<ErrorCodeSpec>(ERROR_CODES).filter(
    ([code, spec]) => exitCodeOf(code, spec) === exitCode,
  );
  if (codes.length === 0) return '';
  const rows = codes.map(
    ([code, spec]) => `| \`${code}\` | ${cell(spec.meaning)} | ${SCOPES[spec.scope]} | ${cell(spec.hint)} |`,
  );
  return `## Exit code ${exitCode}: ${meaning}

| code | meaning | concerns | what to do |
|---|---|---|---|
${rows.join('\n')}
`;
}
