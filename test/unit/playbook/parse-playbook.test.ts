import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { loadPlaybook } from '../../../src/playbook/load-playbook.ts';
import { parsePlaybookDocument } from '../../../src/playbook/parse-playbook.ts';
import { TEST_ADAPTERS } from '../../support/playbook-adapters.ts';
import { diagnosticsOf, parse, problemsOf, where, withHead } from '../../support/playbook-problems.ts';

const MAIN = readFileSync(new URL('../../../playbooks/classic-to-cloudhsm.yaml', import.meta.url), 'utf8');

describe('the playbook of the main route', () => {
  const playbook = parse(MAIN);

  test('is read whole', () => {
    expect(playbook.name).toBe('classic-to-cloudhsm');
    expect(playbook.devices).toEqual({ classic: 'luna-classic', cluster: 'cloudhsm' });
    expect(Object.keys(playbook.inputs)).toEqual(['prefix', 'wrapping_bits', 'extractable']);
    expect(playbook.over).toMatchObject({ kind: 'keys', from: 'classic', where: { type: 'bool' } });
    expect(playbook.prepare.map((step) => step.id)).toEqual(['pair', 'public', 'wrapper']);
    expect(playbook.canary).toMatchObject({
      id: 'canary_1',
      block: 'canary',
      target: 'classic',
      action: 'generate-key',
    });
    expect(playbook.each.map((step) => step.id)).toEqual(['each_1', 'wrapped', 'arrived', 'each_4']);
    expect(playbook.each[0]).toMatchObject({
      otherwise: 'skip',
      retry: { attempts: null },
      timeoutMs: null,
      approval: null,
      rollback: null,
    });
    expect(playbook.each[2]?.retry).toEqual({ attempts: 5, backoff: 'exponential', delayMs: 1000 });
    expect(playbook.finally).toHaveLength(3);
    expect(playbook.policy).toMatchObject({ concurrency: 64, ramp: [{ count: 1 }, { count: 10 }, { share: 1 }] });
    expect(playbook.verify).toBe('strong');
    expect(playbook.exposesPlaintext).toBe(false);
  });

  test('its stop-when sees counts', () => {
    const stop = (failed: number, finished: number): unknown =>
      playbook.policy.stopWhen?.evaluate({ inputs: {}, steps: {}, counts: { failed, total: 1000, finished } });
    expect(stop(0, 0)).toBe(false);
    expect(stop(1, 100)).toBe(false);
    expect(stop(6, 100)).toBe(true);
    expect(stop(11, 1000)).toBe(true);
  });

  test('gives the same from the document pinned in a journal', () => {
    const pinned = parsePlaybookDocument(JSON.parse(JSON.stringify(playbook.document)), TEST_ADAPTERS);
    const plain = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (name, item) => (name === 'place' ? undefined : item)));
    expect(plain(pinned)).toEqual(plain(playbook));
    expect(pinned.each[0]?.place).toEqual({ file: 'pinned playbook', line: 1, column: 1 });
  });

  test('a changed document has its problems too', () => {
    const document = { ...(playbook.document as Record<string, never>), devices: { classic: 'nothing' } };
    expect(() => parsePlaybookDocument(document, TEST_ADAPTERS)).toThrow(KeyferryError);
    expect(() => parsePlaybookDocument('text', TEST_ADAPTERS)).toThrow(/pinned playbook has a problem/);
    expect(() => parsePlaybookDocument(null, TEST_ADAPTERS)).toThrow(KeyferryError);
  });
});

test('defaults: concurrency, ramp, stop-when, arguments', () => {
  const playbook = parse(where('key.bits == 1'));
  expect(playbook.policy).toEqual({ concurrency: 16, ramp: [{ share: 1 }], stopWhen: null });
  expect(playbook.title).toBe('sample');
  const canary = parse(
    `${where('key.bits == 1')}canary: { do: classic.generate-key, with: { type: aes, bits: 256, label: c } }\n`,
  ).canary;
  expect(canary?.with.extractable).toEqual({ kind: 'literal', value: false });
});

test('files instead of keys', () => {
  const playbook = parse(
    withHead(`items: { files: "in/\${{ inputs.text }}-*.bin" }
each:
  - id: blob
    do: file.read
    with: { path: "\${{ item.path }}", as: bytes }
    when: item.size < 1000
  - do: file.write
    with: { path: "out/\${{ item.name }}", data: "\${{ steps.blob.data }}" }
`),
  );
  expect(playbook.over).toMatchObject({
    kind: 'files',
    files: { kind: 'text', parts: ['in/', { source: 'inputs.text' }, '-*.bin'] },
  });
  const item = { path: '/in/a', name: 'a', size: 12 };
  expect(playbook.each[0]?.when?.evaluate({ inputs: {}, steps: {}, item })).toBe(true);
  const path = playbook.each[0]?.with.path;
  expect(path?.kind === 'expression' && path.expression.evaluate({ inputs: {}, steps: {}, item })).toBe('/in/a');
});

test('a step with everything', () => {
  const playbook = parse(
    withHead(`prepare:
  - id: made
    do: classic.generate-key
    with: { type: aes, bits: "\${{ inputs.bits }}", label: "k-\${{ inputs.bits }}" }
    when: inputs.flag
    timeout: 90s
    retry: { attempts: 3, backoff: fixed, delay: 500ms }
    approval: { quorum: 2 }
    rollback: { do: classic.delete-key, with: { key: "\${{ steps.made.key }}" } }
  - do: classic.reveal-key
    with: { key: "\${{ steps.made.key }}" }
    exposes: plaintext
verify: weak
`),
  );
  const [step] = playbook.prepare;
  expect(step).toMatchObject({
    timeoutMs: 90_000,
    retry: { attempts: 3, backoff: 'fixed', delayMs: 500 },
    approval: { quorum: 2 },
    rollback: { target: 'classic', action: 'delete-key' },
    with: { label: { kind: 'text' } },
    place: { file: 'p.yaml', line: 9, column: 5 },
  });
  expect(playbook.exposesPlaintext).toBe(true);
  expect(playbook.verify).toBe('weak');
});

describe('a whole playbook that is wrong', () => {
  const cases: readonly [string, string, string][] = [
    ['keyferry is missing', 'playbook: x\ndevices: {}\nprepare: []\n', '1:1: keyferry is missing'],
    ['another format', 'keyferry: 2\nplaybook: x\ndevices: {}\nprepare: []\n', '1:11: 2 is not 1 (did you mean 1?)'],
    ['an unknown field', withHead('prepares: []\n'), '8:1: prepares is not known here (did you mean prepare?)'],
    ['a list', '- a\n', '1:1: must be a map, not a list'],
    ['no steps', withHead(''), '1:1: the playbook has no steps (add prepare, or keys and each)'],
    [
      'an unknown adapter',
      'keyferry: 1\nplaybook: x\ndevices: { a: cloudhms }\nprepare: []\n',
      '3:15: there is no adapter cloudhms (did you mean cloudhsm?)',
    ],
    [
      'an adapter with a name of JavaScript',
      'keyferry: 1\nplaybook: x\ndevices: { a: constructor }\nprepare: []\n',
      '3:15: there is no adapter constructor (known: luna-classic, cloudhsm)',
    ],
    [
      'a device called verify',
      'keyferry: 1\nplaybook: x\ndevices: { verify: cloudhsm }\nprepare: []\n',
      "3:12: verify is a built-in namespace and no device's name (choose another name)",
    ],
    [
      'a device called approval',
      'keyferry: 1\nplaybook: x\ndevices: { approval: cloudhsm }\nprepare: []\n',
      "3:12: approval is a built-in namespace and no device's name (choose another name)",
    ],
    [
      'a name with capitals',
      'keyferry: 1\nplaybook: Main\ndevices: {}\nprepare: []\n',
      '2:11: must match ^[a-z][a-z0-9]*([-_][a-z0-9]+)*$ (lower-case words joined by -)',
    ],
    ['keys without each', withHead('keys: { from: classic }\n'), '8:1: keys without each: nothing is done with them'],
    ['each without keys', withHead('each: []\n'), '8:1: each needs keys or items to repeat over'],
    [
      'keys and items',
      withHead('keys: { from: classic }\nitems: { files: "*" }\neach: []\n'),
      '9:1: a playbook repeats over keys or over items, not both',
    ],
    [
      'keys of an unknown device',
      withHead('keys: { from: clasic }\neach: []\n'),
      '8:15: the playbook has no device clasic (did you mean classic?)',
    ],
    ['after-each without each', withHead('prepare: []\nafter-each: []\n'), '9:1: after-each needs each'],
    [
      'a canary without keys',
      withHead('prepare: []\ncanary: { do: classic.generate-key, with: { type: aes, bits: 8, label: c } }\n'),
      '9:1: a canary needs keys: it runs each once on a key made for it',
    ],
    [
      'a share of nothing',
      withHead('prepare: []\npolicy: { ramp: [0%] }\n'),
      '9:18: must be a whole number, at least 1 or text, not text',
    ],
    [
      'no concurrency',
      withHead('prepare: []\npolicy: { concurrency: 0 }\n'),
      '9:24: must be a whole number from 1 to 4096',
    ],
    ['stop-when on keys', withHead('prepare: []\npolicy: { stop-when: key.wrap }\n'), '9:22: key cannot be named here'],
    [
      'stop-when not quoted and true',
      withHead('prepare: []\npolicy: { stop-when: !x }\n'),
      '9:22: YAML reads !x as a tag (quote this expression: "!…")',
    ],
  ];
  test.each(cases)('%s', (_what, text, message) => {
    expect(problemsOf(text)).toContain(message);
  });
});

describe('inputs that are wrong', () => {
  const cases: readonly [string, string, string][] = [
    [
      'a hyphen in the name',
      'wrapping-bits: { type: integer }',
      '"wrapping-bits" cannot be named in expressions: names are lower-case letters, digits and _ (did you mean wrapping_bits?)',
    ],
    ['a word of CEL', 'in: { type: string }', 'in is a word of the expression language and cannot be a name'],
    ['an unknown type', 'a: { type: int }', '"int" is not one of string, integer, number, boolean, secret, path'],
    ['a default of another type', 'a: { type: integer, default: x }', "must be of the input's type, integer"],
    ['a fraction', 'a: { type: integer, default: 1.5 }', "must be of the input's type, integer"],
    [
      'text without quotes',
      'a: { type: string, default: 1 }',
      "must be of the input's type, string (put it in quotes)",
    ],
    [
      'a number in quotes',
      'a: { type: integer, default: "1" }',
      "must be of the input's type, integer (take the quotes away)",
    ],
    [
      'a default outside the enum',
      'a: { type: integer, enum: [1, 2], default: 3 }',
      'the default 3 is not in the enum',
    ],
    ['an empty enum', 'a: { type: string, enum: [] }', 'the enum is empty'],
    ['an enum of booleans', 'a: { type: boolean, enum: [true] }', 'an input of type boolean has no enum'],
    [
      'a default for a secret',
      'a: { type: secret, default: hunter2 }',
      'a secret has no default: it never stands in a playbook (give it with -i NAME=env:VAR | file:PATH | prompt)',
    ],
  ];
  test.each(cases)('%s', (_what, input, message) => {
    const text = `keyferry: 1\nplaybook: x\ndevices: {}\ninputs:\n  ${input}\nprepare: []\n`;
    expect(problemsOf(text).map((problem) => problem.replace(/^5:\d+: /, ''))).toContainEqual(
      expect.stringContaining(message),
    );
  });
});

test('an input that is broken is not reported again where it is used', () => {
  const text =
    'keyferry: 1\nplaybook: x\ndevices: { classic: cloudhsm }\ninputs: { a: { type: xyz } }\nprepare:\n  - { do: classic.find-keys, with: { label: "${{ inputs.a }}" } }\n';
  expect(problemsOf(text)).toEqual(['4:22: "xyz" is not one of string, integer, number, boolean, secret, path']);
});

test('all problems are reported at once, in the order of the file', () => {
  const places = diagnosticsOf(
    withHead(`keys: { from: nowhere, where: key.bit == 1 }
prepare:
  - { do: classic.find-key }
  - { do: classic.find-keys, with: { lable: x } }
each:
  - { do: clasic.delete-key }
`),
  ).map(({ line }) => line);
  expect(places).toEqual([8, 8, 10, 11, 13]);
});

test('the error tells how many problems there are, and the first', () => {
  expect(() => parse('a: *x\n')).toThrow(/^The playbook p\.yaml has .*problems?.*: line 1, column/);
});

describe('loading', () => {
  test('a file that is not there', () => {
    expect(() => loadPlaybook('/nowhere/p.yaml', TEST_ADAPTERS)).toThrow(
      expect.objectContaining({ code: 'file-unreadable' }),
    );
  });
  test('a folder', () => {
    expect(() => loadPlaybook('/', TEST_ADAPTERS)).toThrow(expect.objectContaining({ code: 'file-unreadable' }));
  });
  test('a file that is no text', () => {
    expect(() => loadPlaybook(process.execPath, TEST_ADAPTERS)).toThrow(
      expect.objectContaining({ code: 'playbook-invalid' }),
    );
  });
});
