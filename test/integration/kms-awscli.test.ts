/**
 * A whole session of imported key material as an administrator types it: Debian's aws program and openssl against
 * `keyferry simulator serve kms`, every request signed and the signature checked.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/built-cli.ts';
import { type AwsResult, aws, type ServedKms, serveBuiltKms } from '../support/kms-service-served.ts';

let dir: string;
let served: ServedKms;
let url: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'keyferry-awscli-'));
  served = await serveBuiltKms(['--signatures', 'full', '--state', 'state'], { cwd: dir });
  url = served.facts.url ?? '';
});
afterAll(async () => {
  await served.stop('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

const run = (...args: readonly string[]): Promise<AwsResult> => aws(args, { url, home: dir });

/** The answer; fails the test with what aws said when it is an error. */
async function answer(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run(...args);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout.trim() === '' ? {} : JSON.parse(stdout);
}

const write = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(dir, name), bytes);
  return `fileb://${name}`;
};

const stateOf = async (key: string): Promise<unknown> =>
  ((await answer('describe-key', '--key-id', key)).KeyMetadata as { KeyState: string }).KeyState;

async function createKey(...args: readonly string[]): Promise<string> {
  const { KeyMetadata } = await answer('create-key', '--origin', 'EXTERNAL', ...args);
  return (KeyMetadata as { KeyId: string }).KeyId;
}

/** Fetches parameters and wraps with openssl; gives the arguments of import-key-material. */
async function wrapped(key: string, material: Uint8Array): Promise<readonly string[]> {
  const parameters = await answer(
    ...['get-parameters-for-import', '--key-id', key],
    ...['--wrapping-algorithm', 'RSAES_OAEP_SHA_256', '--wrapping-key-spec', 'RSA_2048'],
  );
  write('wrapping.der', Buffer.from(String(parameters.PublicKey), 'base64'));
  write('material.bin', material);
  const options = ['rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha256'];
  execFileSync(
    'openssl',
    [
      ...['pkeyutl', '-encrypt', '-pubin', '-keyform', 'DER', '-inkey', 'wrapping.der'],
      ...['-in', 'material.bin', '-out', 'wrapped.bin', ...options.flatMap((option) => ['-pkeyopt', option])],
    ],
    { cwd: dir },
  );
  const token = write('token.bin', Buffer.from(String(parameters.ImportToken), 'base64'));
  return ['--key-id', key, '--encrypted-key-material', 'fileb://wrapped.bin', '--import-token', token];
}

const NEVER = ['--expiration-model', 'KEY_MATERIAL_DOES_NOT_EXPIRE'];

describe('the aws program against the served simulator', () => {
  it('says where it is, in one line of JSON', () => {
    expect(served.facts).toMatchObject({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      region: 'eu-west-1',
      account: '123456789012',
      signatures: 'full',
    });
  });

  it('creates, imports, uses, deletes and imports again', async () => {
    const material = randomBytes(32);
    const key = await createKey('--tags', 'TagKey=keyferry:run,TagValue=r1', '--description', 'payments é');
    expect(await stateOf(key)).toBe('PendingImport');

    await answer('import-key-material', ...(await wrapped(key, material)), ...NEVER);
    expect(await stateOf(key)).toBe('Enabled');
    await answer('create-alias', '--alias-name', 'alias/payments', '--target-key-id', key);

    const context = ['--encryption-context', 'purpose=test'];
    const plaintext = write('plain.bin', Buffer.from('forty-two'));
    const sealed = await answer('encrypt', '--key-id', 'alias/payments', '--plaintext', plaintext, ...context);
    const blob = write('sealed.bin', Buffer.from(String(sealed.CiphertextBlob), 'base64'));
    const opened = await answer('decrypt', '--ciphertext-blob', blob, ...context);
    expect(Buffer.from(String(opened.Plaintext), 'base64').toString()).toBe('forty-two');

    await answer('delete-imported-key-material', '--key-id', key);
    expect(await stateOf(key)).toBe('PendingImport');
    const without = await run('decrypt', '--ciphertext-blob', blob, ...context);
    expect([without.code, without.stderr]).toEqual([254, expect.stringContaining('KMSInvalidStateException')]);

    const other = await run('import-key-material', ...(await wrapped(key, randomBytes(32))), ...NEVER);
    expect([other.code, other.stderr]).toEqual([254, expect.stringContaining('IncorrectKeyMaterialException')]);
    expect(await stateOf(key)).toBe('PendingImport');

    await answer('import-key-material', ...(await wrapped(key, material)), ...NEVER);
    const again = await answer('decrypt', '--ciphertext-blob', blob, ...context);
    expect(again.Plaintext).toBe(opened.Plaintext);
    const stored = readFileSync(join(dir, 'sealed.bin'));
    expect(stored.includes(material)).toBe(false);
  }, 120_000);

  it('sets an expiry in the form that the program writes it', async () => {
    const key = await createKey();
    const validTo = new Date(Date.now() + 3_600_000).toISOString();
    const expiry = ['--expiration-model', 'KEY_MATERIAL_EXPIRES', '--valid-to', validTo];
    await answer('import-key-material', ...(await wrapped(key, randomBytes(32))), ...expiry);
    const { KeyMetadata } = await answer('describe-key', '--key-id', key);
    const shown = (KeyMetadata as { ValidTo: string }).ValidTo;
    expect(Math.abs(Date.parse(shown) - Date.parse(validTo))).toBeLessThan(1000);
  }, 60_000);

  it('is refused with another secret, and in another Region', async () => {
    const stranger = await aws(['list-keys'], { url, home: dir, env: { AWS_SECRET_ACCESS_KEY: 'guessed' } });
    expect([stranger.code, stranger.stderr]).toEqual([254, expect.stringContaining('InvalidSignatureException')]);
    const unknown = await aws(['list-keys'], { url, home: dir, env: { AWS_ACCESS_KEY_ID: 'AKIAUNKNOWN' } });
    expect([unknown.code, unknown.stderr]).toEqual([254, expect.stringContaining('UnrecognizedClientException')]);
    const elsewhere = await aws(['list-keys'], { url, home: dir, env: { AWS_DEFAULT_REGION: 'us-east-1' } });
    expect([elsewhere.code, elsewhere.stderr]).toEqual([254, expect.stringContaining('InvalidSignatureException')]);
  }, 60_000);

  it('lists what it made, over its own pages', async () => {
    const listed = (await answer('list-keys', '--page-size', '1')).Keys as unknown[];
    expect(listed.length).toBe(2);
    const { Aliases } = await answer('list-aliases', '--query', '{Aliases: Aliases[?TargetKeyId]}');
    expect(Aliases).toMatchObject([{ AliasName: 'alias/payments' }]);
  }, 60_000);
});

describe('the command', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'keeps its keys over %s',
    async (signal) => {
      const state = `kept-${signal}`;
      const first = await serveBuiltKms(['--state', state], { cwd: dir });
      expect(first.facts.signatures).toBe('format');
      const made = await aws(['create-key'], { url: first.facts.url ?? '', home: dir });
      expect((await first.stop(signal)).code).toBe(130);
      const second = await serveBuiltKms(['--state', state, '--region', 'eu-west-1'], { cwd: dir });
      const { KeyId } = JSON.parse(made.stdout).KeyMetadata;
      const shown = await aws(['describe-key', '--key-id', KeyId], { url: second.facts.url ?? '', home: dir });
      await second.stop('SIGKILL');
      expect(JSON.parse(shown.stdout)).toEqual(JSON.parse(made.stdout));
    },
    60_000,
  );

  it.each([
    ['a tool that there is none of', ['simulator', 'serve', 'nothing']],
    ['a Region that is none', ['simulator', 'serve', 'kms', '--region', 'Mars']],
    ['a port that is none', ['simulator', 'serve', 'kms', '--port', '70000']],
    ['a port that is taken', ['simulator', 'serve', 'kms', '--port']],
  ])('refuses %s', async (_what, args) => {
    const port = args.at(-1) === '--port' ? [new URL(url).port] : [];
    const { code, stdout } = await runCli([...args, ...port], { cwd: dir, timeoutMs: 20_000 });
    expect([code, stdout]).toEqual([2, '']);
  });
});
