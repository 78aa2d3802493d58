/**
 * What goes wrong on the way into KMS, by the command line: named before anything is made where it can be known, else cleaned up. What is
 * left in KMS is looked at by a witness.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { KmsFault } from '../../src/adapters/kms/simulator/faults.ts';
import { type CliResult, runCli } from '../support/built-cli.ts';
import { changed, journalOf } from '../support/engine-harness.ts';
import { keysOn } from '../support/engine-site.ts';
import { type DeskOptions, writeKmsDevices, writeKmsPlaybook } from '../support/kms-route-killing.ts';
import { runKmsRoute } from '../support/kms-route-runs.ts';
import { type KmsRoute, type KmsSite, type KmsSiteKeys, newKmsSite, openKmsRoute } from '../support/kms-route-site.ts';
import { expectKmsMigrated, keysInKms, type SeenKmsKey } from '../support/kms-route-witness.ts';
import { aKey, aKmsService } from '../support/kms-service-client.ts';
import { serveBuiltKms } from '../support/kms-service-served.ts';

vi.setConfig({ testTimeout: 60_000 });

const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  AWS_EC2_METADATA_DISABLED: 'true',
};

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Desk {
  readonly site: KmsSite;
  keyferry(...args: string[]): Promise<CliResult>;
  inKms(): Promise<SeenKmsKey[]>;
}

interface DeskSetting extends DeskOptions {
  readonly route?: KmsRoute;
  readonly keys?: KmsSiteKeys;
  readonly edit?: (text: string) => string;
}

async function aDesk({
  route = 'classic-to-kms',
  keys = { aes: 2 },
  edit,
  ...options
}: DeskSetting = {}): Promise<Desk> {
  const site = await newKmsSite(route, keys);
  writeKmsDevices(site, options);
  writeKmsPlaybook(site, edit);
  return {
    site,
    keyferry: (...args) => runCli([...args, '--home', 'home', '--json'], { cwd: site.dir, env: CREDENTIALS }),
    inKms: () => keysInKms(site.state('account')),
  };
}

/** What the plan says of each key; and that a run refuses it and makes nothing. */
async function expectBlocked(desk: Desk, reason: RegExp, ...inputs: string[]): Promise<void> {
  const before = await desk.inKms();
  const plan = await desk.keyferry('plan', 'playbook.yaml', ...inputs);
  expect(plan.stdout).toMatch(reason);
  const run = await desk.keyferry('run', 'playbook.yaml', '--yes', ...inputs);
  expect([run.code, JSON.parse(run.stderr).error.code]).toEqual([3, 'plan-blocked']);
  expect(await desk.inKms()).toEqual(before);
}

const errorOf = ({ stderr }: CliResult): { code: string; message: string; hint: string } => JSON.parse(stderr).error;

const isOnSource = (site: KmsSite): string[] => keysOn(site, site.source).map(({ label }) => label);

describe('known before anything is made', () => {
  it.each(['aes-128', 'aes-192', 'des3'] as const)('a key that KMS has no kind for: %s', async (type) => {
    const desk = await aDesk({ edit: (text) => changed(text, / && key\.type == "aes" && key\.bits == 256/, '') });
    const devices = await openKmsRoute(desk.site);
    await devices.of('classic').device.fill?.({ count: 1, type, prefix: 'payments-odd-', nonextractableShare: 0 });
    await devices.close();
    await expectBlocked(desk, type === 'des3' ? /triple DES has no counterpart/ : new RegExp(`AES-${type.slice(4)}`));
  });

  it('an alias that exists and points elsewhere', async () => {
    const desk = await aDesk();
    const kms = await aKmsService({ stateDir: desk.site.state('account'), clock: Date.now });
    const other = await aKey(kms);
    await kms.call('CreateAlias', { AliasName: 'alias/keyferry/payments-0001', TargetKeyId: other });
    await kms.service.close();
    await expectBlocked(
      desk,
      new RegExp(`alias/keyferry/payments-0001 will not be moved: it points to the key ${other}`),
    );
    expect((await desk.inKms()).map(({ id, aliases }) => [id, aliases])).toEqual([
      [other, ['alias/keyferry/payments-0001']],
    ]);
  });

  it('a key policy that would lock its author out', async () => {
    const policy = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: '*', Action: 'kms:Encrypt', Resource: '*' }],
    };
    const edit = (text: string) =>
      changed(text, /^ {6}administrators: .*\n {6}users: .*$/m, `      policy: ${JSON.stringify(policy)}`);
    await expectBlocked(await aDesk({ edit }), /would lock its author out/);
  });

  it('an administrator of another partition than the Region', async () => {
    const arn = 'arn:aws-cn:iam::123456789012:role/Admin';
    const why = /is of the partition aws-cn, and eu-west-1 is in aws/;
    await expectBlocked(await aDesk(), why, '-i', `administrators=${arn}`);
  });

  it('an administrator that is nobody', async () => {
    await expectBlocked(await aDesk(), /"bob\\" is no ARN of a principal/, '-i', 'administrators=bob');
  });

  it.each(['ListKeys', 'ListResourceTags', 'DescribeKey'])('a caller who may not %s', async (operation) => {
    const faults: readonly KmsFault[] = [{ operation, kind: 'access-denied' }];
    const desk = await aDesk({ faults });
    const run = await desk.keyferry('run', 'playbook.yaml', '--yes');
    expect(run.code).toBe(3);
    const plan = await desk.keyferry('plan', 'playbook.yaml');
    expect(plan.stdout).toMatch(
      new RegExp(`lost reply could be settled on account: the caller lacks kms:${operation}`),
    );
    expect(await desk.inKms()).toEqual([]);
  });
});

describe('known at the first call', () => {
  const endpoint = (url: string, region = 'eu-west-1') => ({ adapter: 'kms', driver: 'aws', region, endpoint: url });

  it('an endpoint of another region', async () => {
    const desk = await aDesk({ account: endpoint('https://kms.us-east-1.amazonaws.com') });
    const plan = await desk.keyferry('plan', 'playbook.yaml');
    expect([plan.code, errorOf(plan).code]).toEqual([2, 'devices-invalid']);
    expect(errorOf(plan).message).toMatch(/endpoint is that of us-east-1, and the region is eu-west-1/);
  });

  it('a service that is of another region', async () => {
    const desk = await aDesk();
    const served = await serveBuiltKms(['--region', 'us-east-1', '--signatures', 'format'], { cwd: desk.site.dir });
    closing.push(() => served.stop('SIGTERM'));
    writeKmsDevices(desk.site, { account: endpoint(served.facts.url ?? '') });
    const plan = await desk.keyferry('plan', 'playbook.yaml');
    expect(plan.code).not.toBe(0);
    expect(errorOf(plan).message).toMatch(/region/);
  });

  it.each([200, 404, 503])('an endpoint that answers a web page with %i', async (status) => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html><h1>Welcome to the intranet</h1></html>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const desk = await aDesk({ account: endpoint(`http://127.0.0.1:${port}`) });
    const plan = await desk.keyferry('plan', 'playbook.yaml');
    expect([plan.code, errorOf(plan).code]).toEqual([7, 'device-unreachable']);
    expect(errorOf(plan).message).toMatch(new RegExp(`at 127\\.0\\.0\\.1:${port}: what answers there is not AWS KMS`));
    expect(plan.stderr).not.toContain('intranet');
  });
});

describe('known in the run only', () => {
  it('a caller who may not create keys: named, and nothing made', async () => {
    const desk = await aDesk({ faults: [{ operation: 'CreateKey', kind: 'access-denied' }] });
    const run = await desk.keyferry('run', 'playbook.yaml', '--yes');
    expect(run.code).not.toBe(0);
    expect(errorOf(run)).toMatchObject({ code: 'permission-missing', hint: expect.stringContaining('kms:CreateKey') });
    expect(await desk.inKms()).toEqual([]);
  });

  it('a caller who may not import: the empty KMS keys are taken back, and the wrapping keys', async () => {
    const desk = await aDesk({ faults: [{ operation: 'ImportKeyMaterial', kind: 'access-denied' }] });
    const run = await desk.keyferry('run', 'playbook.yaml', '--yes');
    expect(run.code).toBe(1);
    expect(run.stdout + run.stderr).toMatch(/kms:ImportKeyMaterial/);
    const left = await desk.inKms();
    expect(left.length).toBeGreaterThan(0);
    expect(left.filter(({ state, aliases }) => state !== 'PendingDeletion' || aliases.length > 0)).toEqual([]);
    expect(isOnSource(desk.site).filter((label) => label === 'kms-import')).toEqual([]);
  });

  it('the token of another key: refused before it is sent, and all is taken back', async () => {
    const edit = (text: string): string => {
      const other =
        'prepare:\n  - id: other\n    do: account.create-key\n    with: { spec: SYMMETRIC_DEFAULT, label: other }\n\n';
      const end = '\nfinally:\n  - do: account.schedule-deletion\n    with: { key: "${{ steps.other.key }}" }\n';
      const mixed = changed(
        text,
        'with: { key: "${{ steps.made.key }}", like: "${{ key }}", mechanism: rsa-oaep-sha1 }',
        'with: { key: "${{ steps.other.key }}", like: "${{ key }}", mechanism: rsa-oaep-sha1 }',
      );
      return changed(
        changed(mixed, /^each:$/m, `${other}each:`),
        /^policy:$/m,
        `${end.replaceAll('$', '$$$$')}\npolicy:`,
      );
    };
    const desk = await aDesk({ edit });
    const run = await desk.keyferry('run', 'playbook.yaml', '--yes');
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/the import parameters are for the key/);
    const left = await desk.inKms();
    expect(left.filter(({ state }) => state === 'Enabled')).toEqual([]);
    expect(isOnSource(desk.site).filter((label) => label === 'kms-import')).toEqual([]);
  });

  it('a day that passes at any request: what has expired is asked for anew', async () => {
    let refused = 0;
    for (let nth = 1; nth <= 24; nth += 1) {
      const site = await newKmsSite('classic-to-kms', { aes: 1 });
      const before = keysOn(site, site.source);
      // KMS looks at its clock once for each request.
      let looks = 0;
      const clock = (): number => Date.now() + (++looks >= nth ? 25 * 3_600_000 : 0);
      const result = await runKmsRoute(site, { account: { service: { clock } } });
      await expectKmsMigrated(site, before, result);
      const { entries } = await journalOf(site, result.run);
      refused += entries.filter(
        ({ entry }) => entry.kind === 'outcome' && entry.error?.code === 'import-parameters-expired',
      ).length;
      site.remove();
    }
    // The import, the random bytes and the proof each have a token.
    expect(refused).toBeGreaterThanOrEqual(2);
  });
});
