/**
 * The simulated AWS KMS against the service's own model: every operation is there, each constraint of each member of its input is
 * enforced, and each answer has the members and types that the model says. All other tests check their answers too (kms-service-client).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOT_SIMULATED, OPERATIONS } from '../../../../../src/adapters/kms/simulator/operations/operations.ts';
import { aKmsService, type KmsUnderTest } from '../../../../support/kms-service-client.ts';
import { MODEL, type ModelShape, mayRaise, problemsOf, shapeOf } from '../../../../support/kms-service-model.ts';

/** What a member is spelt like in the service's messages: `tags.1.member.tagKey`. */
const spelt = (name: string): string => `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
const base64 = (length: number): string => Buffer.alloc(length, 7).toString('base64');

/** A value that the model allows, as short as it can be. */
function sampleOf(name: string): unknown {
  const shape = shapeOf(name);
  switch (shape.type) {
    case 'structure':
      return requiredOf(shape);
    case 'list':
      return [sampleOf(shape.of ?? '')];
    case 'map':
      return { purpose: 'test' };
    case 'boolean':
      return true;
    case 'integer':
      return shape.min ?? 1;
    case 'timestamp':
      return 1_800_000_000.5;
    case 'blob':
      return base64(shape.min ?? 1);
    case 'string':
      return shape.enum?.[0] ?? (name === 'RegionType' ? 'eu-west-1' : 'a'.repeat(Math.max(shape.min ?? 1, 1)));
  }
}

const requiredOf = (shape: ModelShape): Readonly<Record<string, unknown>> =>
  Object.fromEntries((shape.required ?? []).map((member) => [member, sampleOf(shape.members?.[member] ?? '')]));

/** Of all enums of the model: what belongs to one is refused by the others. */
const EVERY_VALUE = [...new Set(Object.values(MODEL.shapes).flatMap((shape) => shape.enum ?? []))];

interface Variant {
  readonly value: unknown;
  /** Where the service says that the constraint was broken; null: it is kept. */
  readonly path: string | null;
}

/** Values at both ends of what the model allows, and just past them. */
function variantsOf(name: string, path: string): readonly Variant[] {
  const shape = shapeOf(name);
  const right = (value: unknown): Variant => ({ value, path: null });
  const wrong = (value: unknown, where = path): Variant => ({ value, path: where });
  const { min = 0, max } = shape;
  switch (shape.type) {
    case 'string': {
      if (shape.enum !== undefined) {
        const others = EVERY_VALUE.filter((value) => shape.enum?.includes(value) === false);
        return [...shape.enum.map(right), ...['NONE_OF_THEM', '', ...others].map((value) => wrong(value))];
      }
      const strange = shape.pattern === undefined ? [] : [wrong(`\u0100%${'a'.repeat(Math.max(min - 2, 0))}`)];
      const ends = name === 'RegionType' ? [] : [right('a'.repeat(Math.max(min, 1)))];
      const longest =
        max === undefined || name === 'RegionType' ? [] : [right('a'.repeat(max)), wrong('a'.repeat(max + 1))];
      return [...ends, ...longest, ...strange, ...(min > 0 ? [wrong('a'.repeat(min - 1))] : [])];
    }
    case 'blob':
      return [right(base64(max ?? 1)), wrong(base64((max ?? 1) + 1)), wrong('')];
    case 'integer':
      return [right(min), right(max), wrong(min - 1), wrong((max ?? 1) + 1)];
    case 'list': {
      const one = sampleOf(shape.of ?? '');
      const tooMany = max === undefined ? [] : [right(Array(max).fill(one)), wrong(Array(max + 1).fill(one))];
      const inside = variantsOf(shape.of ?? '', `${path}.1.member`);
      return [...tooMany, ...inside.map(({ value, path: where }) => ({ value: [value], path: where }))];
    }
    case 'structure': {
      const base = requiredOf(shape);
      const lacking = (shape.required ?? []).map((member) =>
        wrong({ ...base, [member]: undefined }, `${path}.${spelt(member)}`),
      );
      const inside = Object.entries(shape.members ?? {}).flatMap(([member, of]) =>
        variantsOf(of, `${path}.${spelt(member)}`).map(({ value, path: where }) => ({
          value: { ...base, [member]: value },
          path: where,
        })),
      );
      return [...lacking, ...inside];
    }
    default:
      return [right(sampleOf(name))];
  }
}

const WRONG_TYPE: Readonly<Record<ModelShape['type'], unknown>> = {
  structure: ['text'],
  list: { a: 1 },
  map: ['text'],
  string: 7,
  blob: 'not base64!',
  boolean: 'true',
  integer: 'seven',
  timestamp: 'tomorrow',
};

const inputOf = (operation: string): ModelShape => shapeOf(MODEL.operations[operation]?.input ?? '');
const members = (operation: string): readonly [string, string][] => Object.entries(inputOf(operation).members ?? {});
const short = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 60);

describe('the operations', () => {
  it('are those of the model, simulated or said not to be', () => {
    const known = [...OPERATIONS.keys(), ...NOT_SIMULATED];
    expect(known.sort()).toEqual(Object.keys(MODEL.operations).sort());
  });
});

describe('the input of each operation', () => {
  let kms: KmsUnderTest;
  beforeAll(async () => {
    kms = await aKmsService();
  });
  afterAll(() => kms.service.close());

  it.each([...OPERATIONS.keys()])('%s', async (operation) => {
    const base = requiredOf(inputOf(operation));
    const findings: string[] = [];
    const expectBroken = async (input: object, path: string, what: string): Promise<void> => {
      const said = await kms.refusalText(operation, input);
      const places = [...said.matchAll(/ at '([^']+)' failed to satisfy constraint/g)].map(([, place]) => place);
      const isAlone = places.length > 0 && places.every((place) => place === path);
      const isRight = /^ValidationException: \d+ validation errors? detected: /.test(said) && isAlone;
      if (!isRight) findings.push(`${what}: ${said.slice(0, 200)}`);
    };
    for (const [member, shape] of members(operation)) {
      for (const { value, path } of variantsOf(shape, spelt(member))) {
        const input = { ...base, [member]: value };
        const what = `${member} ${short(value)}`;
        if (path !== null) await expectBroken(input, path, what);
        else if (/validation errors? detected|Serialization/.test(await kms.refusalText(operation, input)))
          findings.push(`${what}: refused`);
      }
      const mistyped = await kms.refusal(operation, { ...base, [member]: WRONG_TYPE[shapeOf(shape).type] });
      if (mistyped !== 'SerializationException') findings.push(`${member} of another type: ${mistyped}`);
    }
    for (const member of inputOf(operation).required ?? [])
      await expectBroken({ ...base, [member]: undefined }, spelt(member), `without ${member}`);
    expect(findings).toEqual([]);
  });

  it('passes over members that the operation does not have', async () => {
    for (const operation of ['GenerateDataKeyWithoutPlaintext', 'GenerateDataKeyPairWithoutPlaintext', 'ListKeys']) {
      const input = { ...requiredOf(inputOf(operation)), Recipient: { AttestationDocument: 'AA==' }, Novelty: 7 };
      expect(await kms.refusal(operation, input)).not.toBe('SerializationException');
    }
  });
});

describe('the check of answers itself', () => {
  it.each([
    [
      'a member that the model lacks',
      { Keys: [{ KeyId: 'a', Colour: 'red' }] },
      /Keys\[0\]\.Colour: is not in the model/,
    ],
    ['another type', { Truncated: 'false' }, /Truncated: is no boolean/],
    ['too short an ARN', { Keys: [{ KeyArn: 'arn' }] }, /KeyArn: has the length 3/],
  ])('finds %s', (_what, answer, finding) => {
    expect(problemsOf('ListKeysResponse', answer).join()).toMatch(finding);
  });

  it.each([
    [
      'milliseconds',
      { KeyMetadata: { KeyId: 'a', CreationDate: Date.now() } },
      /CreationDate: is no number of seconds/,
    ],
    ['a value that is none of an enum', { KeyMetadata: { KeyId: 'a', KeyState: 'Fine' } }, /KeyState: Fine is none/],
    ['a required member that is missing', { KeyMetadata: {} }, /KeyId: is missing/],
    ['a pattern', { KeyMetadata: { KeyId: 'a', CurrentKeyMaterialId: 'X'.repeat(64) } }, /does not match/],
  ])('finds %s', (_what, answer, finding) => {
    expect(problemsOf('DescribeKeyResponse', answer).join()).toMatch(finding);
  });

  it('knows the errors of each operation', () => {
    expect([mayRaise('Encrypt', 'DisabledException'), mayRaise('Encrypt', 'ThrottlingException')]).toEqual([
      true,
      true,
    ]);
    expect([mayRaise('Encrypt', 'InvalidArnException'), mayRaise('Encrypt', 'KMSException')]).toEqual([false, false]);
  });
});
