/** Services that keep to the documented API of AWS KMS in other ways than ours: optional members, other ids, other orders, other spellings. */
import { tmpdir } from 'node:os';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { startCli } from '../support/built-cli.ts';
import { foreignDesk } from '../support/kms-foreign-desk.ts';
import { newForeignKey } from '../support/kms-foreign-keys.ts';
import { expectMoved, runPlaybook } from '../support/kms-foreign-run.ts';
import type { ForeignWays } from '../support/kms-foreign-ways.ts';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});

const WAYS: readonly (readonly [string, Partial<ForeignWays>])[] = [
  ['names in code, the older name of specs', { errorName: 'code', specNamed: 'CustomerMasterKeySpec' }],
  ['names with an address, descriptions of the least', { errorName: 'addressed', bareDescriptions: true }],
  [
    'names with a namespace in a header, odd pages, aliases that lag',
    { errorName: 'namespaced-header', oddPages: true, pageSize: 3, aliasLag: 4 },
  ],
  ['keys that are being created for a while', { creatingReads: 2, saysExpirationModel: false }],
];

describe('moves every kind of key, proven, and finds each again', () => {
  it.each(WAYS)('%s', async (_name, ways) => {
    const keys = [newForeignKey({ description: 'theirs', state: 'Enabled', origin: 'AWS_KMS' }), newForeignKey({})];
    const desk = await foreignDesk({ ways, keys, source: 'cluster', aes: 1, hmac: 1, pairs: ['rsa', 'P-384'] });
    const labels = ['payments-0001', 'payments-mac-1', 'payments-rsa', 'payments-P-384'];
    expect(await runPlaybook(desk)).toMatchObject({ code: 0, json: { state: 'done', leftovers: [] } });
    expectMoved(desk, labels);
    const items = await desk.items();
    const verification = { strength: 'strong', result: 'same' };
    for (const label of labels) expect(items[label]).toMatchObject({ state: 'migrated', verification });
    expect(await runPlaybook(desk)).toMatchObject({ code: 0, json: { summary: { migrated: 0, skipped: 4 } } });
    expectMoved(desk, labels);
  });
});

it.each([
  ['us-gov-west-1', 'aws-us-gov'],
  ['cn-north-1', 'aws-cn'],
])('moves keys to %s, as multi-Region keys, for people of its partition', async (region, partition) => {
  const desk = await foreignDesk({ ways: { region, partition }, region, source: 'cluster', aes: 1, hmac: 1 });
  const people = `administrators: ["arn:${partition}:iam::210987654321:role/keys"]`;
  const edit = (text: string): string =>
    text.replace('with: { like: "${{ key }}" }', () => `with: { like: "\${{ key }}", multi-region: true, ${people} }`);
  expect(await runPlaybook(desk, edit)).toMatchObject({ code: 0, json: { state: 'done', leftovers: [] } });
  expectMoved(desk, ['payments-0001', 'payments-mac-1']);
  const ours = [...desk.kms.keys.values()].filter(({ description }) => description.startsWith('payments-'));
  for (const { id, policy } of ours) {
    expect(id).toMatch(/^mrk-/);
    expect(policy).toContain(`"arn:${partition}:iam::210987654321:root"`);
  }
});

it('imports with an end that descriptions give without a model', async () => {
  const desk = await foreignDesk({ ways: { saysExpirationModel: false } });
  const edit = (text: string) =>
    text.replace('      parameters: "${{ steps.parameters.parameters }}"\n', (line) => `${line}      expires: 90d\n`);
  expect(await runPlaybook(desk, edit)).toMatchObject({ code: 0 });
  expectMoved(desk, ['payments-0001', 'payments-0002']);
});

it('proves a key in another process than the one that saw other material refused', async () => {
  const desk = await foreignDesk({ ways: { delayMs: 100 }, aes: 1 });
  const { child, result } = startCli(['run', desk.playbook(), '--yes', '--json', ...desk.common], { cwd: tmpdir() });
  // For the import, for the random bytes, and for the second import: between those two the process dies.
  await vi.waitFor(() => expect(desk.kms.asked.get('GetParametersForImport')).toBe(3), {
    timeout: 60_000,
    interval: 5,
  });
  child.kill('SIGKILL');
  expect(await result).toMatchObject({ signal: 'SIGKILL' });
  const imports = desk.kms.asked.get('ImportKeyMaterial') ?? 0;
  expect(await desk.keyferry('resume', '--json')).toMatchObject({ code: 0, json: { state: 'done', leftovers: [] } });
  expect(desk.kms.asked.get('ImportKeyMaterial')).toBe(imports + 1);
  expect((await desk.items())['payments-0001']).toMatchObject({
    state: 'migrated',
    verification: { method: 'same-material re-import', strength: 'strong', result: 'same' },
  });
  expectMoved(desk, ['payments-0001']);
});

describe('stops at the first key, says why, and takes it back', () => {
  it.each<[string, Partial<ForeignWays>, RegExp]>([
    [
      'wrapping keys that are none',
      { brokenPublicKeys: true },
      /could not get import parameters .*: its public key is not RSA_2048/,
    ],
    [
      'aliases of every key where those of one were asked for',
      { listsEveryAlias: true, keepsTags: false },
      /does not show the tags/,
    ],
  ])('%s', async (_name, ways, words) => {
    const desk = await foreignDesk({ ways });
    const ended = await runPlaybook(desk);
    expect(ended).toMatchObject({ code: 1, json: { summary: { migrated: 0, failed: 1 } } });
    expect(ended.stderr).toMatch(words);
    const ours = [...desk.kms.keys.values()].filter(({ manager }) => manager === 'CUSTOMER');
    expect(ours.map(({ state }) => state)).toEqual(['PendingDeletion']);
  });
});
