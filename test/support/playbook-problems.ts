/** What the playbook parser says: problems as `line:column: message (hint)`, and small playbooks to say it about. */
import type { Diagnostic } from '../../src/errors/diagnostic.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { Playbook } from '../../src/playbook/model.ts';
import { parsePlaybook } from '../../src/playbook/parse-playbook.ts';
import { TEST_ADAPTERS } from './playbook-adapters.ts';

export const parse = (text: string): Playbook => parsePlaybook({ file: 'p.yaml', text, adapters: TEST_ADAPTERS });

/** Throws when the text is a valid playbook, or when anything but `playbook-invalid` is thrown. */
export function diagnosticsOf(text: string): readonly Diagnostic[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'playbook-invalid' && error.diagnostics.length > 0)
      return error.diagnostics;
    throw error;
  }
  throw new Error('the playbook has no problems');
}

export const problemsOf = (text: string): string[] =>
  diagnosticsOf(text).map(
    ({ line, column, message, hint }) => `${line}:${column}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );

/** Line 8 is the first of `body`. */
export const withHead = (body: string): string => `keyferry: 1
playbook: sample
devices: { classic: luna-classic, cluster: cloudhsm }
inputs:
  flag: { type: boolean, default: true }
  bits: { type: integer, default: 256 }
  text: { type: string, default: hello }
${body}`;

/** A playbook whose only step is `do: classic.find-keys` with this argument for `label`, written as it stands. Line 11, column 20. */
export const labelled = (label: string): string =>
  withHead(`prepare:
  - do: classic.find-keys
    with:
      label:       ${label}
`);

/** A playbook whose keys are those for which the condition holds. Line 10, column 10. */
export const where = (condition: string): string =>
  withHead(`keys:
  from: classic
  where: ${condition}
each:
  - do: classic.delete-key
    with: { key: "\${{ key }}" }
`);

/** A playbook over keys with these steps in `each`; the first step begins on line 11. */
export const each = (steps: string): string =>
  withHead(`keys: { from: classic }
prepare: [{ id: pair, do: cluster.generate-rsa-key-pair, with: { purpose: wrapping, label: w } }]
each:
${steps}
`);

/** One step in `each`, on line 11; its arguments on line 12, the first argument in column 13. */
export const step = (action: string, args: string, more = ''): string =>
  each(`  - do: ${action}
    with: { ${args} }${more === '' ? '' : `\n    ${more}`}`);
