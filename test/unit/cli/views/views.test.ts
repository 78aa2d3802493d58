import { describe, expect, test } from 'vitest';
import type { Screen } from '../../../../src/cli/screen.ts';
import { createStyles } from '../../../../src/cli/terminal/styles.ts';
import { keysView } from '../../../../src/cli/views/keys-view.ts';
import { PlanHuman } from '../../../../src/cli/views/plan-view.ts';
import { runView } from '../../../../src/cli/views/run-view.ts';
import { verifyView } from '../../../../src/cli/views/verify-view.ts';
import { KeyferryError } from '../../../../src/errors/keyferry-error.ts';
import type { KeyRecord } from '../../../../src/keys/key-record.ts';
import type { PlanHead, PlanItem } from '../../../../src/plan/model.ts';
import type { RunResult } from '../../../../src/workflows/engine.ts';
import type { VerifiedItem } from '../../../../src/workflows/verify-run.ts';
import { aPlanHead, aPlanItem, aRecord } from '../../../support/report-journal.ts';

function aScreen(): { readonly screen: Screen; readonly out: () => string; readonly err: () => string } {
  let out = '';
  let err = '';
  const styles = createStyles(false);
  const screen: Screen = {
    result: async (line) => {
      out += `${line}\n`;
    },
    text: async (part) => {
      out += part;
    },
    note: async (line) => {
      err += `${line}\n`;
    },
    next: (command) => `  Next: keyferry ${command} -d lab.yaml`,
    styles,
    noteStyles: styles,
    width: null,
  };
  return { screen, out: () => out, err: () => err };
}

async function* stream<T>(...values: readonly T[]): AsyncIterable<T> {
  yield* values;
}

describe('a plan for people', () => {
  async function show(head: Partial<PlanHead>, items: readonly PlanItem[], allItems = false): Promise<string> {
    const { screen, out } = aScreen();
    await new PlanHuman(screen, allItems).show({
      head: aPlanHead(head),
      items: () => stream(...items),
      dispose: async () => undefined,
    });
    return out();
  }

  test('is loud about simulated devices, plaintext, blocks and what cannot be undone', async () => {
    const step = {
      id: 'x',
      do: 'source.delete-key',
      summary: 'Destroy',
      device: 'source',
      effect: 'destroy',
      pointOfNoReturn: true,
    };
    const text = await show(
      { exposesPlaintext: true, blocks: ['no common mechanism'], finally: [step], fingerprinted: false },
      [],
    );
    expect(text).toContain('source → lab');
    expect(text).toContain('SIMULATED');
    expect(text).toContain('--allow-plaintext');
    expect(text).toContain('Blocked: no common mechanism');
    expect(text).toContain('(cannot be undone)');
    expect(text).toContain('made without fingerprints');
  });

  test('shows what does not move first, and says how many are not shown', async () => {
    const moves = Array.from({ length: 60 }, (_, index) => aPlanItem(index, aRecord(`move-${index}`)));
    const block = aPlanItem(60, aRecord('late'), { action: 'block', reason: 'too big' });
    const head = { summary: { total: 61, move: 60, skip: 0, block: 1, duplicate: 0 } };
    const lines = (await show(head, [...moves, block])).split('\n');
    expect(lines[lines.findIndex((line) => line.startsWith('KEY')) + 1]).toContain('too big');
    expect(lines).toContain('… and 21 more; --items shows all');
    expect((await show(head, [...moves, block], true)).match(/move-\d+/g)).toHaveLength(60);
  });

  test('of steps alone has no table and no guess of how long keys take', async () => {
    const text = await show({ summary: { total: 0, move: 0, skip: 0, block: 0, duplicate: 0 } }, []);
    expect(text).toContain('No keys to move.');
    expect(text).not.toMatch(/Takes about|0 items/);
  });

  test('escapes what a device put into a label', async () => {
    const head = { summary: { total: 1, move: 1, skip: 0, block: 0, duplicate: 0 } };
    expect(await show(head, [aPlanItem(0, aRecord('\u001b[2J'))])).not.toContain('\u001b');
  });
});

describe('keys', () => {
  async function json(...records: readonly KeyRecord[]): Promise<{ keys: Record<string, unknown>[] }> {
    const { screen, out } = aScreen();
    await keysView(screen, true).show(stream(...records));
    return JSON.parse(out());
  }

  test('as JSON have the fields of the contract', async () => {
    const { keys } = await json(
      aRecord('payments-1'),
      aRecord('payments-2', { exportable: false, reason: 'not extractable', kcv: null }),
    );
    expect(keys[0]).toEqual({
      handle: '7',
      id: '0a',
      label: 'payments-1',
      class: 'secret',
      type: 'aes',
      bits: 256,
      kcv: 'a1b2c3',
      attributes: { extractable: true, 'wrap-with-trusted': false },
      exportable: true,
      reason: null,
    });
    expect(keys[1]).toMatchObject({ kcv: null, exportable: false, reason: 'not extractable' });
  });

  test('an EC key names its curve, and no other key has one', async () => {
    const { keys } = await json(aRecord('ec', { type: 'ec', bits: 256, curve: 'secp256k1' }), aRecord('aes'));
    expect(keys[0]).toMatchObject({ type: 'ec', bits: 256, curve: 'secp256k1' });
    expect(keys[1]).not.toHaveProperty('curve');
  });

  test('a label that is not UTF-8 has its hex beside it', async () => {
    expect((await json(aRecord('ff00', { labelIsHex: true }))).keys[0]).toMatchObject({
      label: 'ff00',
      labelHex: 'ff00',
    });
  });

  test('no key is an empty list, and a sentence for people', async () => {
    expect(await json()).toEqual({ keys: [] });
    const { screen, out } = aScreen();
    await keysView(screen, false).show(stream());
    expect(out()).toBe('No keys.\n');
  });
});

describe('the end of a run', () => {
  const counts = { total: 10, pending: 0, migrated: 7, skipped: 1, failed: 2, needsAttention: 0 };
  const result: RunResult = {
    run: 'r-1',
    state: 'done',
    counts,
    seconds: 12.3456,
    leftovers: [],
    error: null,
    exitCode: 1,
  };
  async function finished(overrides: Partial<RunResult>, isJson: boolean): Promise<{ out: string; err: string }> {
    const { screen, out, err } = aScreen();
    await runView(screen, { show() {}, say() {}, stop() {} }, isJson).finished({ ...result, ...overrides });
    return { out: out(), err: err() };
  }

  test('as JSON is the one line of the contract', async () => {
    expect(await finished({}, true)).toEqual({
      out: '{"run":"r-1","state":"done","summary":{"total":10,"migrated":7,"skipped":1,"failed":2,"pending":0,"needsAttention":0},"seconds":12.346,"leftovers":[]}\n',
      err: '',
    });
  });

  test('an error stands on stderr as JSON, beside the summary', async () => {
    const { out, err } = await finished({ state: 'paused', error: new KeyferryError('device-lost', 'gone') }, true);
    expect(JSON.parse(err).error.code).toBe('device-lost');
    expect(JSON.parse(out).state).toBe('paused');
  });

  test.each([
    ['done with failures', {}, ['keyferry status r-1 --items', 'keyferry retry r-1']],
    ['paused', { state: 'paused', counts: { ...counts, failed: 0, pending: 2 } }, ['keyferry resume r-1']],
    ['all well', { counts: { ...counts, failed: 0 } }, ['keyferry verify r-1', 'keyferry report r-1 --format csv']],
    [
      'cancelled before the first key',
      { state: 'cancelled', counts: { ...counts, migrated: 0, failed: 0, pending: 9 } },
      ['keyferry report r-1 --format csv'],
    ],
    [
      'cancelled',
      { state: 'cancelled', counts: { ...counts, failed: 0, pending: 2 } },
      ['keyferry verify r-1', 'keyferry report r-1 --format csv'],
    ],
  ] as const)('%s: says what to do next', async (_name, overrides, commands) => {
    const { out } = await finished(overrides, false);
    expect([...out.matchAll(/Next: (.*)/g)].map((match) => match[1])).toEqual(
      commands.map((command) => `${command} -d lab.yaml`),
    );
  });

  test('of steps alone counts no keys, and proposes no comparison of none', async () => {
    const none = { total: 0, pending: 0, migrated: 0, skipped: 0, failed: 0, needsAttention: 0 };
    expect(await finished({ counts: none, exitCode: 0 }, false)).toEqual({
      out: 'Done in 12 s: no keys to move  run r-1\n',
      err: '',
    });
    const { out } = await finished({ counts: none, state: 'waiting', exitCode: 4 }, false);
    expect(out).toContain('Waiting for approval after 12 s: no keys to move');
    expect(out).toContain('Next: keyferry resume r-1');
  });

  test('after Ctrl-C is no error to people, and one to programs', async () => {
    const stopped = { state: 'paused', error: new KeyferryError('interrupted', 'run r-1 was interrupted') } as const;
    const { out, err } = await finished(stopped, false);
    expect([err, out]).toEqual(['', expect.stringContaining('Next: keyferry resume r-1')]);
    expect(JSON.parse((await finished(stopped, true)).err).error.code).toBe('interrupted');
    expect((await finished({ ...stopped, error: new KeyferryError('device-lost', 'gone') }, false)).err).toContain(
      'gone',
    );
  });

  test('what was left behind is named', async () => {
    const leftovers = [{ device: 'cluster', object: 'private key "wrap"', reason: 'refused' }];
    expect((await finished({ leftovers }, false)).out).toContain(
      'Left behind on cluster: private key "wrap" (refused)',
    );
  });
});

describe('a second comparison', () => {
  const same: VerifiedItem = {
    key: 'a',
    label: 'x',
    verification: { method: 'mac', strength: 'strong', result: 'same' },
    error: null,
  };
  const gone: VerifiedItem = {
    key: 'b',
    label: 'y',
    verification: null,
    error: new KeyferryError('key-not-found', 'no such key'),
  };

  test.each([true, false])('counts a key that is gone as different (JSON: %s)', async (isJson) => {
    const { screen, out } = aScreen();
    expect(await verifyView(screen, isJson).show('r-1', stream(same, gone))).toEqual({
      same: 1,
      different: 1,
      notCompared: 0,
    });
    expect(out()).toContain('no such key');
  });

  test.each([true, false])('never says the same of a key that was not compared (JSON: %s)', async (isJson) => {
    const unseen: VerifiedItem = {
      ...same,
      key: 'c',
      verification: { method: 'none', strength: 'none', result: 'not-compared' },
    };
    const { screen, out } = aScreen();
    expect(await verifyView(screen, isJson).show('r-1', stream(same, unseen))).toEqual({
      same: 1,
      different: 0,
      notCompared: 1,
    });
    if (!isJson) expect(out()).toContain('1 key cannot be compared from outside the device');
    const alone = aScreen();
    await verifyView(alone.screen, false).show('r-1', stream(unseen));
    expect(alone.out()).not.toContain('all the same');
    const empty = aScreen();
    await verifyView(empty.screen, false).show('r-1', stream());
    expect(empty.out()).toContain('The run has no arrived keys to compare.');
    expect(empty.out()).not.toContain('all the same');
  });
});
