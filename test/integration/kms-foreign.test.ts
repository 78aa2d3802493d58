/** The aws driver and the playbooks that end in KMS, against a service that keeps to the documented API and is not our simulator. */
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { foreignDesk } from '../support/kms-foreign-desk.ts';
import { newForeignKey } from '../support/kms-foreign-keys.ts';
import { expectMoved, runPlaybook as run } from '../support/kms-foreign-run.ts';
import type { ForeignWays } from '../support/kms-foreign-ways.ts';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});

const STRONG = { strength: 'strong', result: 'same' };

const COMMON: readonly (readonly [string, Partial<ForeignWays>])[] = [
  ['published statuses, namespaced names', { statuses: 'published', errorName: 'namespaced' }],
  [
    'names in a header only, no text, no predefined aliases',
    { errorName: 'header-only', errorText: 'none', hasPredefinedAliases: false },
  ],
  ['Message, and published statuses', { errorText: 'Message', statuses: 'published', hasPredefinedAliases: false }],
  [
    'no ids of material, the expiration model always, no fractions',
    { hasMaterialIds: false, wantsExpirationModel: true, refusesFractions: true },
  ],
  ['only the newest token, once', { tokens: 'newest-once' }],
  ['tiny pages, tags by others', { pageSize: 1, tagsByOthers: true }],
  [
    'no algorithms in descriptions, unknown members, fractions of seconds',
    { saysAlgorithms: false, unknownMembers: true, fractionsOfSeconds: true },
  ],
  ['reads that lag, slow, each answer on a connection of its own', { lag: 3, delayMs: 3, closesConnections: true }],
];

describe('moves every kind of key, proven, and finds each again', () => {
  it.each(COMMON)('%s', async (_name, ways) => {
    const keys = [newForeignKey({ description: 'theirs', state: 'Enabled', origin: 'AWS_KMS' }), newForeignKey({})];
    const desk = await foreignDesk({ ways, keys, source: 'cluster', aes: 1, hmac: 1, pairs: ['rsa', 'P-384'] });
    const labels = ['payments-0001', 'payments-mac-1', 'payments-rsa', 'payments-P-384'];
    expect(await run(desk)).toMatchObject({ code: 0, json: { state: 'done', leftovers: [] } });
    expectMoved(desk, labels);
    const items = await desk.items();
    for (const label of labels) expect(items[label]).toMatchObject({ state: 'migrated', verification: STRONG });
    expect(items['payments-0001']?.verification?.method).toBe('same-material re-import');
    const again = await run(desk);
    expect(again).toMatchObject({ code: 0, json: { summary: { migrated: 0, skipped: 4 } } });
    expectMoved(desk, labels);
  });
});

it('imports with an end, and proves without moving it', async () => {
  const desk = await foreignDesk({ ways: { refusesFractions: true, fractionsOfSeconds: true, lag: 2 } });
  const edit = (text: string) =>
    text.replace('      parameters: "${{ steps.parameters.parameters }}"\n', (line) => `${line}      expires: 90d\n`);
  expect(await run(desk, edit)).toMatchObject({ code: 0 });
  expectMoved(desk, ['payments-0001', 'payments-0002']);
  for (const { description, validTo } of desk.kms.keys.values()) {
    if (description !== '') expect(Number.isInteger(validTo) && (validTo ?? 0) > Date.now() / 1000).toBe(true);
  }
});

it.each(['CreateKey', 'ImportKeyMaterial', 'CreateAlias', 'GetParametersForImport'])(
  'makes no second key when the answer to %s is lost',
  async (operation) => {
    const desk = await foreignDesk({ ways: { lag: 1, statuses: 'published', errorText: 'none' } });
    desk.kms.loseAnswer(operation, 1);
    desk.kms.loseAnswer(operation, 2);
    expect(await run(desk)).toMatchObject({ code: 0, json: { leftovers: [] } });
    expectMoved(desk, ['payments-0001', 'payments-0002']);
  },
);

describe('a service that takes any material', () => {
  it('is found out by the control; the key is left without the random bytes', async () => {
    const desk = await foreignDesk({ ways: { comparesMaterial: false } });
    const ended = await run(desk);
    expect(ended).toMatchObject({ code: 5, json: { summary: { migrated: 0 } } });
    expect(ended.stderr).toContain('TOOK RANDOM BYTES');
    const { 'payments-0001': item } = await desk.items();
    expect(item).toMatchObject({ state: 'failed', verification: null, error: { code: 'verification-failed' } });
    const [key] = [...desk.kms.keys.values()].filter(({ description }) => description === 'payments-0001');
    expect(key).toMatchObject({ state: 'PendingDeletion', material: null });
    expect([...desk.kms.aliases.keys()]).toEqual(['alias/aws/s3']);
  });

  it('proves nothing without the control', async () => {
    const desk = await foreignDesk({ ways: { comparesMaterial: false } });
    const edit = (text: string) =>
      text
        .replace(/ {2}- id: control\n {4}do: account\.refuse-other-material\n.*\n.*\n/, '')
        .replace(/ {6}control: .*\n/, '');
    expect(await run(desk, edit)).toMatchObject({ code: 0 });
    for (const { verification } of Object.values(await desk.items())) {
      expect(verification).toMatchObject({ strength: 'none', result: 'not-compared' });
    }
  });

  it('is said to be functional when nothing more was asked for', async () => {
    const desk = await foreignDesk({ ways: { comparesMaterial: false } });
    expect(await run(desk, (text) => text.replace('default: re-import', 'default: functional'))).toMatchObject({
      code: 0,
    });
    for (const { verification } of Object.values(await desk.items())) {
      expect(verification).toMatchObject({ method: 'functional', strength: 'none', result: 'not-compared' });
    }
  });
});

describe('a service that lacks something', () => {
  it.each([
    ['ListResourceTags', { unknownOperations: ['ListResourceTags'] }],
    ['ListResourceTags', { unsupportedOperations: ['ListResourceTags'] }],
    ['ListAliases', { unknownOperations: ['ListAliases'] }],
    ['ListAliases', { unsupportedOperations: ['ListAliases'] }],
    ['ListKeys', { unsupportedOperations: ['ListKeys'] }],
  ])('blocks the plan, which names it: %s', async (operation, ways) => {
    const desk = await foreignDesk({ ways });
    const planned = await desk.keyferry('plan', desk.playbook(), '--json');
    expect(planned.code).toBe(3);
    expect(planned.stdout).toContain(`the endpoint does not do ${operation}`);
    expect(desk.kms.asked.get('CreateKey')).toBeUndefined();
  });

  it.each([
    ['GenerateMac', 'payments-mac-1'],
    ['GetPublicKey', 'payments-P-384'],
  ])('blocks the keys that could not be compared: %s', async (operation, label) => {
    const desk = await foreignDesk({
      ways: { unsupportedOperations: [operation] },
      source: 'cluster',
      aes: 1,
      hmac: 1,
      pairs: ['P-384'],
    });
    const planned = await desk.keyferry('plan', desk.playbook(), '--json');
    expect(planned.code).toBe(3);
    const { items } = planned.json as { items: { label: string; action: string }[] };
    expect(items.filter(({ action }) => action === 'block').map((item) => item.label)).toEqual([label]);
  });

  it.each([
    ['tags', { keepsTags: false }, /does not show the tags/],
    ['the origin', { keepsOrigin: false }, /has Origin AWS_KMS, not EXTERNAL/],
    ['the wrapping', { unsupportedAlgorithms: ['RSAES_OAEP_SHA_1'] }, /RSAES_OAEP_SHA_1.*not support/],
    ['import', { unknownOperations: ['GetParametersForImport'] }, /does not know.*GetParametersForImport/],
  ] as const)('stops at the first key, which it takes back: %s', async (_name, ways, words) => {
    const desk = await foreignDesk({ ways });
    const ended = await run(desk);
    expect(ended).toMatchObject({ code: 1, json: { summary: { migrated: 0, failed: 1 } } });
    expect(ended.stderr).toMatch(words);
    const states = [...desk.kms.keys.values()]
      .filter(({ manager }) => manager === 'CUSTOMER')
      .map(({ state }) => state);
    expect(states).toEqual(['PendingDeletion']);
  });

  it('moves keys past those that are closed to the caller, and says that they are', async () => {
    const closed = newForeignKey({ description: 'of another team' });
    const desk = await foreignDesk({ keys: [closed], ways: { deniedKeys: new Set([closed.id]) } });
    const planned = await desk.keyferry('plan', desk.playbook());
    expect(planned.stdout).toMatch(/1 keys? of account/);
    expect(await run(desk)).toMatchObject({ code: 0 });
    expectMoved(desk, ['payments-0001', 'payments-0002']);
    const listed = await desk.keyferry('keys', 'account', '--json');
    expect((listed.json as { keys: unknown[] }).keys).toHaveLength(2);
  });
});

it('reads an account of many keys once for a plan, and no more for a run than each key and each lost answer needs', async () => {
  const [theirs, ours, moving] = [150, 150, 12];
  const old = { created: 1_600_000_000 };
  const keys = [
    ...Array.from({ length: theirs }, () => newForeignKey({ ...old, state: 'Enabled', origin: 'AWS_KMS' })),
    ...Array.from({ length: ours }, () => newForeignKey({ ...old, tags: [{ TagKey: 'team', TagValue: 'x' }] })),
  ];
  const desk = await foreignDesk({ keys, aes: moving, ways: { pageSize: 100 } });
  const asked = (operation: string): number => desk.kms.asked.get(operation) ?? 0;
  expect(await desk.keyferry('plan', desk.playbook(), '--json')).toMatchObject({ code: 0 });
  const pages = 4;
  expect(asked('ListKeys')).toBeLessThanOrEqual(pages + 1);
  expect(asked('DescribeKey')).toBeLessThanOrEqual(theirs + ours + moving + 5);
  expect(asked('ListResourceTags')).toBeLessThanOrEqual(ours + 5);

  desk.kms.asked.clear();
  expect(await run(desk)).toMatchObject({ code: 0, json: { summary: { migrated: moving } } });
  const lists = asked('ListKeys');
  const [described, tags] = [asked('DescribeKey'), asked('ListResourceTags')];
  // The plan's look and the run's.
  expect(lists).toBeLessThanOrEqual(2 * (pages + 1));
  expect(tags).toBeLessThanOrEqual(2 * ours + 10);
  expect(described).toBeLessThanOrEqual(2 * (theirs + ours) + 20 * moving);
});

it('looks for a key whose answer was lost among the new keys only, once the others are known', async () => {
  const known = Array.from({ length: 200 }, () => newForeignKey({ created: 1_600_000_000 }));
  const desk = await foreignDesk({ keys: known, aes: 6 });
  desk.kms.loseAnswer('CreateKey', 3);
  desk.kms.loseAnswer('CreateKey', 5);
  expect(await run(desk)).toMatchObject({ code: 0, json: { summary: { migrated: 6 } } });
  expect(desk.kms.asked.get('ListResourceTags')).toBeLessThanOrEqual(2 * known.length + 30);
});

/** What answers at an endpoint that is no KMS; closed at the end of the test. */
async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const web = (answer: (response: ServerResponse) => void): Server =>
  createServer((_request, response) => answer(response.setHeader('connection', 'close')));

describe('says what is wrong with an endpoint, before anything else', () => {
  const ENDPOINTS: readonly (readonly [string, () => Server, string, string, RegExp])[] = [
    ['a web page', () => web((r) => r.end('<html>Welcome</html>')), 'http', 'device-unreachable', /not AWS KMS/],
    ['any JSON', () => web((r) => r.end('{}')), 'http', 'device-unreachable', /not AWS KMS/],
    [
      'a gateway',
      () => web((r) => r.writeHead(404).end('{"message":"Not Found"}')),
      'http',
      'device-unreachable',
      /not AWS KMS \(HTTP 404\)/,
    ],
    [
      'a redirection',
      () => web((r) => r.writeHead(302, { location: '/login' }).end()),
      'http',
      'device-unreachable',
      /not AWS KMS \(HTTP 302\)/,
    ],
    ['no TLS', () => web((r) => r.end()), 'https', 'device-unreachable', /does not speak TLS/],
    [
      'another protocol',
      () => createTcpServer((s) => s.end('SSH-2.0-OpenSSH_9.2\r\n')),
      'http',
      'device-unreachable',
      /not AWS KMS/,
    ],
    [
      'silence',
      () => createTcpServer((s) => s.on('error', () => undefined)),
      'http',
      'device-busy',
      /ended without an answer/,
    ],
  ];

  it.each(ENDPOINTS)('%s', async (_name, server, scheme, code, words) => {
    const desk = await foreignDesk({ aes: 1 });
    const host = await listening(server());
    desk.devices(`endpoint: "${scheme}://${host}", timeout: 300ms`);
    const said = await desk.keyferry('plan', desk.playbook());
    const { error } = JSON.parse(said.stderr) as { error: { code: string; message: string; hint: string } };
    expect(said.code).toBe(7);
    expect(error).toMatchObject({ code, device: 'account', outcome: 'not-applied' });
    expect(error.message).toMatch(words);
    expect(error.message).toContain(host);
    expect(error.hint).not.toBe('');
  });

  it('no credentials', async () => {
    const desk = await foreignDesk({ aes: 1 });
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere/config');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere/credentials');
    const said = await desk.keyferry('plan', desk.playbook());
    expect(said.code).toBe(7);
    expect(said.stderr).toContain('credentials-refused');
    expect(said.stderr).toContain('the AWS SDK found no credentials');
    expect(desk.kms.asked.size).toBe(0);
  });

  it.each([
    ['by its aliases', true],
    ['by what it says of no key', false],
  ])('another region: %s', async (_name, hasPredefinedAliases) => {
    const desk = await foreignDesk({ aes: 1, ways: { region: 'us-east-1', hasPredefinedAliases } });
    const said = await desk.keyferry('plan', desk.playbook());
    expect(said.code).toBe(2);
    expect(said.stderr).toMatch(/keys of us-east-1 answer, and the region is eu-west-1/);
  });

  it('another account', async () => {
    const desk = await foreignDesk({ aes: 1, account: 'account: "123456789012"' });
    const said = await desk.keyferry('plan', desk.playbook());
    expect(said.code).toBe(2);
    expect(said.stderr).toMatch(/210987654321 answers, and the devices file says 123456789012/);
  });
});
