/** A plan as what people type: order, parts, blanks, and what a tool cannot do. */
import { describe, expect, test } from 'vitest';
import { ADAPTERS } from '../../../src/adapters/registry.ts';
import type { Runbook } from '../../../src/runbook/runbook.ts';
import { partScript } from '../../../src/runbook/script.ts';
import { runbookText } from '../../../src/runbook/text.ts';
import { writeRunbook } from '../../../src/runbook/write-runbook.ts';
import { aRecord, type PlanOf, runbookPlan } from '../../support/runbook-plan.ts';

async function written(of: PlanOf, adapters: Parameters<typeof writeRunbook>[2] = ADAPTERS): Promise<Runbook> {
  const { plan, playbook } = await runbookPlan(of);
  return await writeRunbook(plan, playbook, adapters);
}

const textOf = (runbook: Runbook): string => [...runbookText(runbook)].join('\n');

function commandsOf(runbook: Runbook): string[] {
  return runbook.parts.flatMap(({ blocks }) =>
    blocks.flatMap(({ entries }) =>
      entries.flatMap(({ lines }) => lines.flatMap((line) => (line.kind === 'command' ? [line.text] : []))),
    ),
  );
}

const commandOf = (runbook: Runbook, beginning: string): string =>
  commandsOf(runbook).find((command) => command.startsWith(beginning)) ?? `no ${beginning}`;

function scriptsOf(runbook: Runbook): string {
  return runbook.parts.flatMap((part) => [...partScript(runbook, part)]).join('\n');
}

describe('order', () => {
  test('one sitting serves every key, step by step, and each key has its block', async () => {
    const records = [aRecord('payments-1'), aRecord('payments-2', { kcv: 'ffffff' })];
    const one = await written({ playbook: 'cluster-to-cluster', records: records.slice(0, 1) });
    const two = await written({ playbook: 'cluster-to-cluster', records });
    expect(two.parts).toHaveLength(one.parts.length);
    const headings = two.parts.flatMap(({ number, blocks }) => blocks.map(({ heading }) => `${number} ${heading}`));
    const ofKeys = headings.filter((heading) => heading.includes('Key "payments'));
    expect(ofKeys.map((heading) => heading.replace(/ \(.*/, ''))).toEqual([
      '10 Key "payments-1"',
      '10 Key "payments-2"',
      '11 Key "payments-1"',
      '11 Key "payments-2"',
    ]);
  });

  test('the throw-away key goes first and is removed on both sides', async () => {
    const commands = commandsOf(await written({ playbook: 'cluster-to-cluster', records: [aRecord('payments-1')] }));
    const at = (part: string) => commands.findIndex((command) => command.includes(part));
    const removals = commands.flatMap((command, index) =>
      command.startsWith('deleteKey') && command.includes('keyferry-canary') ? [index] : [],
    );
    expect(removals).toHaveLength(2);
    expect(Math.max(...removals)).toBeLessThan(at('"payments-1"'));
  });

  test('what the plan leaves is named, and nothing is typed for it', async () => {
    const records = [aRecord('payments-1'), aRecord('stays')];
    const text = textOf(await written({ playbook: 'cluster-to-cluster', records, skipped: ['stays'] }));
    expect(text).toContain('- "stays" (key1): not extractable');
    expect(text.split('stays')).toHaveLength(2);
  });

  test('a plan that nobody could type is refused', async () => {
    const { plan, playbook } = await runbookPlan({ playbook: 'cluster-to-cluster', records: [] });
    const summary = { total: 10_001, move: 10_001, skip: 0, block: 0, duplicate: 0 };
    const huge = { ...plan, head: { ...plan.head, summary } };
    await expect(writeRunbook(huge, playbook, ADAPTERS)).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('the lines', () => {
  test('between two clusters the header carries label, id and rights; from elsewhere they are typed', async () => {
    const records = [aRecord('payments-1', { id: Buffer.from('id-1').toString('hex') })];
    const clusters = await written({ playbook: 'cluster-to-cluster', records });
    const arrival = commandsOf(clusters).filter((command) => /^unWrapKey.*key0/.test(command));
    expect(arrival).toEqual([expect.stringMatching(/-m 6 -nex$/)]);
    const classic = await written({ playbook: 'classic-to-cloudhsm', records });
    const typed = commandsOf(classic).filter((command) => /^unWrapKey.*key0/.test(command));
    expect(typed).toEqual([expect.stringMatching(/-m 8 -t 2 -noheader -l payments-1 -id id-1 -kc 4 -kt 31 -nex$/)]);
  });

  test('copies with names of their own are wrapped without a header', async () => {
    const runbook = await written({ playbook: 'split-wrap-roles', records: [] });
    expect(commandOf(runbook, 'wrapKey')).toMatch(/-noheader$/);
    expect(commandOf(runbook, 'unWrapKey')).toContain('-noheader -l split-wrap-only -id kf-d1ce5700-copy_one');
    const setting = runbook.parts.find(({ tool }) => tool?.name === 'cloudhsm_mgmt_util');
    expect(setting?.blocks.flatMap(({ entries }) => entries.length)).toEqual([4]);
    expect(commandOf(runbook, 'setAttribute')).toMatch(/263 0$/);
  });

  test('a key may leave again where the playbook lets it', async () => {
    const records = [aRecord('payments-1')];
    const runbook = await written({ playbook: 'cluster-to-cluster', records, inputs: { extractable: true } });
    expect(commandsOf(runbook).find((command) => /^unWrapKey.*key0/.test(command))).toMatch(/-m 6$/);
  });

  test('what the tool cannot do stands there in words', async () => {
    const text = textOf(await written({ playbook: 'classic-to-cloudhsm', records: [aRecord('payments-1')] }));
    expect(text).toContain('The id (hex 0badc0de) is not text, so this tool cannot give it');
    expect(text).toContain('`setAttribute <handle of "classic_wrap" private key (pair)> 261 0`');
  });

  test('a device without command lines has the PKCS#11 calls', async () => {
    const runbook = await written({ playbook: 'classic-to-cloudhsm', records: [aRecord('payments-1')] });
    const ofClassic = runbook.parts.filter(({ device }) => device?.role === 'classic');
    expect(ofClassic.map(({ tool }) => tool)).toEqual(ofClassic.map(() => null));
    const text = textOf(runbook);
    expect(text).toContain(
      'C_WrapKey, mechanism CKM_RSA_PKCS_OAEP, hashAlg CKM_SHA_1, mgf CKG_MGF1_SHA1, no source data',
    );
    expect(text).toContain('CKA_EXTRACTABLE must be true');
  });

  test('key bytes in clear are shouted about, and no line makes them', async () => {
    const runbook = await written({ playbook: 'cluster-to-cluster-plaintext', records: [aRecord('payments-1')] });
    expect(textOf(runbook)).toContain('THIS SHOWS KEY BYTES IN CLEAR');
    expect(commandsOf(runbook).join('\n')).not.toMatch(/exSymKey|imSymKey/);
  });

  test('an adapter without a runbook is said to have none', async () => {
    const text = textOf(await written({ playbook: 'cluster-to-cluster', records: [aRecord('payments-1')] }, {}));
    expect(text).toContain('keyferry knows no tool for this device');
    expect(text).not.toContain('genRSAKeyPair');
  });
});

describe('what a label may hold', () => {
  test.each([
    ['a line break', 'payments-1\ndeleteKey -k 7'],
    ['a quotation mark', 'payments-1" -nex "'],
    ['a blank of its own', 'payments-<password>'],
  ])('%s never becomes part of a command', async (_what, label) => {
    const runbook = await written({ playbook: 'cluster-to-cluster', records: [aRecord(label)] });
    const lines = scriptsOf(runbook).split('\n');
    expect(lines.filter((line) => /^deleteKey -k 7/.test(line))).toEqual([]);
    const lookups = lines.filter((line) => line.includes('= findKey') && line.includes('-kcv a1b2c3'));
    expect(lookups.length).toBeGreaterThan(0);
    for (const lookup of lookups) expect(lookup).toMatch(/^<[^<>]+> = findKey -c 4 -t 31 -kcv a1b2c3$/);
  });

  test('where it cannot be typed the operator gives another one', async () => {
    const runbook = await written({ playbook: 'classic-to-cloudhsm', records: [aRecord('payments-"1"')] });
    expect(commandsOf(runbook).find((command) => /^unWrapKey.*key0/.test(command))).toContain('-l <another label>');
    expect(scriptsOf(runbook)).toContain('<another label> :=');
  });

  test('a key that nothing tells apart is looked for by people', async () => {
    const runbook = await written({ playbook: 'cluster-to-cluster', records: [aRecord('a\nb', { kcv: null })] });
    expect(scriptsOf(runbook)).toContain('<handle of the secret key (key0)> :=');
  });
});
