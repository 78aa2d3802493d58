/** Approvals as people give them: the real command line, openssl, files that travel between them. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { people } from '../support/approval-people.ts';
import { approvalsAdded } from '../support/approval-runs.ts';
import { type CliResult, lastJson, runCli, startCli } from '../support/built-cli.ts';
import { keyName, type SimulatedMigration, simulatedMigration } from '../support/simulated-migration.ts';

// A command takes a second where two cores are shared with other tests.
vi.setConfig({ testTimeout: 180_000 });

const { person, remove } = people();
afterAll(remove);
const PEOPLE = [person('alice'), person('bob', 'p-256'), person('carol')];

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Desk {
  readonly migration: SimulatedMigration;
  readonly dir: string;
  keyferry(...args: string[]): Promise<CliResult>;
  /** The only run, or the latest. */
  run(): string;
  /** approval-request, then openssl over the person's file; gives the signature's file. */
  sign(name: string, step: string): Promise<string>;
}

async function aDesk(edit: (playbook: string) => string = approvalsAdded): Promise<Desk> {
  const migration = await simulatedMigration({ count: 4, edit });
  const { dir } = migration;
  folders.push(dir);
  for (const { name, pem } of PEOPLE) writeFileSync(join(dir, `${name}.pem`), pem);
  const approvers = PEOPLE.map(({ name }) => `  ${name}: { public-key: ${name}.pem }\n`).join('');
  writeFileSync(
    join(dir, 'devices.yaml'),
    `${readFileSync(join(dir, 'devices.yaml'), 'utf8')}approvers:\n${approvers}`,
  );
  const keyferry = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: dir });
  const run = (): string => readdirSync(join(dir, '.keyferry/runs')).sort().at(-1) ?? '';
  return {
    migration,
    dir,
    keyferry,
    run,
    sign: async (name, step) => {
      const asked = await keyferry('approval-request', run(), '--as', name, '--out', 'to-sign', '--json');
      expect(asked.code, asked.stderr).toBe(0);
      const { requests } = JSON.parse(asked.stdout) as { requests: { step: string; file: string }[] };
      const file = requests.find((request) => request.step === step)?.file;
      if (file === undefined) throw new Error(`${name} was not asked for ${step}: ${asked.stdout}`);
      const signature = `${name}-${step}.sig`;
      writeFileSync(join(dir, signature), person(name).sign(readFileSync(join(dir, file), 'ascii')));
      return signature;
    },
  };
}

/** As another terminal sees it. */
async function untilWaiting(desk: Desk): Promise<void> {
  for (;;) {
    const status = await desk.keyferry('status', '--json');
    if (status.code === 0 && lastJson(status).state === 'waiting') return;
  }
}

const approve = (desk: Desk, name: string, signature: string): Promise<CliResult> =>
  desk.keyferry('approve', desk.run(), '--as', name, '--signature', signature, '--json');
const errorOf = (result: CliResult): Record<string, unknown> =>
  (JSON.parse(result.stderr.trimEnd().split('\n').at(-1) ?? '') as { error: Record<string, unknown> }).error;

async function refused(result: Promise<CliResult> | CliResult, why: string | RegExp): Promise<void> {
  const ended = await result;
  expect(ended.code, ended.stderr).toBe(2);
  expect(ended.stdout).toBe('');
  const error = errorOf(ended);
  expect(error).toMatchObject({ code: 'approval-refused', outcome: 'not-applied' });
  expect(String(error.message)).toMatch(why);
}

async function expectMoved({ migration }: Desk, count = 4): Promise<void> {
  const source = (await migration.keys('classic')).filter((key) => key.class === 'secret');
  expect((await migration.keys('cluster')).map(keyName).sort()).toEqual(source.map(keyName).sort());
  expect(source).toHaveLength(count);
}

describe('a migration that two of three must approve, twice', () => {
  test('waits with exit 4, and goes on at resume', async () => {
    const desk = await aDesk();
    const plan = await desk.keyferry('plan', 'playbook.yaml');
    expect(plan.stdout).toMatch(/classic\.import-public-key .*\(waits for 2 approvals\)/);
    const first = await desk.keyferry('run', 'playbook.yaml', '--yes', '--json');
    expect(first.code, first.stderr).toBe(4);
    expect(lastJson(first)).toMatchObject({ state: 'waiting', summary: { pending: 4, migrated: 0 } });
    expect(errorOf(first)).toMatchObject({ code: 'approval-waiting', outcome: 'not-applied' });

    const status = await desk.keyferry('status', '--json');
    expect(lastJson(status)).toMatchObject({
      state: 'waiting',
      owned: false,
      approvals: [
        {
          step: 'wrapper',
          do: 'classic.import-public-key',
          state: 'waiting',
          quorum: 2,
          approved: [],
          mayStillSign: ['alice', 'bob', 'carol'],
        },
      ],
    });
    const shown = await desk.keyferry('status');
    expect(shown.stdout).toMatch(
      /Waits for approval of step wrapper \(classic\.import-public-key\) until .*: 0 of 2 \(nobody yet\)/,
    );
    expect(shown.stdout).toContain(`keyferry approval-request ${desk.run()}`);

    const asked = await desk.keyferry('approval-request', desk.run(), '--out', 'to-sign');
    expect(asked.code).toBe(0);
    const files = readdirSync(join(desk.dir, 'to-sign')).sort();
    expect(files).toEqual(['alice', 'bob', 'carol'].map((name) => `approval-${desk.run()}-wrapper-${name}.txt`));
    expect(readFileSync(join(desk.dir, 'to-sign', files[0] ?? ''), 'ascii')).toMatch(
      /^keyferry-approval-v1\nrun: \S+\nstep: wrapper\nplan: [0-9a-f]{64}\napprover: alice\nnonce: [0-9a-f]{32}\nexpires: \S+Z\n$/,
    );

    const taken = await approve(desk, 'alice', await desk.sign('alice', 'wrapper'));
    expect(taken.code, taken.stderr).toBe(0);
    expect(lastJson(taken)).toMatchObject({
      step: 'wrapper',
      approver: 'alice',
      approved: ['alice'],
      quorum: 2,
      state: 'waiting',
    });
    expect((await desk.keyferry('resume', '--json')).code).toBe(4);
    expect(lastJson(await approve(desk, 'bob', await desk.sign('bob', 'wrapper')))).toMatchObject({
      state: 'approved',
    });

    const second = await desk.keyferry('resume', '--json');
    expect(second.code, second.stderr).toBe(4);
    expect(lastJson(second)).toMatchObject({ state: 'waiting', summary: { migrated: 0, pending: 4 } });
    for (const name of ['carol', 'bob'])
      expect((await approve(desk, name, await desk.sign(name, 'arrived'))).code).toBe(0);
    const last = await desk.keyferry('resume', '--json');
    expect(last.code, last.stderr).toBe(0);
    expect(lastJson(last)).toMatchObject({ state: 'done', summary: { migrated: 4, pending: 0 }, leftovers: [] });
    await expectMoved(desk);
    const over = lastJson(await desk.keyferry('status', '--json')).approvals as { state: string; approved: string[] }[];
    expect(over.map(({ state, approved }) => [state, approved])).toEqual([
      ['granted', ['alice', 'bob']],
      ['granted', ['carol', 'bob']],
    ]);
    const late = await desk.keyferry('approval-request', desk.run(), '--json');
    expect(late.code).toBe(2);
    expect(errorOf(late)).toMatchObject({ code: 'run-finished' });
  });

  test('goes on by itself where it waits for a second process to approve', async () => {
    const desk = await aDesk();
    const { result } = startCli(['run', 'playbook.yaml', '--yes', '--json', '--wait'], { cwd: desk.dir });
    const waitsFor = async (step: string): Promise<void> => {
      for (;;) {
        const status = await desk.keyferry('status', '--json');
        if (status.code === 0) {
          const { state, owned, approvals } = lastJson(status) as {
            state: string;
            owned: boolean;
            approvals: { step: string; state: string }[];
          };
          if (state === 'waiting' && approvals.some((each) => each.step === step && each.state === 'waiting')) {
            expect(owned).toBe(true);
            return;
          }
        }
      }
    };
    await waitsFor('wrapper');
    const held = await desk.keyferry('resume', desk.run(), '--json');
    expect(held.code).toBe(6);
    const alice = await desk.sign('alice', 'wrapper');
    expect(lastJson(await approve(desk, 'alice', alice))).toMatchObject({ approved: ['alice'], state: 'waiting' });
    await refused(approve(desk, 'alice', alice), 'alice has approved step wrapper already');
    await refused(approve(desk, 'bob', alice), /signature of alice, not of bob/);
    expect((await approve(desk, 'bob', await desk.sign('bob', 'wrapper'))).code).toBe(0);
    await waitsFor('arrived');
    for (const name of ['bob', 'carol']) {
      const taken = await approve(desk, name, await desk.sign(name, 'arrived'));
      expect(taken.code, taken.stderr).toBe(0);
    }
    const ended = await result;
    expect(ended.code, ended.stderr).toBe(0);
    expect(lastJson(ended)).toMatchObject({ state: 'done', summary: { migrated: 4 } });
    await expectMoved(desk);
  });

  test('killed while it waits, it knows who has signed', async () => {
    const desk = await aDesk();
    const { child, result } = startCli(['run', 'playbook.yaml', '--yes', '--json', '--wait'], { cwd: desk.dir });
    await untilWaiting(desk);
    expect((await approve(desk, 'alice', await desk.sign('alice', 'wrapper'))).code).toBe(0);
    child.kill('SIGKILL');
    await result;
    await refused(approve(desk, 'alice', 'alice-wrapper.sig'), 'already');
    expect(lastJson(await approve(desk, 'carol', await desk.sign('carol', 'wrapper')))).toMatchObject({
      approved: ['alice', 'carol'],
      state: 'approved',
    });
    const resumed = await desk.keyferry('resume', '--json');
    expect(resumed.code, resumed.stderr).toBe(4);
    expect(errorOf(resumed).message).toContain('step arrived waits');
  });

  test('interrupted while it waits, it ends at once with 130', async () => {
    const desk = await aDesk();
    const { child, result } = startCli(['run', 'playbook.yaml', '--yes', '--json', '--wait'], { cwd: desk.dir });
    await untilWaiting(desk);
    child.kill('SIGINT');
    expect((await result).code).toBe(130);
    expect(lastJson(await desk.keyferry('status', '--json'))).toMatchObject({ state: 'paused', owned: false });
    expect((await desk.keyferry('resume', '--json')).code).toBe(4);
    const cancelled = await desk.keyferry('cancel', desk.run(), '--yes', '--json');
    expect(lastJson(cancelled)).toMatchObject({ state: 'cancelled', leftovers: [] });
  });

  test('cancelled from another process while it waits, it cleans up', async () => {
    const desk = await aDesk();
    const { result } = startCli(['run', 'playbook.yaml', '--yes', '--json', '--wait'], { cwd: desk.dir });
    await untilWaiting(desk);
    expect((await desk.keyferry('cancel', desk.run(), '--yes', '--json')).code).toBe(0);
    expect(lastJson(await result)).toMatchObject({ state: 'cancelled', leftovers: [] });
    expect(await desk.migration.keys('cluster')).toEqual([]);
  });
});

describe('a signature that is refused', () => {
  test('each with its reason, and nothing is recorded', async () => {
    const desk = await aDesk();
    expect((await desk.keyferry('run', 'playbook.yaml', '--yes', '--json')).code).toBe(4);
    const otherRun = desk.run();
    const replayed = await desk.sign('alice', 'wrapper');
    cpSync(join(desk.dir, replayed), join(desk.dir, 'other-run.sig'));
    expect((await desk.keyferry('cancel', otherRun, '--yes', '--json')).code).toBe(0);
    const over = await desk.keyferry('approve', otherRun, '--as', 'alice', '--signature', replayed, '--json');
    expect(errorOf(over)).toMatchObject({ code: 'run-finished' });

    // Names are by the second.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await desk.keyferry('run', 'playbook.yaml', '--yes', '--json')).code).toBe(4);
    expect(desk.run()).not.toBe(otherRun);
    await refused(
      approve(desk, 'alice', 'other-run.sig'),
      `approves step wrapper of run ${otherRun}, not of run ${desk.run()}`,
    );

    const good = await desk.sign('alice', 'wrapper');
    const bytes = readFileSync(join(desk.dir, good));
    writeFileSync(
      join(desk.dir, 'altered.sig'),
      bytes.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
    );
    await refused(approve(desk, 'alice', 'altered.sig'), 'was altered, or it belongs to another run or key');
    await refused(approve(desk, 'carol', good), /signature of alice, not of carol/);
    await refused(approve(desk, 'alcie', good), 'the devices file has no such approver');
    writeFileSync(join(desk.dir, 'empty.sig'), '');
    await refused(approve(desk, 'alice', 'empty.sig'), 'empty or too long');
    const missing = await approve(desk, 'alice', 'none.sig');
    expect(missing.code).toBe(2);
    expect(errorOf(missing)).toMatchObject({ code: 'file-unreadable' });

    // Somebody puts their own key in an approver's place.
    const mallory = person('mallory');
    writeFileSync(join(desk.dir, 'alice.pem'), mallory.pem);
    writeFileSync(
      join(desk.dir, 'mallory.sig'),
      mallory.sign(readFileSync(join(desk.dir, 'to-sign', `approval-${desk.run()}-wrapper-alice.txt`), 'ascii')),
    );
    await refused(approve(desk, 'alice', 'mallory.sig'), 'the plan pins another public key for alice');
    writeFileSync(join(desk.dir, 'alice.pem'), person('alice').pem);

    expect(lastJson(await desk.keyferry('status', '--json')).approvals).toMatchObject([{ approved: [] }]);
    expect(lastJson(await approve(desk, 'alice', good))).toMatchObject({ approved: ['alice'] });
    await refused(approve(desk, 'alice', good), 'already');
    // As text that survived a mail.
    const bob = await desk.sign('bob', 'wrapper');
    writeFileSync(join(desk.dir, 'bob.b64'), `${readFileSync(join(desk.dir, bob)).toString('base64')}\n`);
    expect(lastJson(await approve(desk, 'bob', 'bob.b64'))).toMatchObject({
      approved: ['alice', 'bob'],
      state: 'approved',
    });
    await refused(approve(desk, 'carol', bob), /signature of bob, not of carol/);
    await refused(await desk.keyferry('approval-request', desk.run(), '--json'), 'waits for no approval now');
  });

  test('because it came too late; the request is made anew, and the old signature stays refused', async () => {
    const desk = await aDesk((text) =>
      approvalsAdded(text).replace('approval: { quorum: 2 }', 'approval: { quorum: 1, valid-for: 3s }'),
    );
    expect((await desk.keyferry('run', 'playbook.yaml', '--yes', '--json')).code).toBe(4);
    const late = await desk.sign('alice', 'wrapper');
    const statement = readFileSync(join(desk.dir, 'to-sign', `approval-${desk.run()}-wrapper-alice.txt`), 'ascii');
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, Date.parse(/expires: (\S+)/.exec(statement)?.[1] ?? '') - Date.now()) + 100),
    );
    await refused(approve(desk, 'alice', late), 'the request for step wrapper expired at');
    expect(lastJson(await desk.keyferry('status', '--json'))).toMatchObject({ approvals: [{ state: 'expired' }] });
    expect((await desk.keyferry('approval-request', desk.run(), '--out', 'again', '--json')).code).toBe(0);
    expect(readFileSync(join(desk.dir, 'again', `approval-${desk.run()}-wrapper-alice.txt`), 'ascii')).not.toBe(
      statement,
    );
    await refused(approve(desk, 'alice', late), /signs a request for step wrapper that expired at .* and was replaced/);
  });

  test('as the command line is wrong', async () => {
    const desk = await aDesk();
    expect((await desk.keyferry('run', 'playbook.yaml', '--yes', '--json')).code).toBe(4);
    const without = await desk.keyferry('approve', desk.run(), '--as', 'alice', '--json');
    expect([without.code, errorOf(without).code]).toEqual([2, 'usage']);
    const unknown = await desk.keyferry('approval-request', '20200101-000000-000000', '--json');
    expect([unknown.code, errorOf(unknown).code]).toEqual([2, 'run-unknown']);
    await refused(
      await desk.keyferry('approval-request', desk.run(), '--as', 'alcie', '--json'),
      'knows no approver alcie',
    );
    writeFileSync(join(desk.dir, `approval-${desk.run()}-wrapper-alice.txt`), 'mine');
    const kept = await desk.keyferry('approval-request', desk.run(), '--as', 'alice', '--json');
    expect([kept.code, errorOf(kept).code]).toEqual([2, 'file-unreadable']);
    expect(readFileSync(join(desk.dir, `approval-${desk.run()}-wrapper-alice.txt`), 'utf8')).toBe('mine');
  });
});

describe('a plan', () => {
  test('with fewer approvers than a step needs is blocked', async () => {
    const desk = await aDesk((text) => approvalsAdded(text).replace('quorum: 2', 'quorum: 4'));
    const blocked = await desk.keyferry('run', 'playbook.yaml', '--yes', '--json');
    expect(blocked.code).toBe(3);
    expect(errorOf(blocked)).toMatchObject({ code: 'plan-blocked' });
  });
});
