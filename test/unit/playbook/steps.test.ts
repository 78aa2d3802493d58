import { describe, expect, test } from 'vitest';
import { each, parse, problemsOf, step } from '../../support/playbook-problems.ts';

describe('actions', () => {
  const cases: readonly [string, string, string][] = [
    [
      'an unknown device',
      step('clusterr.find-keys', ''),
      '11:9: the playbook has no device clusterr (did you mean cluster?)',
    ],
    [
      'an unknown action',
      step('cluster.unwrap-keys', ''),
      '11:17: cluster (cloudhsm) has no action unwrap-keys (did you mean unwrap-key?)',
    ],
    [
      'an unknown built-in',
      step('verify.same-keys', ''),
      '11:16: verify has no action same-keys (did you mean same-key?)',
    ],
    [
      'no action at all',
      step('cluster', ''),
      '11:9: must match ^[a-z][a-z0-9_-]*\\.[a-z][a-z0-9-]*$ (device.action, as in cluster.unwrap-key)',
    ],
    [
      'a name of JavaScript',
      step('cluster.constructor', ''),
      '11:17: cluster (cloudhsm) has no action constructor (known: generate-key, generate-rsa-key-pair, export-public-key, import-public-key, require-attribute, wrap-key, unwrap-key, delete-key, find-keys, reveal-key, configure)',
    ],
  ];
  test.each(cases)('%s', (_what, text, message) => {
    expect(problemsOf(text)).toContain(message);
  });
});

describe('arguments', () => {
  const cases: readonly [string, string, string][] = [
    [
      'an unknown one',
      step('classic.delete-key', 'ky: "${{ key }}"'),
      '12:13: there is no argument ky (did you mean key?)',
    ],
    ['a missing one', step('classic.delete-key', ''), '12:11: the argument key is missing (it is a key)'],
    [
      'a literal for a key',
      step('classic.delete-key', 'key: payments-1'),
      '12:18: a key cannot be written out (name a step\'s output: "${{ steps.… }}")',
    ],
    [
      'text for a number',
      step('classic.generate-key', 'type: aes, bits: many, label: x'),
      '12:30: must be a whole number from 8 to 6400',
    ],
    [
      'a number in quotes',
      step('classic.generate-key', 'type: aes, bits: "256", label: x'),
      '12:30: must be a whole number from 8 to 6400 (take the quotes away)',
    ],
    [
      'a number for text',
      step('classic.generate-key', 'type: aes, bits: 256, label: 7'),
      '12:42: must be text, and YAML reads this as a number (put it in quotes)',
    ],
    [
      'another value than the enum has',
      step('classic.generate-key', 'type: ase, bits: 256, label: x'),
      '12:19: "ase" is not one of aes, des3 (did you mean aes?)',
    ],
    ['nothing', step('classic.generate-key', 'type: aes, bits: 256, label:'), '12:42: a value is missing: text'],
    [
      'a list for text',
      step('classic.generate-key', 'type: aes, bits: 256, label: [x]'),
      '12:42: must be text, not a list',
    ],
    [
      'an unknown field of a map',
      step('cluster.unwrap-key', 'attributes: { extractible: true }'),
      '12:27: extractible is not known here (did you mean extractable?)',
    ],
    [
      'an expression of another type',
      step('classic.generate-key', 'type: aes, bits: "${{ inputs.text }}", label: x'),
      '12:35: must be a whole number from 8 to 6400; the expression is text',
    ],
    [
      'an expression of another type in a map',
      step('cluster.unwrap-key', 'attributes: { extractable: "${{ inputs.bits }}" }'),
      '12:45: must be true or false; the expression is a whole number',
    ],
    [
      'an artifact for a key',
      each(`  - { id: out, do: cluster.export-public-key, with: { key: "\${{ steps.pair.public_key }}" } }
  - do: classic.delete-key
    with: { key: "\${{ steps.out.pem }}" }`),
      '13:23: must be a key; the expression is an artifact',
    ],
    [
      'text with an expression for a number',
      step('classic.generate-key', 'type: aes, bits: "2${{ inputs.bits }}", label: x'),
      '12:30: must be a whole number from 8 to 6400, not text with expressions in it',
    ],
    [
      'a key inside a text',
      step('classic.generate-key', 'type: aes, bits: 256, label: "a-${{ key }}"'),
      '12:49: inside a text an expression must be string, int or bool; this one is a key',
    ],
    [
      'a fraction inside a text',
      step('classic.generate-key', 'type: aes, bits: 256, label: "a-${{ 1.5 }}"'),
      '12:49: inside a text an expression must be string, int or bool; this one is a number',
    ],
    [
      'bytes',
      step('classic.generate-key', 'type: aes, bits: 256, label: "${{ b\'x\' }}"'),
      '12:46: the expression gives bytes, which no argument takes (write .hex() or .base64())',
    ],
    [
      'a type of CEL',
      step('classic.configure', 'extra: "${{ type(1) }}"'),
      '12:25: there is no function type() (known: size, int, double, string, bool, bytes, has)',
    ],
    [
      'an input whose default does not fit',
      step('classic.generate-key', 'type: "${{ inputs.text }}", bits: 256, label: x'),
      '12:24: must be one of aes, des3; the input text may be "hello"',
    ],
    [
      'a duration without unit',
      step('classic.configure', 'wait: "30"'),
      '12:19: must be a duration such as 500ms, 30s, 5m or 2h',
    ],
    [
      'a pattern that is not met',
      step('classic.configure', 'name: ABC'),
      '12:19: must match ^[a-z]+$ (lower-case letters)',
    ],
    [
      'a name in a map',
      step('classic.configure', 'tags: { A: x }'),
      '12:21: "A" is not a name that may stand here (names match ^[a-z]+$)',
    ],
    [
      'an expression in a map with such a name',
      step('classic.configure', 'tags: { A: "${{ inputs.text }}" }'),
      '12:21: "A" is not a name that may stand here (names match ^[a-z]+$)',
    ],
    [
      'an element of a list',
      step('classic.configure', 'labels: [a, 1]'),
      '12:25: must be text, and YAML reads this as a number (put it in quotes)',
    ],
    [
      'an expression in a list',
      step('classic.configure', 'labels: [a, "${{ inputs.bits }}"]'),
      '12:30: must be text; the expression is a whole number',
    ],
    ['none of two', step('classic.configure', 'either: x'), '12:21: must be a whole number or a list, not text'],
    ['a list of the second of two', step('classic.configure', 'either: [x]'), '12:22: must be a whole number'],
    [
      'a secret written out',
      step('classic.configure', 'password: hunter2'),
      '12:23: a secret cannot be written out (name a step\'s output: "${{ steps.… }}")',
    ],
    [
      'a merge of a list and an expression',
      step('classic.generate-key', 'type: aes, bits: 256, label: ["${{ inputs.text }}"]'),
      '12:42: must be text, not a list',
    ],
  ];
  test.each(cases)('%s', (_what, text, message) => {
    expect(problemsOf(text)).toContain(message);
  });

  test('what fits', () => {
    const good = [
      'name: "${{ inputs.text }}", share: 1, wait: 30s, tags: { a: "${{ inputs.text }}", b: x }',
      'share: "${{ inputs.bits }}", labels: [a, "b-${{ inputs.bits }}"], extra: { any: [1, { x: "${{ inputs.flag }}" }] }',
      'either: 1',
      'either: [1, "${{ inputs.bits }}"]',
      'either: "${{ inputs.bits }}"',
    ];
    for (const args of good) expect(parse(step('classic.configure', args)).each).toHaveLength(1);
  });
});

describe('ids and settings', () => {
  const cases: readonly [string, string, string][] = [
    [
      'an id given twice',
      each('  - { id: pair, do: classic.find-keys }'),
      '11:11: there are two steps with the id pair',
    ],
    [
      'an id with a hyphen',
      each('  - { id: a-b, do: classic.find-keys }'),
      '11:11: "a-b" cannot be named in expressions: names are lower-case letters, digits and _ (did you mean a_b?)',
    ],
    [
      'an id that is a word of CEL',
      each('  - { id: for, do: classic.find-keys }'),
      '11:11: for is a word of the expression language and cannot be a name',
    ],
    [
      'an id that keyferry makes',
      each('  - { id: each_1, do: classic.find-keys }'),
      '11:11: each_1 is a name that keyferry gives to steps without an id (choose another)',
    ],
    [
      'otherwise on an action that is no check',
      step('classic.delete-key', 'key: "${{ key }}"', 'otherwise: skip'),
      '13:5: classic.delete-key is no check, so it has no otherwise',
    ],
    [
      'a key that differs is not skipped',
      step('verify.same-key', 'source: "${{ key }}", target: "${{ key }}"', 'otherwise: skip'),
      '13:16: a key that arrived and is not the same is never skipped (leave otherwise out: the item fails)',
    ],
    [
      'an action that exposes',
      step('classic.reveal-key', 'key: "${{ key }}"'),
      '11:9: classic.reveal-key shows key bytes to the host (if that is meant, add: exposes: plaintext)',
    ],
    [
      'an action that exposes nothing',
      step('classic.delete-key', 'key: "${{ key }}"', 'exposes: plaintext'),
      '13:5: classic.delete-key exposes nothing (take the line away)',
    ],
    [
      'an unknown setting',
      step('classic.delete-key', 'key: "${{ key }}"', 'retries: 3'),
      '13:5: retries is not known here (did you mean retry?)',
    ],
    [
      'a timeout of nothing',
      step('classic.delete-key', 'key: "${{ key }}"', 'timeout: 0s'),
      '13:14: must be a duration such as 500ms, 30s, 5m or 2h',
    ],
    [
      'no attempts',
      step('classic.delete-key', 'key: "${{ key }}"', 'retry: { attempts: 0 }'),
      '13:24: must be a whole number from 1 to 100',
    ],
    ['no quorum', step('classic.delete-key', 'key: "${{ key }}"', 'approval: {}'), '13:15: quorum is missing'],
    [
      'when that is no condition',
      step('classic.delete-key', 'key: "${{ key }}"', 'when: inputs.text'),
      '13:11: must be true or false; the expression is text',
    ],
    [
      'when: !x',
      step('classic.delete-key', 'key: "${{ key }}"', 'when: !inputs.flag'),
      '13:11: YAML reads !inputs.flag as a tag (quote this expression: "!…")',
    ],
    [
      'a rollback with an unknown action',
      step('classic.delete-key', 'key: "${{ key }}"', 'rollback: { do: classic.undelete-key }'),
      '13:29: classic (luna-classic) has no action undelete-key (did you mean delete-key?)',
    ],
    [
      'a rollback without its argument',
      step('classic.delete-key', 'key: "${{ key }}"', 'rollback: { do: classic.delete-key }'),
      '13:21: the argument key is missing (it is a key)',
    ],
  ];
  test.each(cases)('%s', (_what, text, message) => {
    expect(problemsOf(text)).toContain(message);
  });
});

describe('canaries', () => {
  const canary = (text: string): string => `${step('classic.delete-key', 'key: "${{ key }}"')}canary: ${text}\n`;
  const cases: readonly [string, string, string][] = [
    [
      'with an id',
      canary('{ id: c, do: classic.generate-key, with: { type: aes, bits: 8, label: c } }'),
      '13:11: id is not known here (known: do, with, timeout)',
    ],
    [
      'that makes no key',
      canary('{ do: classic.find-keys }'),
      '13:15: classic.find-keys makes no key (a canary is made by an action such as generate-key)',
    ],
    [
      'on the wrong device',
      canary('{ do: cluster.generate-key, with: { type: aes, bits: 8, label: c } }'),
      '13:15: the canary must be made on classic, where the keys come from',
    ],
    [
      'that takes the key',
      canary('{ do: classic.generate-key, with: { type: aes, bits: 8, label: "${{ key.label }}" } }'),
      '13:77: key cannot be named here',
    ],
    [
      'that takes a step of prepare which it may, and one that is not there',
      canary('{ do: classic.generate-key, with: { type: aes, bits: 8, label: "${{ steps.pair.spki_sha }}" } }'),
      '13:88: step pair has no output spki_sha (did you mean spki_sha256?)',
    ],
  ];
  test.each(cases)('%s', (_what, text, message) => {
    expect(problemsOf(text)).toContain(message);
  });
});
