import { describe, expect, test } from 'vitest';
import { each, parse, problemsOf, step, withHead } from '../../support/playbook-problems.ts';

describe('references between steps', () => {
  const use = (expression: string): string => step('classic.delete-key', `key: "${expression}"`);
  const cases: readonly [string, string, string][] = [
    ['an unknown step', use('${{ steps.pear.public_key }}'), '12:29: there is no step pear (did you mean pair?)'],
    [
      'an unknown output',
      use('${{ steps.pair.key }}'),
      '12:34: step pair has no output key (known: public_key, private_key, spki_sha256)',
    ],
    [
      'a whole step',
      use('${{ steps.pair }}'),
      '12:29: a whole step cannot be taken; name one output of pair (its outputs: public_key, private_key, spki_sha256)',
    ],
    ['all steps', use('${{ steps }}'), '12:23: steps cannot be taken whole (name one of its fields: steps.…)'],
    [
      'a hyphen',
      use('${{ steps.pair.public-key }}'),
      '12:23: public-key is a subtraction: a name has no hyphens (did you mean public_key?)',
    ],
    [
      'a key compared',
      step('classic.find-keys', "label: \"${{ steps.pair.public_key == steps.pair.public_key ? 'a' : 'b' }}\""),
      '12:36: steps.pair.public_key is a key, which is passed whole: nothing can be done with it in an expression (pass it alone: "${{ steps.pair.public_key }}")',
    ],
    [
      'a key looked into',
      use('${{ steps.pair.public_key.id }}'),
      '12:34: steps.pair.public_key is a key, which is passed whole: nothing can be done with it in an expression (pass it alone: "${{ steps.pair.public_key }}")',
    ],
    [
      'has() of a key',
      step('classic.find-keys', 'label: x', 'when: has(steps.pair.public_key)'),
      '13:26: steps.pair.public_key is a key, which is passed whole: nothing can be done with it in an expression (pass it alone: "${{ steps.pair.public_key }}")',
    ],
    [
      'a key in a list',
      step('classic.configure', 'extra: "${{ [key] }}"'),
      '12:26: key is a key, which is passed whole: nothing can be done with it in an expression (its fields are text: key.label, key.id, key.bits, …)',
    ],
    [
      'a later step',
      each(`  - { do: classic.delete-key, with: { key: "\${{ steps.later.key }}" } }
  - { id: later, do: classic.generate-key, with: { type: aes, bits: 8, label: x } }`),
      '11:55: step later cannot be named here: it runs later',
    ],
    [
      'itself',
      each('  - { id: me, do: classic.generate-key, with: { type: aes, bits: 8, label: "${{ steps.me.key }}" } }'),
      '11:87: step me cannot be named here: it runs later',
    ],
    [
      'each from finally',
      `${each('  - { id: k, do: classic.generate-key, with: { type: aes, bits: 8, label: x } }')}finally: [{ do: classic.delete-key, with: { key: "\${{ steps.k.key }}" } }]\n`,
      '12:61: step k cannot be named here: finally does not see the steps of each',
    ],
    [
      'the key from finally',
      `${step('classic.delete-key', 'key: "${{ key }}"')}finally: [{ do: classic.delete-key, with: { key: "\${{ key }}" } }]\n`,
      '13:55: key cannot be named here',
    ],
    [
      'the key from prepare',
      withHead('prepare: [{ do: classic.delete-key, with: { key: "${{ key }}" } }]\n'),
      '8:55: key cannot be named here',
    ],
    [
      'an item where there are keys',
      step('classic.find-keys', 'label: "${{ item.name }}"'),
      '12:25: item cannot be named here (item exists where a playbook repeats over files)',
    ],
    [
      'a step without an id',
      each(`  - { do: classic.generate-key, with: { type: aes, bits: 8, label: x } }
  - { do: classic.delete-key, with: { key: "\${{ steps.each_1.key }}" } }`),
      '12:55: there is no step each_1 (known: pair)',
    ],
    [
      'the canary',
      step('classic.delete-key', 'key: "${{ steps.canary.key }}"'),
      '12:29: there is no step canary (known: pair)',
    ],
  ];
  test.each(cases)('%s', (_what, text, message) => {
    expect(problemsOf(text)).toContain(message);
  });

  test('after-each sees the steps of each and of prepare', () => {
    const text = `${each('  - { id: k, do: classic.generate-key, with: { type: aes, bits: 8, label: x } }')}after-each:
  - { do: classic.delete-key, with: { key: "\${{ steps.k.key }}" } }
  - { do: cluster.delete-key, with: { key: "\${{ steps.pair.public_key }}" } }
  - { do: classic.delete-key, with: { key: "\${{ key }}" } }
`;
    expect(parse(text).afterEach).toHaveLength(3);
  });

  test('a step with an unknown action is not reported again where its outputs are used', () => {
    const text = each(`  - { id: made, do: classic.generate-kee }
  - { do: classic.delete-key, with: { key: "\${{ steps.made.key }}" } }`);
    expect(problemsOf(text)).toEqual([
      '11:29: classic (luna-classic) has no action generate-kee (did you mean generate-key?)',
    ]);
  });
});
