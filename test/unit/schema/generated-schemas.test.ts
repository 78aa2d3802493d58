import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { generateSchemas } from '../../../scripts/schemas/schemas.ts';
import { schemaProblems } from '../../support/json-schema.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const schemas = new Map(generateSchemas().map(({ path, text }) => [path, text]));
const schema = (name: string): Record<string, unknown> =>
  JSON.parse(schemas.get(`schema/${name}.schema.json`) ?? 'null');

test.each([...schemas])('%s is what npm run generate writes', (path, text) => {
  expect(read(path)).toBe(text);
});

describe('playbooks', () => {
  const playbook = schema('playbook');
  const main: Record<string, unknown> = parseYaml(read('playbooks/classic-to-cloudhsm.yaml'));
  const withStep = (step: unknown): unknown => ({ ...main, prepare: [step] });

  test('the playbook of the main route fits', () => {
    expect(schemaProblems(main, playbook)).toEqual([]);
  });
  test.each([
    ['an unknown field', { ...main, prepares: [] }],
    ['an unknown adapter', { ...main, devices: { classic: 'nothing' } }],
    ['an unknown argument', withStep({ do: 'classic.delete-key', with: { ky: '${{ key }}' } })],
    ['a literal for a key', withStep({ do: 'classic.delete-key', with: { key: 'payments-1' } })],
    ['a missing argument', withStep({ do: 'classic.delete-key', with: {} })],
    [
      'another value than the enum has',
      withStep({ do: 'classic.generate-key', with: { type: 'ase', bits: 256, label: 'x' } }),
    ],
    [
      'an unknown argument of a built-in',
      withStep({ do: 'verify.same-key', with: { source: '${{ key }}', target: '${{ key }}', how: 'x' } }),
    ],
    ['an action without device', withStep({ do: 'delete-key' })],
    ['an id in a canary', { ...main, canary: { id: 'c', do: 'classic.generate-key' } }],
  ])('%s does not', (_what, document) => {
    expect(schemaProblems(document, playbook)).not.toEqual([]);
  });
});

describe('devices files', () => {
  const devices = schema('devices');
  const withPin = (pin: unknown): unknown => ({
    devices: { a: { adapter: 'luna-classic', driver: 'pkcs11', module: '/p.so', token: 't', pin } },
  });

  test('the simulated devices of the main route fit, and the pkcs11 driver with a secret', () => {
    expect(schemaProblems(parseYaml(read('playbooks/devices.simulated.yaml')), devices)).toEqual([]);
    expect(schemaProblems(withPin({ env: 'PIN' }), devices)).toEqual([]);
    expect(schemaProblems(withPin({ command: ['pass', 'show', 'x'] }), devices)).toEqual([]);
  });
  test.each([
    ['a PIN in the clear', withPin('1234')],
    ['a secret of two places', withPin({ env: 'A', file: 'b' })],
    ['a secret of no place', withPin({})],
    ['an unknown driver', { devices: { a: { adapter: 'cloudhsm', driver: 'telepathy' } } }],
    ['an unknown setting', { devices: { a: { adapter: 'cloudhsm', driver: 'simulated', stat: 'x' } } }],
    ['no devices', {}],
  ])('%s does not', (_what, document) => {
    expect(schemaProblems(document, devices)).not.toEqual([]);
  });
});
