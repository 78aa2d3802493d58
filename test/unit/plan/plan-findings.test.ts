import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import type { Playbook, Step } from '../../../src/playbook/model.ts';
import { aFolder, planned } from '../../support/plan-making.ts';
import {
  ACTIONS,
  anAction,
  anExpression,
  anOutput,
  aPlaybook,
  aStep,
  literal,
  mainSteps,
  ofKey,
  PLACE,
  theKey,
} from '../../support/plan-playbook.ts';

const keys = [{ label: 'a' }];

describe('what blocks a plan as a whole', () => {
  test.each([
    [
      'prepare',
      'target',
      'generate-rsa-key-pair',
      'prepare step pair (target.generate-rsa-key-pair): no RSA-3072 here',
    ],
    ['finally', 'target', 'delete-key', 'finally step cleanup (target.delete-key): no RSA-3072 here'],
  ])('a blocking preview of %s', async (_block, device, action, expected) => {
    const { plan, items } = await planned({
      source: { keys },
      [device]: { findings: { [action]: () => [{ level: 'block', reason: 'no RSA-3072 here' }] } },
    });
    expect(plan.head.blocks).toEqual([expected]);
    expect(items[0]?.action).toBe('move');
  });

  test('a note of prepare is a warning', async () => {
    const { plan } = await planned({
      target: { findings: { 'generate-rsa-key-pair': () => [{ level: 'note', reason: 'slow' }] } },
    });
    expect(plan.head.blocks).toEqual([]);
    expect(plan.head.warnings).toContain('prepare step pair (target.generate-rsa-key-pair): slow');
  });

  test('a canary that cannot be made', async () => {
    const canary = aStep('source', ACTIONS.generate, { id: 'canary', block: 'canary' });
    const { plan } = await planned({
      playbook: aPlaybook({ canary }),
      source: { findings: { 'generate-key': () => [{ level: 'block', reason: 'no AES' }] } },
    });
    expect(plan.head.blocks).toEqual(['canary step canary (source.generate-key): no AES']);
    expect(plan.head.canary?.do).toBe('source.generate-key');
  });

  test('a canary on the wrong device, or without keys to prove', async () => {
    const canary = aStep('target', ACTIONS.generate, { id: 'canary', block: 'canary' });
    expect((await planned({ playbook: aPlaybook({ canary }) })).plan.head.blocks.join()).toContain('make it on source');
    expect(
      (await planned({ playbook: aPlaybook({ canary, over: null, each: [] }) })).plan.head.blocks.join(),
    ).toContain('take the canary out');
  });

  test('a mechanism that the source cannot wrap with, once for all keys', async () => {
    const { plan, items } = await planned({ source: { keys, capabilities: { wrap: ['aes-kw'] } } });
    expect(plan.head.blocks).toEqual([
      'source cannot wrap with rsa-oaep-sha1 (it has: aes-kw); choose a mechanism that both devices have',
    ]);
    expect(items[0]?.action).toBe('move');
  });

  test('a mechanism that the target cannot unwrap', async () => {
    const { plan } = await planned({ target: { capabilities: { unwrap: [] } } });
    expect(plan.head.blocks.join()).toContain('target cannot unwrap with rsa-oaep-sha1 (it has: none)');
  });

  test('a mechanism chosen per key blocks that key alone', async () => {
    const mechanism = {
      kind: 'expression' as const,
      expression: ofKey((key) => (key.label === 'a' ? 'rsa-oaep-sha1' : 'aes-kwp')),
    };
    const each = mainSteps().map((step) =>
      step.id === 'wrapped' ? { ...step, with: { ...step.with, mechanism } } : step,
    );
    const { plan, items } = await planned({
      playbook: aPlaybook({ each }),
      source: { keys: [{ label: 'a' }, { label: 'b' }] },
    });
    expect(plan.head.blocks).toEqual([]);
    expect(items.map((item) => item.action)).toEqual(['move', 'block']);
    expect(items[1]?.reason).toContain('source cannot wrap with aes-kwp');
    expect(items[1]?.reason).toContain('target cannot unwrap with aes-kwp');
  });

  test('an unwrapping step without a wrapping one is checked too', async () => {
    const each = [
      aStep('target', ACTIONS.unwrap, {
        with: { 'wrapped-key': literal('x'), like: theKey, mechanism: literal('aes-kw') },
      }),
    ];
    const { plan } = await planned({ playbook: aPlaybook({ each }) });
    expect(plan.head.blocks.join()).toContain('target cannot unwrap with aes-kw');
  });

  test('too few approvers: those with one key count once', async () => {
    const each = mainSteps().map((step) => ({ ...step, approval: step.id === 'arrived' ? { quorum: 2 } : null }));
    const playbook = aPlaybook({ each });
    const two = await planned({ playbook, approvers: { a: '11', b: '22' } });
    expect(two.plan.head.blocks).toEqual([]);
    const one = await planned({ playbook, approvers: { a: '11', b: '11' } });
    expect(one.plan.head.blocks.join()).toContain('waits for 2 approvals and the devices file has 1 approver ');
  });

  test('an argument that cannot be computed', async () => {
    const bad = anExpression([], () => {
      throw new KeyferryError('argument-invalid', 'no such number');
    });
    const prepare = [
      aStep('target', ACTIONS.generate, {
        id: 'g',
        block: 'prepare',
        with: { bits: { kind: 'expression', expression: bad } },
      }),
    ];
    expect((await planned({ playbook: aPlaybook({ prepare }) })).plan.head.blocks.join()).toContain('no such number');
  });

  test('a device that fails in a preview fails the plan', async () => {
    const findings = {
      'generate-rsa-key-pair': () => {
        throw new KeyferryError('device-unreachable', 'no answer');
      },
    };
    await expect(planned({ target: { findings } })).rejects.toMatchObject({ code: 'device-unreachable' });
  });

  test('a prepare step whose condition is false is not asked about', async () => {
    const prepare = [
      aStep('target', ACTIONS.generate, { id: 'g', block: 'prepare', when: anExpression([], () => false) }),
    ];
    const { target } = await planned({ playbook: aPlaybook({ prepare }) });
    expect(target.previewed.map((call) => call.action)).toEqual(['delete-key']);
  });
});

describe('files that steps name', () => {
  const reads = (path: string) =>
    aPlaybook({
      prepare: [aStep('file', ACTIONS.read, { id: 'in', block: 'prepare', with: { path: literal(path) } })],
    });
  const writes = (path: string) =>
    aPlaybook({
      prepare: [
        aStep('file', ACTIONS.write, {
          id: 'out',
          block: 'prepare',
          with: { path: literal(path), data: anOutput('pair', 'public_key') },
        }),
      ],
    });

  test('must be there to be read', async () => {
    const folder = aFolder();
    writeFileSync(join(folder, 'in.pem'), 'x');
    expect((await planned({ playbook: reads(join(folder, 'in.pem')) })).plan.head.blocks).toEqual([]);
    expect((await planned({ playbook: reads(join(folder, 'no.pem')) })).plan.head.blocks.join()).toContain(
      'is not a file that can be read',
    );
    expect((await planned({ playbook: reads(folder) })).plan.head.blocks.join()).toContain(
      'is not a file that can be read',
    );
  });

  test('need a folder to be written to', async () => {
    const folder = aFolder();
    expect((await planned({ playbook: writes(join(folder, 'out')) })).plan.head.blocks).toEqual([]);
    expect((await planned({ playbook: writes(join(folder, 'no', 'out')) })).plan.head.blocks.join()).toContain(
      'is not a folder that can be written',
    );
  });

  test('what the playbook writes itself need not be there yet', async () => {
    const folder = aFolder();
    const path = literal(join(folder, 'made'));
    const playbook = aPlaybook({
      prepare: [
        aStep('file', ACTIONS.write, { id: 'out', block: 'prepare', with: { path, data: literal('x') } }),
        aStep('file', ACTIONS.read, { id: 'in', block: 'prepare', with: { path } }),
      ],
    });
    expect((await planned({ playbook })).plan.head.blocks).toEqual([]);
  });
});

describe('what a reader must not miss', () => {
  test('plain text, points of no return, keys that leave hardware', async () => {
    const playbook = aPlaybook({
      exposesPlaintext: true,
      each: mainSteps().map((step) => ({ ...step, exposesPlaintext: step.id === 'wrapped' })),
      afterEach: [aStep('source', ACTIONS.delete, { id: 'gone', block: 'after-each', with: { key: theKey } })],
    });
    const { plan } = await planned({ playbook, source: { trust: 'hardware' }, target: { trust: 'software' } });
    expect(plan.head.exposesPlaintext).toBe(true);
    expect(plan.head.warnings).toContain('step wrapped (source.wrap-key) shows key bytes in clear to this computer');
    expect(plan.head.warnings).toContain('step gone (source.delete-key) cannot be undone and runs for every key');
    expect(plan.head.warnings).toContain('the keys leave hardware: source is hardware and target is software');
    expect(plan.head.afterEach).toEqual([
      {
        id: 'gone',
        object: 'the source key itself',
        do: 'source.delete-key',
        summary: 'delete-key of the test',
        device: 'source',
        effect: 'destroy',
        pointOfNoReturn: true,
      },
    ]);
  });

  test('fewer sessions than keys at once', async () => {
    const { plan } = await planned({ target: { capabilities: { sessions: 1 } } });
    expect(plan.head.warnings).toContain('concurrency is 4 and target has 1 session: the other keys wait for one');
  });

  test('a quiet plan warns of nothing', async () => {
    const { plan } = await planned({
      source: { keys, findings: { 'require-attribute': () => [{ level: 'skip', reason: 'no' }] } },
    });
    expect(plan.head.warnings).toEqual([]);
  });

  test('that no key was chosen', async () => {
    const over = { kind: 'keys' as const, from: 'source', where: ofKey(() => false), place: PLACE };
    const { plan } = await planned({ playbook: aPlaybook({ over }), source: { keys } });
    expect(plan.head.warnings).toEqual(['no key to move: 1 on source, none chosen by the playbook']);
  });

  test('steps with the devices they work on', async () => {
    const { plan } = await planned({ target: { name: 'lab' } });
    expect(plan.head.each.map((step) => [step.do, step.device])).toEqual([
      ['source.require-attribute', 'source'],
      ['source.wrap-key', 'source'],
      ['target.unwrap-key', 'lab'],
      ['verify.same-key', 'keyferry'],
    ]);
    expect(plan.head.finally[0]).toMatchObject({ id: 'cleanup', effect: 'destroy', pointOfNoReturn: true });
    expect(plan.head.devices.map((device) => [device.role, device.name])).toEqual([
      ['source', 'source'],
      ['target', 'lab'],
    ]);
  });
});

describe('what is destroyed for every key', () => {
  const forgetting = (key: Step['with'][string]) =>
    aPlaybook({
      each: [...mainSteps(), aStep('source', ACTIONS.import, { id: 'own', with: {} })],
      afterEach: [aStep('source', ACTIONS.delete, { id: 'gone', block: 'after-each', with: { key } })],
    });
  const warned = async (playbook: Playbook) =>
    (await planned({ playbook, source: { keys: [{ label: 'a' }] } })).plan.head.warnings.join();

  test('is warned of when it is the source key, or the arrived one', async () => {
    expect(await warned(forgetting(theKey))).toContain('step gone (source.delete-key) cannot be undone');
    expect(await warned(forgetting(anOutput('arrived', 'key')))).toContain('cannot be undone');
    expect(await warned(forgetting(anOutput('wrapper', 'key')))).toContain('cannot be undone');
  });

  test('is not worth a word when the key’s own steps made it for themselves', async () => {
    expect(await warned(forgetting(anOutput('own', 'key')))).not.toContain('cannot be undone');
  });
});

describe('the estimate', () => {
  const many = Array.from({ length: 100 }, (_, at) => ({ label: `k${at}` }));

  test('is bound by a rate limit where there is one', async () => {
    const { plan } = await planned({
      source: { keys: many },
      target: { capabilities: { rates: { 'unwrap-key': 5, 'delete-key': 0.001 } } },
    });
    expect(plan.head.estimateSeconds).toBe(20);
    expect(plan.head.warnings.at(-1)).toBe(
      '100 keys: at least 20 s, bound by unwrap-key (target allows 5 calls per second)',
    );
  });

  test('of a short time is in tenths of seconds', async () => {
    const { plan } = await planned({
      source: { keys: many },
      target: { capabilities: { rates: { 'unwrap-key': 250 } } },
    });
    expect(plan.head.warnings.at(-1)).toContain('100 keys: at least 0.4 s');
  });

  test('counts the operations that steps make of one quota, and leaves out steps that will not run', async () => {
    const quotas = { GetParametersForImport: 1 };
    const each = mainSteps().flatMap((step) =>
      step.action === 'unwrap-key'
        ? [
            { ...step, spec: { ...step.spec, quotas } },
            aStep('target', anAction('control', 'change', { quotas: { GetParametersForImport: 2 } }), {
              id: 'control',
            }),
            aStep('target', anAction('again', 'change', { quotas }), {
              id: 'again',
              when: anExpression([{ kind: 'input', name: 'bits' }], () => false),
            }),
          ]
        : [step],
    );
    const { plan } = await planned({
      playbook: aPlaybook({ each }),
      source: { keys: many },
      target: { capabilities: { rates: { GetParametersForImport: 0.25, ImportKeyMaterial: 0 } } },
    });
    expect(plan.head.estimateSeconds).toBe(1200);
    expect(plan.head.warnings.at(-1)).toBe(
      '100 keys: at least 20 minutes, bound by GetParametersForImport (target allows one call in 4 s, and a key takes 3)',
    );
  });

  test('is a guess by trust elsewhere, per session for hardware', async () => {
    const seconds = async (trust: 'simulated' | 'software' | 'hardware') =>
      (await planned({ source: { keys: many }, target: { trust } })).plan.head;
    expect((await seconds('simulated')).estimateSeconds).toBe(0.1);
    expect((await seconds('software')).estimateSeconds).toBe(1);
    const hardware = await seconds('hardware');
    expect(hardware.estimateSeconds).toBe(1.3);
    expect(hardware.warnings.at(-1)).toContain('a guess of 20 keys per second in each of 4 sessions on target');
  });
});
