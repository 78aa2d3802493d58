/** Devices that cannot be used: modules that do not load, hang or crash, tokens that are not there, PINs that are wrong. Exit code 7. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { badModule } from '../support/bad-modules/compile.ts';
import { lastJson, runCli } from '../support/built-cli.ts';
import { errorOf, expectRefused } from '../support/canary-refusals.ts';
import { type SimulatedMigration, simulatedMigration } from '../support/simulated-migration.ts';
import { makeSoftHsmToken } from '../support/softhsm.ts';
import { type SoftHsmMigration, softHsmMigration } from '../support/softhsm-migration.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

describe('a module', () => {
  let bench: SimulatedMigration;
  beforeAll(async () => {
    bench = await simulatedMigration({ count: 3 });
    writeFileSync(join(bench.dir, 'pin'), '1234\n', { mode: 0o600 });
    writeFileSync(join(bench.dir, 'not-a-library.so'), 'this is text\n');
  });
  afterAll(() => rmSync(bench.dir, { recursive: true, force: true }));

  /** The target behind a module; the source stays simulated, so that its keys can be looked at. */
  function target(module: string, behaviour = ''): void {
    const parameters = behaviour === '' ? '' : `, library-parameters: "${behaviour}"`;
    const cluster = `{ adapter: cloudhsm, driver: pkcs11, module: ${module}, token: bad, pin: { file: pin }, call-timeout: 3s${parameters} }`;
    const text = `devices:\n  classic: { adapter: luna-classic, driver: simulated, state: state/classic }\n  cluster: ${cluster}\n`;
    writeFileSync(join(bench.dir, 'devices.yaml'), text, { mode: 0o600 });
  }
  const RUN = ['run', 'playbook.yaml', '--yes', '--retry-pin'];

  test.each<[string, () => string, RegExp]>([
    [
      'that is not there',
      () => '/nowhere/libpkcs11.so',
      /Device cluster: .*\/nowhere\/libpkcs11\.so cannot be used: .*No such file/,
    ],
    ['that is no library', () => 'not-a-library.so', /Device cluster: .*not-a-library\.so cannot be used/],
    [
      'that is no PKCS#11 module',
      () => badModule('no-function-list'),
      /Device cluster: .*no-function-list\.so cannot be used/,
    ],
  ])('%s', async (_name, module, says) => {
    target(module());
    await expectRefused(bench, RUN, {
      exit: 7,
      code: 'module-not-loaded',
      says,
      device: 'cluster',
      hint: /Check the path/,
    });
  });

  test.each(['C_Initialize', 'C_GetSlotList', 'C_Login'])('that crashes in %s', async (call) => {
    target(badModule('bad-module'), `crash:${call}`);
    const says = /Device cluster: the process of module \S*bad-module\.so crashed \(SIGSEGV\).*crashing in/;
    await expectRefused(bench, RUN, { exit: 7, code: 'device-lost', says, device: 'cluster' });
  });

  test.each(['C_Initialize', 'C_GetTokenInfo', 'C_Login'])('that hangs in %s', async (call) => {
    target(badModule('bad-module'), `hang:${call}`);
    const says =
      /Device cluster: the process of module \S*bad-module\.so gave no answer to "opening" for 3 s and was ended/;
    await expectRefused(bench, RUN, { exit: 7, code: 'module-hung', says, device: 'cluster' });
  });

  test('that cannot be initialised, and one that crashes while it is read', async () => {
    target(badModule('bad-module'), 'fail:C_Initialize');
    const says = /Device cluster: .*C_Initialize with library parameters said CKR_FUNCTION_FAILED/;
    await expectRefused(bench, RUN, {
      exit: 7,
      code: 'module-not-loaded',
      says,
      device: 'cluster',
      hint: /daemon|group/,
    });
    target(badModule('bad-module'), 'crash:C_FindObjectsInit');
    const lost = await runCli(['keys', 'cluster', '--json', '--retry-pin'], { cwd: bench.dir });
    expect([lost.code, errorOf(lost)]).toMatchObject([
      7,
      { code: 'device-lost', device: 'cluster', outcome: 'not-applied' },
    ]);
  });

  test('of one device is told in "devices" beside those that work', async () => {
    target('/nowhere/libpkcs11.so');
    const human = await runCli(['devices'], { cwd: bench.dir });
    expect(human.code).toBe(7);
    expect(human.stdout).toMatch(/cluster {2}cloudhsm by pkcs11 {2}cannot be used\n.*\/nowhere\/libpkcs11\.so/);
    expect(human.stdout).toMatch(/classic {2}luna-classic by simulated {2}SIMULATED/);
    const json = await runCli(['devices', '--json'], { cwd: bench.dir });
    expect(lastJson(json)).toMatchObject({
      devices: [
        { name: 'classic', reachable: true, trust: 'simulated', error: null },
        { name: 'cluster', reachable: false, trust: null, error: { code: 'module-not-loaded' } },
      ],
    });
  });
});

describe('a SoftHSM token', () => {
  let hsm: SoftHsmMigration;
  const bench = () => ({
    dir: hsm.dir,
    env: hsm.env,
    look: () => {
      const { source, target } = hsm.reopen();
      return [source.see(), target.see()];
    },
  });
  beforeAll(() => {
    hsm = softHsmMigration();
    for (const label of ['payments-1', 'payments-2']) hsm.source.make({ type: 'aes', label });
    hsm.target.make({ type: 'aes', label: 'foreign' });
  });
  afterAll(() => rmSync(hsm.dir, { recursive: true, force: true }));

  const devices = (name: string, change: (text: string) => string): string[] => {
    writeFileSync(join(hsm.dir, name), change(readFileSync(join(hsm.dir, 'devices.yaml'), 'utf8')), { mode: 0o600 });
    return ['run', 'playbook.yaml', '--yes', '-d', name];
  };

  test('that is not there: the message lists what there is', async () => {
    const args = devices('label.yaml', (text) => text.replace('token: old-hsm', 'token: old-hms'));
    const says =
      /classic: no token is labelled "old-hms"\. The module has .*"(old|new)-hsm" \(slot \d+, serial [0-9a-f]+\)/;
    await expectRefused(bench(), args, { exit: 7, code: 'token-not-found', says, device: 'classic' });
  });

  test('whose label another bears too', async () => {
    const folder = join(hsm.dir, 'twins');
    mkdirSync(folder);
    const { conf } = makeSoftHsmToken({ dir: folder, label: 'old-hsm', pin: '12345678' });
    makeSoftHsmToken({ dir: folder, label: 'old-hsm', pin: '12345678' });
    const says = /classic: 2 tokens are labelled "old-hsm": .*serial.*serial/;
    const twins = { ...bench(), env: { ...hsm.env, SOFTHSM2_CONF: conf } };
    const args = devices('twins.yaml', (text) => text);
    await expectRefused(twins, args, { exit: 7, code: 'token-ambiguous', says, device: 'classic' });
  });

  test('is not wanted where two names stand for one token', async () => {
    const args = devices('same.yaml', (text) =>
      text.replace('token: new-hsm, pin: { env: TARGET_PIN }', 'token: old-hsm, pin: { env: SOURCE_PIN }'),
    );
    const result = await runCli([...args, '--json'], { cwd: hsm.dir, env: hsm.env });
    // Every key is there already: nothing to move, and nothing made twice.
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(lastJson(result)).toMatchObject({ summary: { migrated: 0, failed: 0, skipped: 2 } });
  });

  test('with a wrong PIN: one try, remembered, and refused while the counter is up', async () => {
    const wrong = { ...bench(), env: { ...hsm.env, SOURCE_PIN: 'wrong-pin-1' } };
    const run = ['run', 'playbook.yaml', '--yes', '--home', 'wrong-home'];
    const first = await runCli([...run, '--json'], { cwd: hsm.dir, env: wrong.env });
    expect([first.code, errorOf(first)]).toMatchObject([
      7,
      {
        code: 'login-refused',
        device: 'classic',
        outcome: 'not-applied',
        hint: expect.stringMatching(/Correct the secret/),
      },
    ]);
    const says = /Device classic: token "old-hsm" \(serial [0-9a-f]+\) refused this PIN on 20\d\d-.*not tried again/;
    await expectRefused(wrong, run, {
      exit: 7,
      code: 'login-remembered',
      says,
      device: 'classic',
      hint: /--retry-pin/,
    });
    const other = { ...bench(), env: { ...hsm.env, SOURCE_PIN: 'wrong-pin-2' } };
    const counted = /Device classic: .*has counted a wrong PIN since the last good login, so no PIN was tried/;
    // No look at the tokens before and after: the witness logs in, which resets the counter.
    await expectRefused({ ...other, look: () => 0 }, run, {
      exit: 7,
      code: 'login-risky',
      says: counted,
      device: 'classic',
    });
    const { stdout } = await runCli(['runs', '--json', '--home', 'wrong-home'], { cwd: hsm.dir });
    expect(stdout).toBe('{"runs":[]}\n');
  });
});

describe('a simulated device', () => {
  let bench: SimulatedMigration;
  beforeAll(async () => {
    bench = await simulatedMigration({ count: 3 });
  });
  afterAll(() => rmSync(bench.dir, { recursive: true, force: true }));

  test('that goes away while the plan is made', async () => {
    bench.devices({ classic: 'faults: [{ call: C_FindObjects, kind: gone }]' });
    await expectRefused(bench, ['run', 'playbook.yaml', '--yes'], {
      exit: 7,
      code: 'device-lost',
      says: /classic/,
      device: 'classic',
    });
  });

  test('that is busy when it is opened', async () => {
    bench.devices({ cluster: 'faults: [{ call: C_OpenSession, kind: busy }]' });
    const refusal = {
      exit: 7,
      code: 'device-busy',
      says: /cluster: could not open the token.*CKR_FUNCTION_FAILED/,
      device: 'cluster',
    };
    await expectRefused(bench, ['run', 'playbook.yaml', '--yes'], refusal);
  });

  test('that takes another PIN, and whose slot is empty', async () => {
    writeFileSync(join(bench.dir, 'wrong'), 'wrong-pin\n', { mode: 0o600 });
    bench.devices({ cluster: 'pin: { file: wrong }' });
    const refused = await runCli(['run', 'playbook.yaml', '--yes', '--json'], { cwd: bench.dir });
    expect([refused.code, errorOf(refused)]).toMatchObject([7, { code: 'login-refused', device: 'cluster' }]);
    const refusal = { exit: 7, code: 'login-remembered', says: /Device cluster: .*not tried again/, device: 'cluster' };
    await expectRefused(bench, ['run', 'playbook.yaml', '--yes'], refusal);
    bench.devices({ classic: 'slot: 9' });
    await expectRefused(bench, ['keys', 'classic'], {
      exit: 7,
      code: 'token-not-found',
      says: /classic: no token is in slot 9/,
      device: 'classic',
    });
  });

  test('whose state is damaged', async () => {
    const folder = join(bench.dir, 'broken/classic');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'serial'), 'no serial\n');
    const text = readFileSync(join(bench.dir, 'devices.yaml'), 'utf8').replace('state/classic', 'broken/classic');
    writeFileSync(join(bench.dir, 'broken.yaml'), text.replace(', slot: 9', ''), { mode: 0o600 });
    const refusal = {
      exit: 8,
      code: 'simulator-state',
      says: /classic: \S*broken\/classic\/serial/,
      device: 'classic',
    };
    await expectRefused(bench, ['keys', 'classic', '-d', 'broken.yaml'], refusal);
  });
});
