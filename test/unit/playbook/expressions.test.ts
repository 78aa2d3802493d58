import { describe, expect, test } from 'vitest';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { keyScope } from '../../../src/playbook/key-fields.ts';
import type { Scope, Template } from '../../../src/playbook/model.ts';
import { labelled, parse, problemsOf, where, withHead } from '../../support/playbook-problems.ts';

const SCOPE: Scope = {
  inputs: { flag: true, bits: 256, text: 'hello' },
  steps: {
    found: {
      keys: [{ kind: 'key', id: '01' }],
      count: 3,
      facts: { depth: 2, name: 'x' },
      anything: 'thing',
      share: 0.5,
      name: 'n',
    },
  },
};

function templateOf(label: string): Template {
  const template = parse(labelled(label)).prepare[0]?.with.label;
  if (template === undefined) throw new Error('no argument');
  return template;
}

function valueOfLabel(label: string, scope: Scope = SCOPE): unknown {
  const template = templateOf(label);
  if (template.kind === 'expression') return template.expression.evaluate(scope);
  if (template.kind === 'text')
    return template.parts.map((part) => (typeof part === 'string' ? part : part.evaluate(scope))).join('');
  return template.kind === 'literal' ? template.value : undefined;
}

/** The argument `extra` of a step that follows `found`; it takes anything. */
function extraValue(extra: string): unknown {
  const playbook = parse(
    withHead(`prepare:
  - id: found
    do: classic.find-keys
  - do: classic.configure
    with:
      extra: ${extra}
`),
  );
  const template = playbook.prepare[1]?.with.extra;
  return template?.kind === 'expression' ? template.expression.evaluate(SCOPE) : template;
}

describe('values', () => {
  const cases: readonly [string, unknown][] = [
    ['"${{ inputs.text }}"', 'hello'],
    ["${{ inputs.text + '!' }}", 'hello!'],
    ['"a ${{ inputs.bits }} b ${{ inputs.flag }} ${{ inputs.text }}"', 'a 256 b true hello'],
    ["\"${{ inputs.flag ? 'yes' : 'no' }}\"", 'yes'],
    ['"${{ string(inputs.bits * 2) }}"', '512'],
    ['"${{ b\'ab\'.hex() }}"', '6162'],
    ['"${{ \'}}\' }}"', '}}'],
    ["${{ '${{ inputs.text }}' }}", '${{ inputs.text }}'],
    ["\"${{ ['a', 'b'].join('-') }}\"", 'a-b'],
    ['plain', 'plain'],
  ];
  test.each(cases)('%s', (label, expected) => {
    expect(valueOfLabel(label)).toBe(expected);
  });

  const typed: readonly [string, unknown][] = [
    ['${{ inputs.bits }}', 256],
    ['${{ inputs.bits + 1 }}', 257],
    ['${{ inputs.flag && !inputs.flag }}', false],
    ['${{ steps.found.share }}', 0.5],
    ['${{ steps.found.share * 2.0 }}', 1],
    ['${{ steps.found.keys }}', [{ kind: 'key', id: '01' }]],
    ['${{ steps.found.keys[0] }}', { kind: 'key', id: '01' }],
    ["${{ steps.found.facts['depth'] }}", 2],
    ['${{ steps.found.facts }}', { depth: 2, name: 'x' }],
    ['${{ [1, 2].map(x, x * 2) }}', [2, 4]],
    ["\"${{ {'a': {'b': 1}} }}\"", { a: { b: 1 } }],
  ];
  test.each(typed)('%s keeps its type', (extra, expected) => {
    expect(extraValue(extra)).toEqual(expected);
  });

  test('a key reference in a list can be handed on and nothing else', () => {
    const scopeError = (extra: string): unknown => {
      try {
        return extraValue(extra);
      } catch (error) {
        return error instanceof KeyferryError ? error.code : error;
      }
    };
    expect(scopeError('"${{ steps.found.keys[0].id }}"')).toBe('argument-invalid');
    expect(scopeError('"${{ steps.found.keys[0] == steps.found.keys[0] ? 1 : 2 }}"')).toBe('argument-invalid');
    expect(scopeError('"${{ steps.found.keys[7] }}"')).toBe('argument-invalid');
  });

  test('an absent input reads as its default', () => {
    expect(valueOfLabel("${{ inputs.text + '!' }}", { inputs: {}, steps: {} })).toBe('hello!');
    expect(valueOfLabel('${{ inputs.text }}', { inputs: {}, steps: {} })).toBe('hello');
  });

  test('evaluation throws argument-invalid with the place, and nothing else', () => {
    expect(() => valueOfLabel('${{ string(1 / (inputs.bits - 256)) }}')).toThrow(
      /^The expression at p\.yaml:11:24 cannot be evaluated: /,
    );
    expect(() => valueOfLabel('${{ string(int(inputs.text)) }}')).toThrow(KeyferryError);
    expect(() => extraValue('"${{ 9007199254740993 }}"')).toThrow(/too large to be held exactly/);
  });

  test('a value that exists only at run time is checked against the argument then', () => {
    const playbook = parse(
      withHead(`prepare:
  - id: found
    do: classic.find-keys
  - do: classic.configure
    with: { name: "\${{ steps.found.name }}", either: "\${{ steps.found.anything }}" }
`),
    );
    const [name, either] = [playbook.prepare[1]?.with.name, playbook.prepare[1]?.with.either];
    if (name?.kind !== 'expression' || either?.kind !== 'expression') throw new Error('no expressions');
    const give = (value: unknown): Scope => ({ inputs: {}, steps: { found: { name: value, anything: value } } });
    expect(name.expression.evaluate(give('abc'))).toBe('abc');
    expect(() => name.expression.evaluate(give('ABC'))).toThrow(/p\.yaml:\d+:\d+ must match/);
    expect(either.expression.evaluate(give([1, 2]))).toEqual([1, 2]);
    expect(() => either.expression.evaluate(give({ a: 1 }))).toThrow(/must be a whole number or a list/);
    expect(() => name.expression.evaluate({ inputs: {}, steps: {} })).toThrow(/steps\.found\.name has no value/);
  });
});

describe('conditions on keys', () => {
  const record = {
    locator: { serial: 's', class: 'secret' as const, type: 'aes' as const, id: '0a', label: '', fingerprint: null },
    handle: '1',
    label: 'payments-1',
    labelIsHex: false,
    id: '0a',
    class: 'secret' as const,
    type: 'aes' as const,
    bits: 256,
    kcv: null,
    attributes: { extractable: true, wrapWithTrusted: true },
    exportable: true,
    reason: null,
  };
  const holds = (condition: string, key = keyScope(record, { kind: 'key' })): unknown => {
    const over = parse(where(condition)).over;
    return over?.kind === 'keys' ? over.where?.evaluate({ ...SCOPE, key }) : undefined;
  };
  const cases: readonly [string, boolean][] = [
    ['key.class == "secret" && key.label.startsWith("payments-")', true],
    ['key.bits >= 256 && key.type in ["aes", "des3"]', true],
    ['key.extractable && key.wrap_with_trusted', true],
    ['key.wrap || key.sensitive', false],
    ['key.kcv == ""', true],
    ['key.id == "0a"', true],
    ['key.label.matches("^payments-[0-9]+$")', true],
    ['key.label.split("-").exists(part, part == "1")', true],
    ['key.bits == inputs.bits', true],
    ['"!key.extractable"', false],
  ];
  test.each(cases)('%s', (condition, expected) => {
    expect(holds(condition)).toBe(expected);
  });

  test('a pattern is not run on a text that is too long', () => {
    const long = keyScope({ ...record, label: 'x'.repeat(257) }, {});
    expect(() => holds('key.label.matches("x")', long)).toThrow(/at most 256 characters/);
    expect(holds('key.label.contains("x")', long)).toBe(true);
  });

  test('what an expression names is listed', () => {
    const over = parse(where('key.bits == inputs.bits && key.label != inputs.text')).over;
    expect(over?.kind === 'keys' && over.where?.references).toEqual([
      { kind: 'key' },
      { kind: 'input', name: 'bits' },
      { kind: 'input', name: 'text' },
    ]);
  });
});

describe('conditions that are refused', () => {
  const cases: readonly [string, string][] = [
    ['key.labl == "x"', '10:14: key has no field labl (did you mean label?)'],
    [
      'key == "x"',
      '10:10: key is a key, which is passed whole: nothing can be done with it in an expression (its fields are text: key.label, key.id, key.bits, …)',
    ],
    [
      'has(key.label) && size(key) > 0',
      '10:33: key is a key, which is passed whole: nothing can be done with it in an expression (its fields are text: key.label, key.id, key.bits, …)',
    ],
    ['steps.x.key == "a"', '10:10: steps cannot be named here: none has run yet'],
    ['bits == 256', '10:10: bits is not known (did you mean inputs.bits?)'],
    ['ky.bits == 256', '10:10: ky is not known (did you mean key?)'],
    [
      'key.wrap-with-trusted',
      '10:10: wrap-with-trusted is a subtraction: a name has no hyphens (did you mean wrap_with_trusted?)',
    ],
    ['key.bits', '10:10: must be true or false; the expression is a whole number'],
    ['key.bits == "256"', '10:10: no such overload: int == string'],
    ['key.label.startWith("x")', '10:20: there is no method startWith() (did you mean startsWith?)'],
    ['len(key.label) == 1', '10:10: there is no function len() (known: size, int, double, string, bool, bytes, has)'],
    ['dyn(key.bits) == "x"', '10:10: there is no function dyn() (known: size, int, double, string, bool, bytes, has)'],
    ['key.label.matches(inputs.text)', '10:28: the pattern of matches() must be a literal text'],
    [
      'key.label.matches("(a+)+$")',
      '10:28: a repeated group holds a repetition or a choice itself, which can take forever',
    ],
    [
      '(key.label + key.label).matches("x")',
      '10:11: matches() works on a name such as key.label, not on a text put together',
    ],
    ['true && [1, 2].all(x, [3].all(y, y > x))', '10:32: all() cannot stand inside another loop'],
    ['true && [1, 2].all(key, key > 1)', "10:29: key has a meaning of its own and cannot name a loop's variable"],
    ['true && ["a"][inputs.bits] == "a"', '10:24: an index must be a literal'],
    ['"${{ key.bits == 1 }}"', '10:11: this is an expression already (write it without ${{ }})'],
    ['""', '10:11: the expression is empty'],
    ['', '10:10: the expression is empty (write one, or leave the line out)'],
    ['key.bits ==', '10:21: unexpected token: EOF'],
    ['key.bits = 1', '10:19: unexpected character: ='],
    ['failed > 1', '10:10: failed is not known (known: inputs, key)'],
    ['inputs', '10:10: inputs cannot be taken whole (name one of its fields: inputs.…)'],
  ];
  test.each(cases)('%s', (condition, message) => {
    expect(problemsOf(where(condition))).toEqual([message]);
  });
});

describe('YAML traps, each with its own message', () => {
  const cases: readonly [string, string, string][] = [
    [
      'a leading ! is a tag',
      '!key.extractable',
      '10:10: YAML reads !key.extractable as a tag (quote this expression: "!…")',
    ],
    [
      'a conditional is a map',
      'key.wrap ? key.unwrap : key.sign',
      '10:10: YAML reads the ` : ` of a conditional as a key (quote this expression: "a ? b : c")',
    ],
    [
      'a conditional on its own line',
      '\n    key.wrap ? key.unwrap : key.sign',
      '11:5: YAML reads the ` : ` of a conditional as a key (quote this expression: "a ? b : c")',
    ],
    [
      'a # cuts the expression off',
      'key.label == "a #b"',
      '10:10: YAML reads the ` #` as the start of a comment and cuts the expression off (quote this expression)',
    ],
    [
      'true is no text',
      'true',
      '10:10: an expression stands here, and YAML reads true as true or false (quote this expression: "true")',
    ],
    [
      'a number is no text',
      '1',
      '10:10: an expression stands here, and YAML reads 1 as a number (quote this expression: "1")',
    ],
    ['a list', '[key.bits]', '10:10: an expression stands here, and YAML reads this as a list (quote this expression)'],
    ['a map', '{ a: b }', '10:10: an expression stands here, and YAML reads this as a map (quote this expression)'],
  ];
  test.each(cases)('%s', (_what, condition, message) => {
    expect(problemsOf(where(condition))).toEqual([message]);
  });

  test('a comment behind a whole expression is a comment', () => {
    expect(parse(where('key.bits == 256 # the strong ones')).over).not.toBeNull();
  });

  test('{ key: ${{ key }} }', () => {
    expect(problemsOf(where('key.bits == 1').replace('"${{ key }}"', '${{ key }}'))).toEqual([
      '13:18: `${{` inside { } or [ ] is read as YAML (quote this expression: "${{ … }}")',
    ]);
  });

  test('a # inside ${{ }}', () => {
    expect(problemsOf(labelled('${{ "a #b" }}'))).toEqual([
      '11:24: YAML reads the ` #` as the start of a comment and cuts the expression off (quote this expression)',
    ]);
  });
});

describe('columns point into the scalar, whatever its quoting or folding', () => {
  const cases: readonly [string, string, string][] = [
    ['plain', 'key.bits == 1 && key.labl == "x"', '10:31:'],
    ['single quoted', "'key.labl == ''x'''", '10:15:'],
    ['double quoted', '"key.id == \\"x\\" && key.labl == \\"\\""', '10:34:'],
    ['folded', '>-\n    key.bits == 1\n    && key.labl == "x"', '12:12:'],
    ['literal', '|\n    key.bits == 1\n      && key.labl == "x"\n', '12:14:'],
    ['plain over lines', 'key.bits == 1\n    && key.labl == "x"', '11:12:'],
  ];
  test.each(cases)('%s', (_style, condition, place) => {
    expect(problemsOf(where(condition))).toEqual([`${place} key has no field labl (did you mean label?)`]);
  });

  test('inside ${{ }} too', () => {
    expect(problemsOf(labelled('"a\\t${{ inputs.txt }}"'))).toEqual([
      '11:35: there is no input txt (did you mean text?)',
    ]);
  });
});
