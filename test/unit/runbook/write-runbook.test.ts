/** A plan as what people type: order, parts, blanks, and what a tool cannot do. */
import { describe, expect, test } from 'vitest';
import type { Runbook } from '../../../src/runbook/runbook.ts';
import { partScript } from '../../../src/runbook/script.ts';
import { runbookText } from '../../../src/runbook/text.ts';
import { writeRunbook } from '../../../src/runbook/write-runbook.ts';
import { ADAPTERS } from '../../support/adapters.ts';
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
    const [first, second] = [...new Set(ofKeys.map((heading) => heading.split(' ')[0]))];
    expect(Number(second)).toBe(Number(first) + 1);
    expect(ofKeys.map((heading) => heading.replace(/ \(.*/, ''))).toEqual([
      `${first} Key "payments-1"`,
      `${first} Key "payments-2"`,
      `${second} Key "payments-1"`,
      `${second} Key "payments-2"`,
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
  });

  test('rights and sharing name the key by a filter and the user by name, so nobody fills in a handle', async () => {
    const runbook = await written({ playbook: 'split-wrap-roles', records: [] });
    expect(commandOf(runbook, 'key share')).toBe(
      'key share --filter attr.class=secret-key attr.label=split-wrap-only ' +
        'attr.id=0x6b662d64316365353730302d636f70795f6f6e65 --username crypto_user5 --role crypto-user',
    );
    const rights = commandsOf(runbook).filter((command) => command.startsWith('key set-attribute'));
    expect(rights.some((command) => /split-wrap-only.*--name unwrap --value false$/.test(command))).toBe(true);
    const blanks = scriptsOf(runbook).match(/^<[^<>]+> :=/gm) ?? [];
    expect(new Set(blanks)).toEqual(new Set(['<crypto user> :=', '<password> :=']));
  });

  test('refusals are tried, and whoever sees none stops', async () => {
    const runbook = await written({ playbook: 'split-wrap-roles', records: [] });
    const text = textOf(runbook);
    expect(text.match(/Check: the HSM refuses it; where it does not, stop/g)).toHaveLength(2);
    expect(text).not.toContain('keyferry has no lines for');
  });

  test('a quorum: the token, the signing on the hosts of the officers, then the user, each a part of its own', async () => {
    const inputs = { username: 'alice' };
    const runbook = await written({ playbook: 'quorum-create-user', records: [], inputs });
    expect(runbook.parts.map(({ tool, device }) => tool?.name ?? device)).toEqual([
      'cloudhsm-cli',
      null,
      'cloudhsm-cli',
      'cloudhsm-cli',
    ]);
    expect(commandsOf(runbook)).toEqual([
      'quorum token-sign generate --service user --token quorum/user.token',
      'user create --username alice --role crypto-user --approval quorum/user.token',
      'user list',
      'quorum token-sign list-quorum-values',
      'key list --verbose --max-items 100000',
    ]);
    const text = textOf(runbook);
    expect(text).toContain('Of officer1, officer2 as many as the quorum wants sign quorum/user.token');
    expect(text).toContain('  <new password of alice>');
    expect(scriptsOf(runbook)).toContain('login --username <officer> --role admin\n<password of the officer>');
  });

  test('a key may leave again where the playbook lets it', async () => {
    const records = [aRecord('payments-1')];
    const runbook = await written({ playbook: 'cluster-to-cluster', records, inputs: { extractable: true } });
    expect(commandsOf(runbook).find((command) => /^unWrapKey.*key0/.test(command))).toMatch(/-m 6$/);
  });

  test('what the tool cannot do stands there in words', async () => {
    const text = textOf(await written({ playbook: 'classic-to-cloudhsm', records: [aRecord('payments-1')] }));
    expect(text).toContain('The id (hex 0badc0de) is not text, so this tool cannot give it');
  });

  test('what the tool cannot set, cloudhsm-cli narrows before the key is used', async () => {
    const runbook = await written({ playbook: 'classic-to-cloudhsm', records: [aRecord('payments-1')] });
    const commands = commandsOf(runbook);
    const filter = 'attr.class=private-key attr.label=classic_wrap attr.id=0x6b662d64316365353730302d70616972';
    const narrowed = commands.indexOf(`key set-attribute --filter ${filter} --name decrypt --value false`);
    expect(narrowed).toBeGreaterThan(commands.findIndex((command) => command.startsWith('genRSAKeyPair')));
    expect(narrowed).toBeLessThan(commands.findIndex((command) => command.startsWith('unWrapKey')));
  });

  test('a Classic partition has the PKCS#11 calls, and lines of its client where there are any', async () => {
    const runbook = await written({ playbook: 'classic-to-cloudhsm', records: [aRecord('payments-1')] });
    const ofClassic = runbook.parts.filter(({ device }) => device?.role === 'classic');
    expect(new Set(ofClassic.map(({ tool }) => tool?.name ?? null))).toEqual(new Set([null, 'luna_client']));
    expect(commandOf(runbook, 'cmu import')).toMatch(
      /^cmu import -inputFile=\S+\.pem -label=classic_wrap -slot=<slot>$/,
    );
    expect(commandOf(runbook, 'keyferry set-wrap')).toContain('<handle of "classic_wrap" public key (wrapper)>');
    expect(scriptsOf(runbook)).toContain(
      '<handle of "payments-1" secret key (key0)> = cmu list -label=payments-1 -slot=<slot>\n<password of the partition>\n',
    );
    const text = textOf(runbook);
    expect(text).toContain(
      'C_WrapKey, mechanism CKM_RSA_PKCS_OAEP, hashAlg CKM_SHA_1, mgf CKG_MGF1_SHA1, no source data',
    );
    expect(text).toContain('CKA_EXTRACTABLE must be true');
  });

  test('key bytes in clear are shouted about, wherever a line makes or takes them', async () => {
    const runbook = await written({ playbook: 'cluster-to-cluster-plaintext', records: [aRecord('payments-1')] });
    for (const { blocks } of runbook.parts) {
      for (const { lines } of blocks.flatMap(({ entries }) => entries)) {
        const isClear = lines.some((line) => line.kind === 'command' && /^(?:exSymKey|imSymKey) /.test(line.text));
        const isShouted = lines.some((line) => line.text.startsWith('THIS SHOWS KEY BYTES IN CLEAR'));
        expect(isShouted).toBe(isClear);
      }
    }
    expect(textOf(runbook)).toContain('THIS SHOWS KEY BYTES IN CLEAR');
  });

  test('a key from a file in clear arrives as one that cannot leave, unless the playbook lets it', async () => {
    const of = { playbook: 'import-plaintext-key', records: [], files: ['keys/one.key', 'keys/no way.key'] };
    const commands = commandsOf(await written({ ...of, inputs: { files: 'keys/*' } }));
    expect(commands.filter((command) => command.includes('-f keys/'))).toEqual([
      expect.stringMatching(/^imSymKey -f keys\/one\.key -w <[^<>]+> -t 31 -l \S+-clear -sess$/),
    ]);
    const arrival = commands.find((command) => command.startsWith('unWrapKey'));
    expect(arrival).toMatch(/-l one\.key -id \S+ -kc 4 -kt 31 -nex$/);
    const leaving = await written({ ...of, inputs: { files: 'keys/*', extractable: true } });
    expect(commandsOf(leaving).find((command) => command.startsWith('imSymKey'))).toMatch(/-t 31 -l one\.key -id \S+$/);
    expect(commandsOf(leaving).join('\n')).not.toContain('unWrapKey');
    const text = textOf(leaving);
    expect(text).toContain('Shred keys/one.key on every host');
    expect(text).toContain('The name of the file keys/no way.key cannot be typed in this tool');
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
