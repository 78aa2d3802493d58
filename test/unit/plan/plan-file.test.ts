import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ItemsHash, itemLine } from '../../../src/plan/digest.ts';
import type { PlanHead, PlanItem, PlanSource } from '../../../src/plan/model.ts';
import { readPlanFile, writePlanFile } from '../../../src/plan/plan-file.ts';
import { aFolder, itemsOf, type MadePlan, planned } from '../../support/plan-making.ts';

const keys = [
  { label: 'a', id: '01' },
  { label: 'b', id: '02' },
  { label: 'ü', id: '03' },
];
type EditableHead = Record<'document' | 'inputs' | 'approvers' | 'summary', object> & {
  readonly devices: object[];
  readonly finally: unknown;
};

let folder: string;
let path: string;
let made: MadePlan;

beforeEach(async () => {
  folder = aFolder();
  path = join(folder, 'friday.plan');
  made = await planned({ source: { keys } });
});

const lines = () => readFileSync(path, 'utf8').split('\n').slice(0, -1);
const rewrite = (changed: readonly string[]) => writeFileSync(path, `${changed.join('\n')}\n`);
async function editHead(change: (head: EditableHead) => void): Promise<void> {
  await writePlanFile(path, made.plan);
  const [first = '', ...rest] = lines();
  const head = JSON.parse(first);
  change(head);
  rewrite([JSON.stringify(head), ...rest]);
}

describe('a plan file', () => {
  test('gives back the plan', async () => {
    await writePlanFile(path, made.plan);
    const read = await readPlanFile(path);
    expect(read.head).toEqual(made.plan.head);
    expect(await itemsOf(read)).toEqual(made.items);
    expect(await itemsOf(read)).toEqual(made.items);
    await read.dispose();
    expect(existsSync(path)).toBe(true);
  });

  test('is private, whole, and the only file in its folder', async () => {
    await writePlanFile(path, made.plan);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['friday.plan']);
    expect(lines()).toHaveLength(4);
  });

  test('starts with a head that says what it is', async () => {
    await writePlanFile(path, made.plan);
    expect(readFileSync(path, 'utf8').slice(0, 400)).toMatch(/^\{"format":1,.*"digest":"[0-9a-f]{64}"/);
  });

  test('without items', async () => {
    const empty = await planned();
    await writePlanFile(path, empty.plan);
    expect(await itemsOf(await readPlanFile(path))).toEqual([]);
  });

  test('can be written from a plan file', async () => {
    await writePlanFile(path, made.plan);
    const copy = join(folder, 'copy.plan');
    await writePlanFile(copy, await readPlanFile(path));
    expect(readFileSync(copy, 'utf8')).toBe(readFileSync(path, 'utf8'));
  });
});

describe('writing over an existing file', () => {
  test('the same plan stays', async () => {
    await writePlanFile(path, made.plan);
    const before = readFileSync(path, 'utf8');
    const again = await planned({ source: { keys }, now: () => new Date(0) });
    await writePlanFile(path, again.plan);
    expect(again.plan.head.createdAt).not.toBe(made.plan.head.createdAt);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  test('another plan is refused, and replaced with force', async () => {
    await writePlanFile(path, made.plan);
    const before = readFileSync(path, 'utf8');
    const other = await planned({ source: { keys: keys.slice(1) } });
    await expect(writePlanFile(path, other.plan)).rejects.toMatchObject({ code: 'file-unreadable' });
    expect(readFileSync(path, 'utf8')).toBe(before);
    await writePlanFile(path, other.plan, { force: true });
    expect((await readPlanFile(path)).head.digest).toBe(other.plan.head.digest);
  });

  test('a file that is no plan is refused', async () => {
    writeFileSync(path, 'letter to my aunt');
    await expect(writePlanFile(path, made.plan)).rejects.toMatchObject({ code: 'file-unreadable' });
    expect(readFileSync(path, 'utf8')).toBe('letter to my aunt');
  });

  test('items that are not those of the head leave nothing behind', async () => {
    const source: PlanSource = {
      ...made.plan,
      async *items() {
        yield* made.items.slice(1);
      },
    };
    await expect(writePlanFile(path, source)).rejects.toMatchObject({ code: 'plan-altered' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a folder that is not there', async () => {
    await expect(writePlanFile(join(folder, 'no', 'x.plan'), made.plan)).rejects.toMatchObject({
      code: 'file-unreadable',
    });
  });
});

describe('an altered plan is refused and the alteration named', () => {
  const refused = async (message: RegExp, code = 'plan-altered') => {
    await expect(readPlanFile(path)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    const shown = await readPlanFile(path, { verify: false });
    expect(shown.head.playbook).toBe('test-route');
  };

  const heads: [string, RegExp, (head: EditableHead) => void][] = [
    ['playbook', /head differs: name/, (head) => Object.assign(head, { playbook: 'test-routf' })],
    ['title', /head differs: title/, (head) => Object.assign(head, { title: 'harmless' })],
    ['digest', /head differs/, (head) => Object.assign(head, { digest: 'f'.repeat(64) })],
    ['document', /head differs/, (head) => Object.assign(head.document, { salt: '00' })],
    [
      'pinned playbook',
      /head differs/,
      (head) => Object.assign(head.document, { playbook: { keyferry: 1, playbook: 'evil' } }),
    ],
    ['inputs', /head differs: inputs/, (head) => Object.assign(head.inputs, { bits: 512 })],
    ['devices', /head differs: devices/, (head) => Object.assign(head.devices[0] ?? {}, { trust: 'hardware' })],
    ['approvers', /head differs: approvers/, (head) => Object.assign(head.approvers, { mallory: '66' })],
    ['summary', /head differs: summary/, (head) => Object.assign(head.summary, { move: 2, skip: 1 })],
    ['prepare', /head differs: steps/, (head) => Object.assign(head, { prepare: [] })],
    ['after-each', /head differs: steps/, (head) => Object.assign(head, { afterEach: head.finally })],
    ['exposesPlaintext', /head differs: exposesPlaintext/, (head) => Object.assign(head, { exposesPlaintext: true })],
    ['salt', /head differs: salt/, (head) => Object.assign(head, { salt: '00' })],
    ['fingerprinted', /head differs: fingerprinted/, (head) => Object.assign(head, { fingerprinted: false })],
    ['itemsHash', /head differs: itemsHash/, (head) => Object.assign(head, { itemsHash: '00' })],
    ['blocks', /head differs: blocks/, (head) => Object.assign(head, { blocks: ['x'] })],
    ['warnings', /head differs: warnings/, (head) => Object.assign(head, { warnings: [] })],
    ['text that canonical JSON has not', /no plan can hold/, (head) => Object.assign(head, { title: '\ud800' })],
  ];
  test.each(heads)('head: %s', async (_name, message, change) => {
    await editHead(change);
    await expect(readPlanFile(path)).rejects.toMatchObject({
      code: 'plan-altered',
      message: expect.stringMatching(message),
    });
    expect((await readPlanFile(path, { verify: false })).head.format).toBe(1);
  });

  test('an item', async () => {
    await writePlanFile(path, made.plan);
    rewrite(lines().map((line, at) => (at === 2 ? line.replace('"action":"move"', '"action":"skip"') : line)));
    await refused(/item 1 differs \(line 3\)/);
  });

  test('an item whose links were made to fit', async () => {
    await writePlanFile(path, made.plan);
    const [head = '', ...rest] = lines();
    const hash = new ItemsHash();
    const forged = rest.map((line) => {
      const { link: _link, ...item } = JSON.parse(line) as PlanItem & { link: string };
      const text = itemLine({ ...item, notes: ['harmless'] });
      hash.add(text);
      return `${text.slice(0, -1)},"link":"${hash.value.slice(0, 16)}"}`;
    });
    rewrite([head, ...forged]);
    await refused(/not those that the head was made for/);
  });

  test('one missing in the middle', async () => {
    await writePlanFile(path, made.plan);
    rewrite(lines().filter((_line, at) => at !== 2));
    await refused(/item 1 differs/);
  });

  test('the last one missing', async () => {
    await writePlanFile(path, made.plan);
    rewrite(lines().slice(0, -1));
    await refused(/items are missing: the head tells of 3, the file has 2/);
  });

  test('two exchanged', async () => {
    await writePlanFile(path, made.plan);
    const [head = '', a = '', b = '', c = ''] = lines();
    rewrite([head, b, a, c]);
    await refused(/item 0 differs/);
  });

  test('extra lines', async () => {
    await writePlanFile(path, made.plan);
    rewrite([...lines(), lines()[1] ?? '']);
    await refused(/extra lines behind the 3 items/);
  });

  test('a line that is no item', async () => {
    await writePlanFile(path, made.plan);
    rewrite(lines().map((line, at) => (at === 3 ? '{}' : line)));
    await refused(/item 2 is not an item \(line 4\)/);
  });

  test('while it is being read', async () => {
    await writePlanFile(path, made.plan);
    const source = await readPlanFile(path);
    rewrite(lines().map((line, at) => (at === 1 ? line.replace('"move"', '"skip"') : line)));
    await expect(itemsOf(source)).rejects.toMatchObject({ code: 'plan-altered' });
  });
});

describe('what is no plan of this version', () => {
  const format = async (text: string | Buffer, message: RegExp) => {
    writeFileSync(path, text);
    await expect(readPlanFile(path)).rejects.toMatchObject({
      code: 'plan-format',
      message: expect.stringMatching(message),
    });
  };

  test.each<[string, string | Buffer, RegExp]>([
    ['an empty file', '', /empty/],
    ['YAML', 'keyferry: 1\nplaybook: x\n', /not JSON/],
    ['a JSON list', '[]\n', /not the head/],
    ['other JSON', '{"a":1}\n', /names no format/],
    ['a format that never was', '{"format":0}\n', /names no format/],
    ['a head with holes', '{"format":1,"playbook":"x"}\n', /its head has no title/],
    ['binary', Buffer.from([0, 255, 10, 1]), /not JSON/],
  ])('%s', (_name, text, message) => format(text, message));

  test('a newer one', async () => {
    await editHead((head) => Object.assign(head, { format: 2 }));
    await expect(readPlanFile(path)).rejects.toMatchObject({
      code: 'plan-format',
      hint: expect.stringContaining('newer'),
    });
  });

  test('a head without counts', async () => {
    await editHead((head) => Object.assign(head, { summary: {} }));
    await expect(readPlanFile(path)).rejects.toMatchObject({
      code: 'plan-format',
      message: expect.stringContaining('summary.total'),
    });
  });

  test('one that was cut off in the head or in an item', async () => {
    await writePlanFile(path, made.plan);
    const text = readFileSync(path, 'utf8');
    await format(text.slice(0, 100), /cut off/);
    await format(text.slice(0, -30), /cut off in the middle of item 2 \(line 4\)/);
  });

  test('one cut off at any byte is never taken for whole', async () => {
    await writePlanFile(path, made.plan);
    const bytes = readFileSync(path);
    for (let length = 0; length < bytes.length; length += 97) {
      writeFileSync(path, bytes.subarray(0, length));
      await expect(readPlanFile(path)).rejects.toMatchObject({
        code: expect.stringMatching(/^plan-(format|altered)$/),
      });
    }
  });

  test('a file that is not there', async () => {
    await expect(readPlanFile(join(folder, 'no.plan'))).rejects.toMatchObject({ code: 'file-unreadable' });
  });

  test('a folder', async () => {
    await expect(readPlanFile(folder)).rejects.toMatchObject({ code: 'file-unreadable' });
  });
});

test('an old plan is shown without devices, whatever they are now', async () => {
  await writePlanFile(path, made.plan);
  chmodSync(path, 0o400);
  const shown: PlanHead = (await readPlanFile(path, { verify: false })).head;
  expect(shown.digest).toBe(made.plan.head.digest);
  expect(made.source.calls.filter((call) => call.method === 'inventory')).toHaveLength(1);
});
