/**
 * From a secret's reference to the secret: an environment variable, a file, a program's first line of output, or a question to the
 * operator. Nothing of it reaches an error, not even what a failing program printed.
 */
import { execFile } from 'node:child_process';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { Secret } from '../keys/secret.ts';
import { describeSecretReference, type SecretReference } from '../schema/secret-reference.ts';
import { requireTrustworthy } from './file-safety.ts';
import { readSource } from './text.ts';

export interface SecretPorts {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks the operator without echo. */
  prompt(question: string): Promise<Secret>;
}

const COMMAND_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 65_536;

/** Rejects with `secret-unavailable`, `file-unsafe` or `file-unreadable`. */
export async function resolveSecret(reference: SecretReference, ports: SecretPorts): Promise<Secret> {
  if ('prompt' in reference) return ports.prompt(reference.prompt);
  if ('env' in reference) {
    const value = ports.env[reference.env];
    if (value === undefined || value === '')
      throw unavailable(reference, value === undefined ? 'is not set' : 'is empty');
    return new Secret(value);
  }
  if ('file' in reference) {
    requireTrustworthy(reference.file, { isSecret: true });
    return firstLine(Buffer.from(readSource(reference.file)).toString('utf8'), reference);
  }
  return firstLine(await outputOf(reference, ports.env), reference);
}

function firstLine(text: string, reference: SecretReference): Secret {
  const line = text.split('\n', 1)[0]?.replace(/\r$/, '') ?? '';
  if (line === '') throw unavailable(reference, 'gave an empty first line');
  return new Secret(line);
}

function outputOf(reference: { readonly command: readonly string[] }, env: SecretPorts['env']): Promise<string> {
  const [program, ...args] = reference.command;
  if (program === undefined) return Promise.reject(unavailable(reference, 'is empty'));
  const options = {
    env: { ...env },
    timeout: COMMAND_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT_BYTES,
    shell: false,
  } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, options, (error, stdout) => {
      // The error's own message repeats the command line and what the program wrote to stderr; neither is passed on.
      if (error === null) resolve(stdout);
      else reject(unavailable(reference, failure(error)));
    });
    // A program that asks on its standard input would wait for the whole timeout.
    child.stdin?.end();
  });
}

function failure(error: { readonly killed?: boolean; readonly code?: unknown }): string {
  if (error.killed === true) return `did not end within ${COMMAND_TIMEOUT_MS / 1000} seconds, or printed too much`;
  if (error.code === 'ENOENT') return 'was not found';
  return error.code === 'EACCES' ? 'may not be run' : `failed (${String(error.code)})`;
}

function unavailable(reference: SecretReference, what: string): KeyferryError {
  return new KeyferryError(
    'secret-unavailable',
    `A secret could not be had: ${describeSecretReference(reference)} ${what}.`,
  );
}
