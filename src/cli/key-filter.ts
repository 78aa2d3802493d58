/** `--where`: the same expression, checked and run by the same code, as `where` of a playbook. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the playbook's own expressions
import type { DeviceSettings } from '../adapters/adapter.ts';
import { ADAPTERS } from '../adapters/registry.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import { keyScope } from '../plan/key-scope.ts';
import type { Expression } from '../playbook/model.ts';
import { parsePlaybook } from '../playbook/parse.ts';

const ROLE = 'device';

/** Rejects with `usage` when the expression is wrong. */
export function keyFilter(where: string, settings: DeviceSettings): (record: KeyRecord) => boolean {
  const expression = compile(where, settings);
  return (record) => expression.evaluate({ inputs: {}, steps: {}, key: keyScope(record, ROLE) }) === true;
}

function compile(where: string, settings: DeviceSettings): Expression {
  const playbook = {
    keyferry: 1,
    playbook: 'keys',
    devices: { [ROLE]: settings.adapter },
    keys: { from: ROLE, where },
    each: [{ do: 'verify.same-key', with: { source: '${{ key }}', target: '${{ key }}' } }],
  };
  try {
    const { over } = parsePlaybook({ file: '--where', text: JSON.stringify(playbook), adapters: ADAPTERS });
    if (over?.kind === 'keys' && over.where !== null) return over.where;
  } catch (error) {
    if (!(error instanceof KeyferryError) || error.code !== 'playbook-invalid') throw error;
    const problems = error.diagnostics.map(({ message, hint }) =>
      hint === undefined ? message : `${message} (${hint})`,
    );
    throw new KeyferryError('usage', `--where is no expression on a key: ${problems.join('; ')}`, {
      hint: `Write it as in a playbook, for example: key.type == "aes" && key.extractable`,
    });
  }
  throw new Error('a playbook with where came back without it');
}
