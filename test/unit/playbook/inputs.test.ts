import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { Secret } from '../../../src/keys/secret.ts';
import { type ResolvedInputs, resolveInputs, type SecretsWanted } from '../../../src/playbook/inputs.ts';
import type { InputSpec, Json } from '../../../src/playbook/model.ts';

const INPUTS: Readonly<Record<string, InputSpec>> = {
  prefix: { type: 'string', default: 'payments-' },
  bits: { type: 'integer', enum: [2048, 3072], default: 2048 },
  ratio: { type: 'number', default: 0.5 },
  flag: { type: 'boolean', default: false },
  folder: { type: 'path', default: 'out' },
};

const resolve = (
  given: Record<string, string>,
  inputs = INPUTS,
  pinned: Record<string, Json> = {},
): Promise<ResolvedInputs> =>
  resolveInputs({
    playbook: { inputs },
    given,
    pinned,
    folder: '/work',
    ports: {
      env: { PIN: 'hunter2', EMPTY: '' },
      prompt: (question) => Promise.resolve(new Secret(`typed for ${question}`)),
    },
  });

const failure = async (given: Record<string, string>, inputs = INPUTS): Promise<KeyferryError> => {
  const error: unknown = await resolve(given, inputs).catch((reason: unknown) => reason);
  if (error instanceof KeyferryError) return error;
  throw new Error(`no KeyferryError but ${inspect(error)}`);
};

test('defaults stand for what is not given', async () => {
  expect((await resolve({})).inputs).toEqual({
    prefix: 'payments-',
    bits: 2048,
    ratio: 0.5,
    flag: false,
    folder: '/work/out',
  });
});

test('given values are read by type', async () => {
  const { inputs } = await resolve({ prefix: '12', bits: '3072', ratio: '-1.5e3', flag: 'true', folder: '/abs' });
  expect(inputs).toEqual({ prefix: '12', bits: 3072, ratio: -1500, flag: true, folder: '/abs' });
});

test('what a plan was made with stands for the defaults', async () => {
  expect((await resolve({ flag: 'true' }, INPUTS, { bits: 3072, flag: false })).inputs).toMatchObject({
    bits: 3072,
    flag: true,
  });
});

describe('secrets', () => {
  const inputs: Record<string, InputSpec> = { pin: { type: 'secret' } };
  test('come from where the input says, and are kept apart', async () => {
    const { inputs: plain, secrets } = await resolve({ pin: 'env:PIN' }, inputs);
    expect(plain).toEqual({});
    expect(secrets.pin?.reveal()).toBe('hunter2');
    expect(inspect(secrets)).not.toContain('hunter2');
    expect((await resolve({ pin: 'prompt' }, inputs)).secrets.pin?.reveal()).toBe('typed for pin');
  });
  test.each(['hunter2', 'env:', 'file:', 'prompt:x', 'ENV:PIN', ''])('%j is no place', async (text) => {
    const error = await failure({ pin: text }, inputs);
    expect(error).toMatchObject({ code: 'input-invalid' });
    expect(error.message).toBe('The inputs have a problem: pin is a secret: give it as env:VAR, file:PATH or prompt.');
  });
  test('a place that is none is told with how to give one', async () => {
    expect((await failure({}, inputs)).hint).toMatch(/-i NAME=prompt/);
  });
  const resolveWith = (secrets: SecretsWanted, given: Readonly<Record<string, string>>) =>
    resolveInputs({
      playbook: { inputs },
      given,
      secrets,
      ports: { env: { PIN: 'hunter2' }, prompt: () => Promise.reject(new Error('nobody is to be asked')) },
    });
  test('may be left out where they may not be needed', async () => {
    expect((await resolveWith('if-given', {})).secrets).toEqual({});
    expect((await resolveWith('if-given', { pin: 'env:PIN' })).secrets.pin?.reveal()).toBe('hunter2');
    await expect(resolveWith('if-given', { pin: 'hunter2' })).rejects.toMatchObject({ code: 'input-invalid' });
    await expect(resolveWith('if-given', { pin: 'env:NOTHING' })).rejects.toMatchObject({ code: 'secret-unavailable' });
  });
  test('are not looked up or asked for where nobody uses them, and a place that is none is refused all the same', async () => {
    for (const given of [{}, { pin: 'prompt' }, { pin: 'env:NOTHING' }]) {
      expect((await resolveWith('unused', given)).secrets).toEqual({});
    }
    await expect(resolveWith('unused', { pin: 'hunter2' })).rejects.toMatchObject({ code: 'input-invalid' });
  });
  test('a variable that is not set or empty', async () => {
    expect(await failure({ pin: 'env:NOTHING' }, inputs)).toMatchObject({ code: 'secret-unavailable' });
    expect(await failure({ pin: 'env:EMPTY' }, inputs)).toMatchObject({ code: 'secret-unavailable' });
  });
});

describe('wrong values', () => {
  const cases: readonly [Record<string, string>, string][] = [
    [{ prefx: 'x' }, 'there is no input prefx (did you mean prefix?)'],
    [{ constructor: 'x' }, 'there is no input constructor (known: prefix, bits, ratio, flag, folder)'],
    [{ bits: '1024' }, 'bits must be one of 2048, 3072'],
    [{ bits: '0x800' }, 'bits must be one of 2048, 3072'],
    [{ ratio: 'much' }, 'ratio must be a number'],
    [{ ratio: 'Infinity' }, 'ratio must be a number'],
    [{ flag: 'yes' }, 'flag must be true or false'],
    [{ folder: '' }, 'folder must be a path'],
  ];
  test.each(cases)('%j', async (given, message) => {
    const error = await failure(given);
    expect(error).toMatchObject({ code: 'input-invalid', exitCode: 2 });
    expect(error.message).toBe(`The inputs have a problem: ${message}.`);
  });

  test('integers are whole and within the safe range', async () => {
    const inputs: Record<string, InputSpec> = { n: { type: 'integer' } };
    for (const text of ['1.5', '9007199254740993', '', ' 1', '1e3', 'NaN']) {
      expect((await failure({ n: text }, inputs)).message).toContain('n must be a whole number');
    }
    expect((await resolve({ n: '-7' }, inputs)).inputs).toEqual({ n: -7 });
  });

  test('all at once, a missing one among them', async () => {
    const error = await failure({ x: '1', flag: 'no' }, { ...INPUTS, needed: { type: 'string' } });
    expect(error.message).toBe(
      'The inputs have problems: there is no input x (known: prefix, bits, ratio, flag, folder, needed); flag must be true or false; needed is missing (text).',
    );
  });
});
