/** The real driver of the tool against programs that behave like it, or badly. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ToolFailure, type ToolOptions, ToolRefusal } from '../../../../../src/adapters/cloudhsm/admin/admin-tool.ts';
import { nativeTool } from '../../../../../src/adapters/cloudhsm/admin/native-tool.ts';
import { Secret } from '../../../../../src/keys/secret.ts';

const LOGIN: ToolOptions = { login: { role: 'admin', pin: new Secret('officer1:pass-word-1') } };

/** A program with this body. */
function program(body: string, timeoutMs = 10_000) {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-tool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'cloudhsm-cli');
  const head = `#!${process.execPath}\nconst answer = (error_code, data) => console.log(JSON.stringify({ error_code, data }));\n`;
  writeFileSync(path, `${head}${body}`, { mode: 0o700 });
  return nativeTool({ path, timeoutMs });
}

const failure = async (call: Promise<unknown>): Promise<ToolFailure> => {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ToolFailure) return error;
  throw new Error(`no ToolFailure: ${error}`);
};

describe('cloudhsm-cli as a process', () => {
  it('gets its login by environment and nothing else of ours', async () => {
    process.env.OTHER_DEVICES_PIN = 'secret-of-another';
    onTestFinished(() => {
      delete process.env.OTHER_DEVICES_PIN;
    });
    const tool = program('answer(0, { argv: process.argv.slice(2), env: process.env });');
    const data = (await tool.run(['user', 'list'], LOGIN)) as { argv: string[]; env: Record<string, string> };
    expect(data.argv).toEqual(['user', 'list']);
    expect(data.env).toMatchObject({ CLOUDHSM_ROLE: 'admin', CLOUDHSM_PIN: 'officer1:pass-word-1' });
    expect(JSON.stringify(data.env)).not.toContain('secret-of-another');
    const without = (await tool.run(['user', 'list'], { login: null })) as { env: Record<string, string> };
    expect(without.env).not.toHaveProperty('CLOUDHSM_PIN');
  });

  it('gets a new password at its prompt, twice, and never as an argument', async () => {
    const tool = program(`
      process.stdout.write('Enter password: ');
      let typed = '';
      process.stdin.on('data', (chunk) => { typed += chunk; });
      process.stdin.on('end', () => { process.stdout.write('Confirm password: '); answer(0, { typed, argv: process.argv }); });
    `);
    const options = { ...LOGIN, newPassword: new Secret('new-pass-word') };
    const data = (await tool.run(['user', 'create'], options)) as { typed: string; argv: string[] };
    expect(data.typed).toBe('new-pass-word\nnew-pass-word\n');
    expect(data.argv.join(' ')).not.toContain('new-pass-word');
  });

  it('has no terminal to ask the operator on', async () => {
    const tool = program(`
      try { require('node:fs').openSync('/dev/tty', 'r+'); answer(0, 'asked'); }
      catch (error) { answer(1, 'no terminal: ' + error.code); }
    `);
    await expect(tool.run(['user', 'create'], LOGIN)).rejects.toThrow(/^no terminal: ENXIO$/);
  });

  it('keeps the tool’s own sentence, without secrets', async () => {
    const tool = program("answer(1, 'Quorum approval is required for this operation'); process.exitCode = 1;");
    await expect(tool.run(['user', 'create'], LOGIN)).rejects.toThrow(
      new ToolRefusal('Quorum approval is required for this operation'),
    );
    const telling = program("answer(1, 'no user with ' + process.env.CLOUDHSM_PIN + ' or pass-word-1');");
    await expect(telling.run([], LOGIN)).rejects.toThrow(new ToolRefusal('no user with [redacted] or [redacted]'));
    const onStderr = program("console.error(JSON.stringify({ error_code: 1, data: 'refused' }));");
    await expect(onStderr.run([], LOGIN)).rejects.toThrow(new ToolRefusal('refused'));
  });

  it.each([
    ['prints nothing', ''],
    ['prints words', "console.log('Segmentation fault');"],
    ['prints half an answer', 'process.stdout.write(\'{"error_code": 0, "da\');'],
    ['prints other JSON', "console.log('{}');"],
    ['prints a code that is no number', 'console.log(\'{"error_code": "0", "data": 1}\');'],
    ['is killed', "process.kill(process.pid, 'SIGKILL');"],
  ])('does not know what happened when the tool %s', async (_, body) => {
    const error = await failure(program(body).run(['user', 'create'], LOGIN));
    expect(error.hasStarted).toBe(true);
  });

  it('says no secret that stands in a broken answer', async () => {
    const error = await failure(program('console.log(process.env.CLOUDHSM_PIN);').run([], LOGIN));
    expect(error.message).toContain('[redacted]');
    expect(error.message).not.toContain('pass-word-1');
  });

  it('gives a tool up that does not answer', async () => {
    const error = await failure(program('setInterval(() => undefined, 1000);', 300).run([], LOGIN));
    expect(error).toMatchObject({ hasStarted: true, message: 'no answer within 0.3 s' });
  });

  it('knows that a tool which is not there has done nothing', async () => {
    const tool = nativeTool({ path: '/nonexistent/cloudhsm-cli', timeoutMs: 1000 });
    expect((await failure(tool.run(['user', 'create'], LOGIN))).hasStarted).toBe(false);
  });
});
