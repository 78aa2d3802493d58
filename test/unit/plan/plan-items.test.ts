import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { aFolder, planned, SALT } from '../../support/plan-making.ts';
import {
  ACTIONS,
  anExpression,
  aPlaybook,
  aStep,
  literal,
  mainSteps,
  ofKey,
  PLACE,
  theKey,
} from '../../support/plan-playbook.ts';

const over = (where: ReturnType<typeof ofKey> | null) => ({
  kind: 'keys' as const,
  from: 'source',
  where,
  place: PLACE,
});
const actions = (items: readonly { action: string }[]) => items.map((item) => item.action);

describe('what becomes of a key', () => {
  test('moves when nothing speaks against it', async () => {
    const { plan, items } = await planned({ source: { keys: [{ label: 'a', id: '01' }] } });
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ index: 0, label: 'a', action: 'move', reason: null, notes: [] });
    expect(items[0]?.key).toMatch(/^[0-9a-f]{16}$/);
    expect(plan.head.summary).toEqual({ total: 1, move: 1, skip: 0, block: 0, duplicate: 0 });
    expect(plan.head.blocks).toEqual([]);
  });

  test('is left out when "where" does not choose it', async () => {
    const playbook = aPlaybook({ over: over(ofKey((key) => key.label === 'a' && key.extractable === true)) });
    const { items } = await planned({ playbook, source: { keys: [{ label: 'a' }, { label: 'b' }] } });
    expect(items.map((item) => item.label)).toEqual(['a']);
  });

  test('skips with the reason of a check that the playbook lets pass over', async () => {
    const { items, target } = await planned({
      source: {
        keys: [{ label: 'a' }],
        findings: { 'require-attribute': () => [{ level: 'skip', reason: 'not extractable' }] },
      },
    });
    expect(items[0]).toMatchObject({ action: 'skip', reason: 'not extractable' });
    expect(target.previewed.map((call) => call.action)).not.toContain('unwrap-key');
  });

  test('blocks when the check says "otherwise: fail"', async () => {
    const each = mainSteps().map((step) => (step.id === 'check' ? { ...step, otherwise: 'fail' as const } : step));
    const { items } = await planned({
      playbook: aPlaybook({ each }),
      source: {
        keys: [{ label: 'a' }],
        findings: { 'require-attribute': () => [{ level: 'skip', reason: 'not extractable' }] },
      },
    });
    expect(items[0]).toMatchObject({ action: 'block', reason: 'would fail: not extractable' });
  });

  test('never skips silently for a step that is no check', async () => {
    const { items } = await planned({
      source: { keys: [{ label: 'a' }], findings: { 'wrap-key': () => [{ level: 'skip', reason: 'odd' }] } },
    });
    expect(items[0]).toMatchObject({ action: 'block', reason: 'would fail: odd' });
  });

  test('lists all reasons of a block, each once, and stays blocked', async () => {
    const { items } = await planned({
      source: {
        keys: [{ label: 'a' }],
        findings: {
          'wrap-key': () => [
            { level: 'block', reason: 'too long' },
            { level: 'block', reason: 'too long' },
          ],
        },
      },
      target: {
        findings: {
          'unwrap-key': () => [
            { level: 'block', reason: 'id taken' },
            { level: 'duplicate', reason: 'there' },
          ],
        },
      },
    });
    expect(items[0]).toMatchObject({ action: 'block', reason: 'too long; id taken' });
  });

  test('is a duplicate when the material is on the target', async () => {
    const { items } = await planned({
      source: { keys: [{ label: 'a' }] },
      target: { findings: { 'unwrap-key': () => [{ level: 'duplicate', reason: 'on the target as "x"' }] } },
    });
    expect(items[0]).toMatchObject({ action: 'duplicate', reason: 'on the target as "x"' });
  });

  test('the first decisive finding wins', async () => {
    const { items } = await planned({
      source: {
        keys: [{ label: 'a' }],
        findings: {
          'require-attribute': () => [
            { level: 'skip', reason: 'first' },
            { level: 'block', reason: 'second' },
          ],
        },
      },
    });
    expect(items[0]).toMatchObject({ action: 'skip', reason: 'first' });
  });

  test('keeps notes', async () => {
    const { items } = await planned({
      source: { keys: [{ label: 'a' }] },
      target: { findings: { 'unwrap-key': () => [{ level: 'note', reason: 'usage derive is not set there' }] } },
    });
    expect(items[0]).toMatchObject({ action: 'move', reason: null, notes: ['usage derive is not set there'] });
  });

  test('findings of after-each are notes', async () => {
    const afterEach = [aStep('source', ACTIONS.delete, { id: 'gone', block: 'after-each', with: { key: theKey } })];
    const { items } = await planned({
      playbook: aPlaybook({ afterEach }),
      source: {
        keys: [{ label: 'a' }],
        findings: { 'delete-key': () => [{ level: 'block', reason: 'not destroyable' }] },
      },
    });
    expect(items[0]).toMatchObject({ action: 'move', notes: ['afterwards, gone: not destroyable'] });
  });

  test('an expression that fails for one key blocks that key alone', async () => {
    const where = anExpression([{ kind: 'key' }], (scope) => {
      if (scope.key?.fields.label === 'b') throw new KeyferryError('argument-invalid', 'division by zero');
      return true;
    });
    const each = mainSteps().map((step) => (step.id === 'wrapped' ? { ...step, when: where } : step));
    const { items } = await planned({
      playbook: aPlaybook({ each }),
      source: { keys: [{ label: 'a' }, { label: 'b' }] },
    });
    expect(items.map(({ action, reason }) => [action, reason])).toEqual([
      ['move', null],
      ['block', 'division by zero'],
    ]);
  });

  test('a bug in an expression is no finding', async () => {
    const when = anExpression([{ kind: 'key' }], () => {
      throw new TypeError('bug');
    });
    const each = mainSteps().map((step) => ({ ...step, when }));
    await expect(planned({ playbook: aPlaybook({ each }), source: { keys: [{ label: 'a' }] } })).rejects.toThrow(
      TypeError,
    );
  });

  test('a device that is lost while planning ends the plan and leaves nothing on disk', async () => {
    const spoolDir = aFolder();
    const findings = {
      'unwrap-key': () => {
        throw new KeyferryError('device-lost', 'gone');
      },
    };
    await expect(planned({ spoolDir, source: { keys: [{ label: 'a' }] }, target: { findings } })).rejects.toMatchObject(
      { code: 'device-lost' },
    );
    expect(readdirSync(spoolDir)).toEqual([]);
  });
});

describe('keys that are alike', () => {
  const twin = { label: 'a', id: '01', material: 'same' };

  test('one object twice: the first moves, the second is a duplicate that names it', async () => {
    const { items } = await planned({ source: { keys: [twin, twin, twin] } });
    expect(actions(items)).toEqual(['move', 'duplicate', 'duplicate']);
    expect(items[1]?.reason).toContain(String(items[0]?.key));
    expect(items.map((item) => item.key)).toEqual([items[0]?.key, `${items[0]?.key}-2`, `${items[0]?.key}-3`]);
  });

  test('the second moves when the first is skipped', async () => {
    const { items } = await planned({
      source: {
        keys: [
          { ...twin, attributes: { extractable: true } },
          { ...twin, attributes: { extractable: false } },
        ],
        findings: {
          'require-attribute': ({ key }) => {
            const record = (key as { record: { attributes: { extractable: boolean } } }).record;
            return record.attributes.extractable ? [] : [{ level: 'skip', reason: 'not extractable' }];
          },
        },
      },
    });
    expect(actions(items).sort()).toEqual(['move', 'skip']);
  });

  test('equal names with other material both move', async () => {
    const { items } = await planned({
      source: {
        keys: [
          { label: 'a', material: '1' },
          { label: 'a', material: '2' },
        ],
      },
    });
    expect(actions(items)).toEqual(['move', 'move']);
    expect(new Set(items.map((item) => item.key)).size).toBe(2);
  });

  test('equal names without fingerprints block, for a locator would mean both', async () => {
    const { items, source } = await planned({
      fingerprint: false,
      source: { keys: [{ label: 'a' }, { label: 'a' }, { label: 'b' }] },
    });
    expect(actions(items)).toEqual(['block', 'block', 'move']);
    expect(items[0]?.reason).toContain('cannot be told apart');
    expect(items[1]?.key).toBe(`${items[0]?.key}-2`);
    expect(source.calls.find((call) => call.method === 'preview' && call.action === 'wrap-key')?.count).toBe(1);
  });

  test('a namesake that "where" does not choose counts as well', async () => {
    const playbook = aPlaybook({ over: over(ofKey((key) => key.bits === 256)) });
    const { items } = await planned({
      playbook,
      fingerprint: false,
      source: { keys: [{ label: 'a' }, { label: 'a', bits: 128 }] },
    });
    expect(actions(items)).toEqual(['block']);
  });

  test('one id twice on a device with unique ids: the first moves, the other says which', async () => {
    const keys = [
      { label: 'a', id: '0a' },
      { label: 'b', id: '0a' },
      { label: 'c', id: '0b' },
      { label: 'd' },
      { label: 'e' },
    ];
    const { items } = await planned({ source: { keys }, target: { capabilities: { uniqueIds: true } } });
    expect(actions(items)).toEqual(['move', 'block', 'move', 'move', 'move']);
    expect(items[1]?.reason).toMatch(new RegExp(`under id 0a like a \\(${items[0]?.key}\\)`));
  });

  test('where ids need not be unique it is a note', async () => {
    const { items } = await planned({
      source: {
        keys: [
          { label: 'a', id: '0a' },
          { label: 'b', id: '0a' },
        ],
      },
    });
    expect(actions(items)).toEqual(['move', 'move']);
    expect(items[1]?.notes[0]).toContain('under id 0a like a');
  });

  test('an id is free again when its first key does not move', async () => {
    const { items } = await planned({
      source: {
        keys: [
          { label: 'a', id: '0a' },
          { label: 'b', id: '0a' },
        ],
        findings: {
          'require-attribute': ({ key }) =>
            (key as { record: { label: string } }).record.label === 'a' ? [{ level: 'skip', reason: 'no' }] : [],
        },
      },
      target: { capabilities: { uniqueIds: true } },
    });
    expect(actions(items)).toEqual(['skip', 'move']);
  });

  test('the two halves of a pair may share their id', async () => {
    const keys = [
      { label: 'a', id: '0a', class: 'public' as const },
      { label: 'a', id: '0a', class: 'private' as const },
    ];
    const { items } = await planned({ source: { keys }, target: { capabilities: { uniqueIds: true } } });
    expect(actions(items)).toEqual(['move', 'move']);
  });

  test('an id that the playbook gives replaces that of the source', async () => {
    const each = mainSteps().map((step) =>
      step.id === 'arrived' ? { ...step, with: { ...step.with, id: literal('ff') } } : step,
    );
    const { items } = await planned({
      playbook: aPlaybook({ each }),
      source: {
        keys: [
          { label: 'a', id: '01' },
          { label: 'b', id: '02' },
        ],
      },
      target: { capabilities: { uniqueIds: true } },
    });
    expect(actions(items)).toEqual(['move', 'block']);
  });
});

describe('comparison', () => {
  const mute = { label: 'mute', methods: [] };

  test('a key without a fingerprint blocks, and the hint says what to do', async () => {
    const { items } = await planned({ source: { keys: [mute] } });
    expect(items[0]).toMatchObject({ action: 'block' });
    expect(items[0]?.reason).toContain('verify: weak');
  });

  test('"verify: weak" lets it move with a note', async () => {
    const { items } = await planned({ playbook: aPlaybook({ verify: 'weak' }), source: { keys: [mute] } });
    expect(items[0]).toMatchObject({ action: 'move' });
    expect(items[0]?.notes[0]).toContain('weak');
  });

  test('without verify.same-key it moves, and the plan warns', async () => {
    const each = mainSteps().filter((step) => step.target !== 'verify');
    const { items, plan } = await planned({ playbook: aPlaybook({ each }), source: { keys: [mute] } });
    expect(items[0]?.action).toBe('move');
    expect(plan.head.warnings.join()).toContain('verify.same-key');
  });

  test('--no-fingerprint uses no key: neither fingerprint nor KCV', async () => {
    const { items, source, plan } = await planned({ fingerprint: false, source: { keys: [{ label: 'a' }] } });
    expect(source.calls.find((call) => call.method === 'inventory')?.query).toEqual({ kcv: false });
    expect(items[0]).toMatchObject({
      action: 'move',
      source: { record: { kcv: null, locator: { fingerprint: null } } },
    });
    expect(plan.head.fingerprinted).toBe(false);
    expect(plan.head.warnings.join()).toContain('no fingerprints were taken');
  });

  test('methods that both sides have are asked for first; then those that tell the keys of the source apart', async () => {
    const { source } = await planned({
      source: { keys: [{ label: 'a' }], capabilities: { fingerprints: ['wrap-kw', 'mac', 'encrypt-ecb'] } },
      target: { capabilities: { fingerprints: ['mac', 'decrypt-ecb', 'wrap-kw'] } },
    });
    expect(source.calls.find((call) => call.method === 'inventory')?.query).toEqual({
      kcv: true,
      fingerprint: { salt: SALT, methods: ['mac', 'wrap-kw', 'encrypt-ecb'] },
    });
  });

  test('a fingerprint that only the source can make compares nothing', async () => {
    const { items } = await planned({
      source: {
        keys: [{ label: 'a', methods: ['encrypt-ecb'] }],
        capabilities: { fingerprints: ['mac', 'encrypt-ecb'] },
      },
      target: { capabilities: { fingerprints: ['mac'] } },
    });
    expect(items[0]).toMatchObject({
      action: 'block',
      source: { record: { locator: { fingerprint: { method: 'encrypt-ecb' } } } },
    });
  });

  test('devices without a common method block every key', async () => {
    const { items } = await planned({
      source: { keys: [{ label: 'a' }] },
      target: { capabilities: { fingerprints: [] } },
    });
    expect(items[0]?.action).toBe('block');
  });
});

describe('room on the target', () => {
  const keys = [{ label: 'a' }, { label: 'b' }, { label: 'c' }];

  test('keys beyond the free places block, with the numbers', async () => {
    const { items } = await planned({ source: { keys }, target: { capabilities: { capacity: 4 } } });
    expect(actions(items)).toEqual(['move', 'move', 'block']);
    expect(items[2]?.reason).toBe(
      'no room on target: 4 free places of which prepare takes 2, and 2 keys before this one; make room or move fewer keys',
    );
  });

  test('just enough is enough', async () => {
    const { items, plan } = await planned({ source: { keys }, target: { capabilities: { capacity: 5 } } });
    expect(actions(items)).toEqual(['move', 'move', 'move']);
    expect(plan.head.blocks).toEqual([]);
  });

  test('no room for what prepare makes blocks the plan', async () => {
    const { plan } = await planned({ source: { keys, capabilities: { capacity: 0 } } });
    expect(plan.head.blocks.join()).toContain('source has 0 free places, and prepare makes 1 key object');
  });
});
