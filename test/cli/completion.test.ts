import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../support/built-cli.ts';

const cwd = mkdtempSync(join(tmpdir(), 'keyferry-completion-'));
const script = async (shell: string): Promise<string> => (await runCli(['completion', shell], { cwd })).stdout;

describe('bash', () => {
  const file = join(cwd, 'keyferry.bash');
  beforeAll(async () => {
    writeFileSync(file, await script('bash'));
  });

  /** What bash would offer behind these words. */
  function offers(...words: string[]): string[] {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const run = spawnSync('bash', [
      '--noprofile',
      '--norc',
      '-c',
      `source '${file}'; COMP_WORDS=(keyferry ${quoted}); COMP_CWORD=${words.length}; _keyferry; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ]);
    expect(run.stderr.toString()).toBe('');
    return run.stdout
      .toString()
      .split('\n')
      .filter((word) => word !== '');
  }

  test('parses', () => {
    expect(spawnSync('bash', ['-n', file]).stderr.toString()).toBe('');
  });

  test('offers commands', () => {
    expect(offers('re')).toEqual(['resume', 'retry', 'report']);
  });

  test('offers what a command has below it', () => {
    expect(offers('plan', 'sh')).toEqual(['show']);
    expect(offers('--home', 'plan', 'simulator', '')).toEqual(['fill', 'serve']);
  });

  test("offers a command's own options and the common ones", () => {
    expect(offers('run', '--exp')).toEqual(['--expect-digest']);
    expect(offers('run', '--retry')).toEqual(['--retry-pin']);
    expect(offers('status', '--exp')).toEqual([]);
  });

  test('offers the choices of an option and of an argument', () => {
    expect(offers('graph', '--format', '')).toEqual(['mermaid', 'xstate']);
    expect(offers('report', '--format', '')).toEqual(['csv', 'json']);
    expect(offers('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });
});

test('zsh takes the bash functions through bashcompinit', async () => {
  const text = await script('zsh');
  expect(text.startsWith('#compdef keyferry\n')).toBe(true);
  expect(text).toContain('bashcompinit');
});

test('fish has every command and option', async () => {
  const text = await script('fish');
  expect(text).toContain("-f -a 'resume'");
  expect(text).toMatch(/__fish_seen_subcommand_from run' -l expect-digest -r /);
  expect(text).toMatch(/-l format -x -a 'mermaid xstate'/);
});

test('another shell is a usage error', async () => {
  const { code, stdout } = await runCli(['completion', 'tcsh'], { cwd });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});
