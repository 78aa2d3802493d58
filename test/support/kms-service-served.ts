/** `keyferry simulator serve kms` as its users start it, and the aws program of Debian against it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { PROGRAMS } from '../../scripts/test-programs.mjs';
import { type CliResult, startCli } from './built-cli.ts';

const AWS_PLACES = PROGRAMS.find(({ debianPackage }) => debianPackage === 'awscli')?.places ?? [];
/** Another one may come first on PATH; these are where packages put it. */
const AWS = AWS_PLACES.find((path) => existsSync(path));

export interface ServedKms {
  /** The line of JSON that the command printed. */
  readonly facts: Readonly<Record<string, string>>;
  readonly pid: number;
  stop(signal: NodeJS.Signals): Promise<CliResult>;
}

/** Longer than any test that needs it. */
const SERVED_MS = 600_000;

export async function serveBuiltKms(args: readonly string[], { cwd }: { readonly cwd: string }): Promise<ServedKms> {
  const { child, result } = startCli(['simulator', 'serve', 'kms', ...args], {
    cwd,
    env: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
    timeoutMs: SERVED_MS,
  });
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (part: string) => {
      text += part;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    void result.then(({ code, stderr }) => reject(new Error(`ended with ${code} before it was ready\n${stderr}`)));
  });
  return {
    facts: JSON.parse(line) as Record<string, string>,
    pid: child.pid ?? 0,
    stop: (signal) => {
      child.kill(signal);
      return result;
    },
  };
}

export interface AwsResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The credentials that AWS documents as an example. */
const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

/** Runs `aws kms …` in `home`, with nothing of this machine's configuration. */
export function aws(
  args: readonly string[],
  {
    url,
    home,
    env = {},
  }: { readonly url: string; readonly home: string; readonly env?: Readonly<Record<string, string>> },
): Promise<AwsResult> {
  if (AWS === undefined) throw new Error(`none of ${AWS_PLACES.join(', ')} is there: install awscli`);
  const environment = {
    ...{ PATH: '/usr/bin:/bin', HOME: home, LC_ALL: 'C.UTF-8', AWS_PAGER: '', AWS_EC2_METADATA_DISABLED: 'true' },
    ...{ AWS_DEFAULT_REGION: 'eu-west-1', AWS_DEFAULT_OUTPUT: 'json', ...CREDENTIALS, ...env },
  };
  return new Promise((resolve) => {
    execFile(AWS, ['--endpoint-url', url, 'kms', ...args], { cwd: home, env: environment }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}
