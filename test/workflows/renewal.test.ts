/** What can be used once only: import parameters, and the wrapping key that comes with them. */
import { describe, expect, it } from 'vitest';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import { Derivation } from '../../src/workflows/derivation.ts';
import type { KnownCall } from '../../src/workflows/sequence-context.ts';
import { fakeSite, keysNamed, lostReply, type Told } from '../support/engine-fakes.ts';
import { breaking, IMPORT_CALLS, importBureau, importPlaybook } from '../support/engine-import-route.ts';

const playbook = importPlaybook({ policy: { concurrency: 1, ramp: [{ share: 1 }], stopWhen: null } });
const chain = new Derivation([...playbook.each, ...playbook.afterEach]);

describe('the chain of what is good once', () => {
  it('goes from the parameters to what is wrapped under them, and ends at the import', () => {
    expect(playbook.each.map(({ id }) => id).filter((id) => chain.has(id))).toEqual([
      'parameters',
      'wrapper',
      'wrapped',
    ]);
    expect([...chain.under('imported')].sort()).toEqual(['parameters', 'wrapped', 'wrapper']);
    expect(chain.restarts()).toMatchObject({ wrapper: 'parameters', wrapped: 'parameters', imported: 'parameters' });
    expect(Object.keys(chain.restarts())).not.toContain('usable');
  });

  const applied: KnownCall = { state: 'applied', outputs: {}, violation: null };
  const open = { state: 'open', call: {}, expectation: null } as unknown as KnownCall;
  it.each([
    ['nothing', [], []],
    ['the key was made', [['made', applied]], []],
    ['the wrapping key was brought', [['wrapper', applied]], []],
    [
      'an import that was done',
      [
        ['wrapper', applied],
        ['imported', applied],
      ],
      ['parameters', 'wrapped'],
    ],
    [
      'an import without an answer',
      [
        ['wrapper', applied],
        ['imported', open],
      ],
      ['parameters', 'wrapped'],
    ],
  ] as const)('is asked for again only where something needs it: %s', (_, known, unneeded) => {
    expect([...chain.unneeded(new Map(known as readonly [string, KnownCall][]))]).toEqual(unneeded);
  });
});

describe('a run that imports', () => {
  it('leaves one key for each, imported once, and no wrapping key', async () => {
    const bureau = importBureau();
    const site = fakeSite({ script: bureau.script });
    const result = await site.run(importPlaybook());
    expect(result).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 3 }, leftovers: [] });
    expect([...bureau.made.values()]).toEqual(['imported', 'imported', 'imported']);
    expect(bureau.wrappers.size).toBe(0);
    expect(bureau.handedOut()).toBe(3);
  });

  it('says of a proof of use that nothing was compared', async () => {
    const site = fakeSite({ keys: keysNamed(1), script: importBureau().script });
    const { run } = await site.run(playbook);
    const ends = (await site.entries(run)).flatMap(({ entry }) => (entry.kind === 'item' ? [entry.verification] : []));
    expect(ends).toEqual([{ method: 'functional', strength: 'none', result: 'not-compared' }]);
  });

  describe.each(IMPORT_CALLS)('whose device is lost in %s', (call) => {
    it.each([true, false])(
      '(done: %s) goes on with new parameters where the old ones were not used',
      async (isDone) => {
        const bureau = importBureau();
        const site = fakeSite({ keys: keysNamed(2), script: breaking(bureau.script, call, isDone) });
        const paused = await site.run(playbook);
        expect(paused).toMatchObject({ state: 'paused', exitCode: 7 });
        const before = bureau.handedOut();
        site.script = bureau.script;
        const resumed = await site.resume(paused.run, playbook);
        expect(resumed).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 2 }, leftovers: [] });
        expect(bureau.imports.sort()).toEqual(['key-1', 'key-2']);
        expect(bureau.wrappers.size).toBe(0);
        const isUsed = (call === 'target import-key-material' && isDone) || /usable|delete-key/.test(call);
        expect(bureau.handedOut() - before).toBe(isUsed ? 1 : 2);
      },
    );

    it('and lost again in the resumed run, in any other call, ends the same', async () => {
      for (const second of IMPORT_CALLS) {
        const bureau = importBureau();
        const site = fakeSite({ keys: keysNamed(1), script: breaking(bureau.script, call, true) });
        let { run, state } = await site.run(playbook);
        site.script = breaking(bureau.script, second, true, ({ nth }) => nth === 1);
        ({ run, state } = await site.resume(run, playbook));
        site.script = bureau.script;
        if (state !== 'done') ({ state } = await site.resume(run, playbook));
        expect([second, state, bureau.imports, bureau.wrappers.size]).toEqual([second, 'done', ['key-1'], 0]);
      }
    });
  });

  it('settles a lost reply in the same process without new parameters', async () => {
    for (const call of ['source import-public-key', 'target import-key-material'] as const) {
      const bureau = importBureau();
      const usual = bureau.script[call];
      const lose = (told: Told) => lostReply({ ...told, usual: async () => (await usual?.(told)) as never });
      const site = fakeSite({ keys: keysNamed(1), script: { ...bureau.script, [call]: lose } });
      expect(await site.run(playbook)).toMatchObject({ state: 'done', counts: { migrated: 1 }, leftovers: [] });
      expect(bureau.handedOut()).toBe(1);
    }
  });

  it('takes back what it made of a key that fails, by the action that the undo names', async () => {
    const bureau = importBureau();
    const refusing = async () => {
      throw new KeyferryError('device-refused', 'no');
    };
    const site = fakeSite({ keys: keysNamed(1), script: { ...bureau.script, 'target import-key-material': refusing } });
    expect(await site.run(importPlaybook())).toMatchObject({ counts: { failed: 1 }, leftovers: [] });
    expect(bureau.made.size).toBe(0);
    expect(bureau.wrappers.size).toBe(0);
  });

  it('settles an undo that was cut off, by the action that the undo names', async () => {
    const bureau = importBureau();
    const script = {
      ...bureau.script,
      'target import-key-material': async () => {
        throw new KeyferryError('device-refused', 'no');
      },
    };
    const site = fakeSite({ keys: keysNamed(1), script: breaking(script, 'target schedule-deletion', true) });
    const paused = await site.run(playbook);
    expect(paused.state).toBe('paused');
    site.script = bureau.script;
    expect(await site.resume(paused.run, playbook)).toMatchObject({ state: 'done', counts: { migrated: 1 } });
    expect([...bureau.made.values()]).toEqual(['imported']);
  });
});

describe('parameters past their time', () => {
  it('are asked for anew before they are used, and the wrapping key with them', async () => {
    const bureau = importBureau();
    bureau.validUntilMs = Date.now() + 60_000;
    const usual = bureau.script['target get-import-parameters'];
    const site = fakeSite({
      keys: keysNamed(1),
      script: {
        ...bureau.script,
        'target get-import-parameters': async (told) => {
          if (told.nth > 1) bureau.validUntilMs = Date.now() + 86_400_000;
          return await usual?.(told);
        },
      },
    });
    expect(await site.run(playbook)).toMatchObject({ state: 'done', counts: { migrated: 1 }, leftovers: [] });
    expect(bureau.handedOut()).toBe(2);
    expect(site.called('source perform import-public-key')).toHaveLength(2);
    expect(bureau.wrappers.size).toBe(0);
  });

  it('that the device refuses are asked for anew, three times at most', async () => {
    const bureau = importBureau();
    const refusing = async () => {
      throw new KeyferryError('import-parameters-expired', 'the token is past its time');
    };
    const site = fakeSite({ keys: keysNamed(1), script: { ...bureau.script, 'target import-key-material': refusing } });
    const result = await site.run(importPlaybook());
    expect(result).toMatchObject({ counts: { failed: 1 }, leftovers: [] });
    expect(bureau.handedOut()).toBe(4);
    expect(bureau.wrappers.size).toBe(0);
  });
});
