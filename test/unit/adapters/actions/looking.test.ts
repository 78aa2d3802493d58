/** The actions that look, over a box of keys: what is the same on every device. */
import { describe, expect, test } from 'vitest';
import { id, readIdIfGiven } from '../../../../src/adapters/actions/arguments.ts';
import { exportPublicKeyBy } from '../../../../src/adapters/actions/export-public-key.ts';
import { findKeysBy } from '../../../../src/adapters/actions/find-keys.ts';
import { getAttributesBy } from '../../../../src/adapters/actions/get-attributes.ts';
import { requireAttributeBy } from '../../../../src/adapters/actions/require-attribute.ts';
import { notYet } from '../../../../src/adapters/adapter.ts';
import type { ErrorCode } from '../../../../src/errors/codes.ts';
import { KeyferryError } from '../../../../src/errors/keyferry-error.ts';
import type { KeyAttributes } from '../../../../src/keys/attributes.ts';
import type { KeyRecord, KeyRef } from '../../../../src/keys/key-record.ts';
import { labelHex } from '../../../../src/keys/locator.ts';

interface Box {
  readonly keys: readonly KeyRecord[];
  fail(code: ErrorCode, message: string): KeyferryError;
}

function aKey(label: string, keyId: string, attributes: KeyAttributes = {}): KeyRecord {
  return {
    locator: { serial: 'b1', class: 'secret', type: 'aes', id: keyId, label: labelHex(label), fingerprint: null },
    handle: keyId,
    label,
    labelIsHex: false,
    id: keyId,
    class: 'secret',
    type: 'aes',
    bits: 256,
    kcv: null,
    attributes,
    exportable: true,
    reason: null,
  };
}

const refOf = ({ locator }: KeyRecord): KeyRef => ({ kind: 'key', device: 'box', locator });
const boxOf = (...keys: KeyRecord[]): Box => ({ keys, fail: (code, message) => new KeyferryError(code, message) });

function recordAt(box: Box, { locator }: KeyRef): KeyRecord {
  const found = box.keys.find((each) => each.id === locator.id);
  if (found === undefined) throw box.fail('key-not-found', `no key ${locator.id}`);
  return found;
}

describe('find-keys', () => {
  const pay1 = aKey('pay-1', '01');
  const pay2 = aKey('pay-2', '02');
  const other = aKey('other', '0a');
  const box = boxOf(pay1, pay2, other);
  const findKeys = findKeysBy<Box>({
    order: 'ids',
    id,
    readId: readIdIfGiven,
    find: async ({ keys }, isWanted) => keys.filter(({ locator }) => isWanted(locator)).map(refOf),
  });
  const labels = async (args: Record<string, unknown>) => {
    const { outputs } = await findKeys.perform(box, { action: 'find-keys', args });
    return (outputs.keys as KeyRef[]).map(({ locator }) => locator.id);
  };

  test.each([
    [{}, ['01', '02', '0a']],
    [{ label: 'pay-1' }, ['01']],
    [{ label: 'pay' }, []],
    [{ 'label-prefix': 'pay' }, ['01', '02']],
    [{ 'label-prefix': 'pay', id: '02' }, ['02']],
    [{ id: '0A' }, ['0a']],
    [{ class: 'private' }, []],
    [{ class: 'secret', type: 'aes', label: 'other' }, ['0a']],
    [{ type: 'rsa' }, []],
  ])('%j', async (args, expected) => {
    expect(await labels(args)).toEqual(expected);
  });

  test.each([{ id: 'xyz' }, { label: 7 }])('refuses %j', async (args) => {
    await expect(labels(args)).rejects.toMatchObject({ code: 'argument-invalid' });
  });

  test('says by what else a device can look, before class and type', () => {
    const more = findKeysBy<Box>({
      order: 'names',
      id,
      readId: () => undefined,
      more: { alias: id },
      quotas: { List: 1 },
      find: async () => [],
    });
    expect(Object.keys(more.spec.input.fields)).toEqual(['label', 'label-prefix', 'id', 'alias', 'class', 'type']);
    expect(more.spec.quotas).toEqual({ List: 1 });
    expect(Object.keys(findKeys.spec)).not.toContain('quotas');
  });
});

describe('get-attributes', () => {
  const getAttributes = getAttributesBy<Box>({ read: async (box, ref) => recordAt(box, ref) });

  test('says everything that it declares, false and empty where the key has nothing', async () => {
    const record = aKey('pay-1', '01', { encrypt: true, wrapWithTrusted: false });
    const args = { key: refOf(record) };
    const { outputs } = await getAttributes.perform(boxOf(record), { action: 'get-attributes', args });
    expect(outputs).toMatchObject({ label: 'pay-1', id: '01', bits: 256, curve: '', kcv: '', encrypt: true });
    expect(outputs).toMatchObject({ decrypt: false, wrap_with_trusted: false });
    expect(Object.keys(outputs).sort()).toEqual(Object.keys(getAttributes.spec.outputs).sort());
  });

  test.each([
    [undefined, 'argument-invalid'],
    ['pay-1', 'argument-invalid'],
    [refOf(aKey('gone', '09')), 'key-not-found'],
  ])('refuses the key %j', async (key, code) => {
    await expect(getAttributes.perform(boxOf(), { action: 'get-attributes', args: { key } })).rejects.toMatchObject({
      code,
    });
  });
});

describe('export-public-key', () => {
  const exportPublicKey = exportPublicKeyBy<Box>(async (box, ref) => Buffer.from(recordAt(box, ref).id, 'hex'));

  test('gives the key as PEM, and its hash', async () => {
    const record = aKey('pay-1', '0102');
    const call = { action: 'export-public-key', args: { key: refOf(record) } };
    expect((await exportPublicKey.perform(boxOf(record), call)).outputs).toEqual({
      pem: { kind: 'public-key', pem: '-----BEGIN PUBLIC KEY-----\nAQI=\n-----END PUBLIC KEY-----\n' },
      spki_sha256: 'a12871fee210fb8619291eaea194581cbd2531e4b23759d225f6806923f63222',
    });
  });

  test.each([
    ['pay-1', 'argument-invalid'],
    [refOf(aKey('gone', '09')), 'key-not-found'],
  ])('refuses the key %j', async (key, code) => {
    const call = { action: 'export-public-key', args: { key } };
    await expect(exportPublicKey.perform(boxOf(), call)).rejects.toMatchObject({ code });
  });
});

describe('require-attribute', () => {
  const record = aKey('pay-1', '01', { extractable: false, encrypt: true });
  const key = refOf(record);
  const box = boxOf(record);
  const look = (at: Box, ref: KeyRef, name: keyof KeyAttributes) => ({ value: recordAt(at, ref).attributes[name] });
  const guarded: string[] = [];
  const plain = requireAttributeBy<Box>({ inWords: () => 'KEY', look });
  const slow = requireAttributeBy<Box>({
    device: 'the box',
    lead: 'is not as wanted:',
    inWords: () => 'KEY',
    look: async (at, ref, name) => ({ ...look(at, ref, name), ...(name === 'extractable' ? { why: 'glued in' } : {}) }),
    guard: (_box, words, work) => {
      guarded.push(words);
      return work();
    },
  });
  const perform = (action: typeof plain, name: string, value?: boolean) =>
    action.perform(box, {
      action: 'require-attribute',
      args: { key, name, ...(value === undefined ? {} : { value }) },
    });

  test.each([
    ['encrypt', true],
    ['encrypt', undefined],
    ['extractable', false],
  ])('%s=%s is as wanted', async (name, value) => {
    expect(await perform(plain, name, value)).toEqual({ outputs: {}, violations: [] });
    expect(await perform(slow, name, value)).toEqual({ outputs: {}, violations: [] });
  });

  test.each([
    ['extractable', true, 'key-not-extractable', 'the KEY is not extractable.'],
    ['encrypt', false, 'key-not-permitted', 'the KEY is encrypt.'],
    ['sign', true, 'key-not-permitted', 'the KEY: the device does not say whether it is sign.'],
    ['magic', true, 'argument-invalid', 'there is no attribute "magic".'],
  ])('refuses %s=%s', async (name, value, code, message) => {
    await expect(perform(plain, name, value)).rejects.toMatchObject({ code, message });
  });

  test('says why, in the words of the device', async () => {
    guarded.length = 0;
    const message = 'the KEY is not as wanted: glued in.';
    await expect(perform(slow, 'extractable')).rejects.toMatchObject({ code: 'key-not-extractable', message });
    expect(guarded).toEqual(['check the KEY']);
  });

  test('skips in a plan what is not as wanted, and says nothing of a key that is not made yet', async () => {
    guarded.length = 0;
    const calls = [
      { key, name: 'extractable' },
      { key, name: 'encrypt' },
      { key: notYet('key'), name: 'encrypt' },
      { key, name: 'sign' },
    ];
    expect(await slow.preview?.(box, calls, null)).toEqual([
      [{ level: 'skip', reason: 'glued in' }],
      [],
      [],
      [{ level: 'skip', reason: 'the box does not say whether it is sign' }],
    ]);
    expect(guarded).toEqual(['check an attribute']);
  });

  test('rejects in a plan too where the key is gone', async () => {
    const calls = [{ key: refOf(aKey('gone', '09')), name: 'encrypt' }];
    await expect(plain.preview?.(box, calls, null)).rejects.toMatchObject({ code: 'key-not-found' });
  });
});
