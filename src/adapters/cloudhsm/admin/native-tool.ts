/**
 * `cloudhsm-cli` as a process, single-command mode: role and PIN in its environment, nothing secret among its arguments, which any user of
 * the computer can read. The process gets no terminal: where the tool wants one for a new password, it fails and nothing is changed.
 */
import { spawn } from 'node:child_process';
import { type AdminTool, ToolFailure, type ToolOptions, ToolRefusal } from './admin-tool.ts';

export interface NativeToolOptions {
  /** Absolute path of the program. */
  readonly path: string;
  readonly timeoutMs: number;
}

/** A listing of 16,666 keys with all attributes is about this long. */
const LONGEST_ANSWER = 64 * 1024 * 1024;
const SHOWN_CHARACTERS = 400;

export function nativeTool(options: NativeToolOptions): AdminTool {
  return {
    run: async (args, call) => {
      const ended = await runProcess(options, args, call);
      return readAnswer(ended, call);
    },
  };
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly how: string;
}

function runProcess(options: NativeToolOptions, args: readonly string[], call: ToolOptions): Promise<Ended> {
  const { promise, resolve, reject } = deferred<Ended>();
  const child = spawn(options.path, [...args], {
    // Nothing else of keyferry's environment: other devices' PINs may be in it.
    env: call.login === null ? {} : { CLOUDHSM_ROLE: call.login.role, CLOUDHSM_PIN: call.login.pin.reveal() },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A session of its own has no terminal, so the tool cannot ask the operator behind keyferry's back.
    detached: true,
  });
  let hasStarted = false;
  let size = 0;
  const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  const giveUp = (why: string): void => {
    child.kill('SIGKILL');
    reject(new ToolFailure(why, hasStarted));
  };
  const timer = setTimeout(() => giveUp(`no answer within ${options.timeoutMs / 1000} s`), options.timeoutMs);
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > LONGEST_ANSWER) giveUp('the answer is longer than any that is known');
      else output[stream].push(chunk);
    });
  }
  child.once('spawn', () => {
    hasStarted = true;
  });
  child.once('error', (error) => {
    clearTimeout(timer);
    reject(new ToolFailure(`it could not be started: ${error.message}`, hasStarted));
  });
  child.once('close', (code, signal) => {
    clearTimeout(timer);
    resolve({
      stdout: Buffer.concat(output.stdout).toString('utf8'),
      stderr: Buffer.concat(output.stderr).toString('utf8'),
      how: signal === null ? `exit code ${code}` : `signal ${signal}`,
    });
  });
  // A tool that ends without asking closes the pipe.
  child.stdin.on('error', () => undefined);
  const password = call.newPassword?.reveal();
  child.stdin.end(password === undefined ? '' : `${password}\n${password}\n`);
  return promise;
}

function readAnswer(ended: Ended, call: ToolOptions): unknown {
  const answer = envelope(ended.stdout) ?? envelope(ended.stderr);
  if (answer === undefined) {
    const words = redacted(ended.stderr.trim() || ended.stdout.trim(), call).slice(0, SHOWN_CHARACTERS);
    throw new ToolFailure(`no JSON in its answer (${ended.how})${words === '' ? '' : `: ${words}`}`, true);
  }
  if (answer.code === 0) return answer.data;
  const sentence = typeof answer.data === 'string' ? answer.data : JSON.stringify(answer.data);
  throw new ToolRefusal(redacted(sentence ?? '', call).slice(0, SHOWN_CHARACTERS));
}

/** Prompts may stand before the answer. */
function envelope(text: string): { readonly code: number; readonly data: unknown } | undefined {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start < 0 || end < start) return undefined;
  try {
    const parsed: unknown = JSON.parse(text.slice(start, end + 1));
    if (typeof parsed !== 'object' || parsed === null || !('error_code' in parsed)) return undefined;
    return typeof parsed.error_code === 'number'
      ? { code: parsed.error_code, data: 'data' in parsed ? parsed.data : null }
      : undefined;
  } catch {
    return undefined;
  }
}

/** What the tool says goes into errors and the journal: no secret may come along. */
function redacted(text: string, { login, newPassword }: ToolOptions): string {
  const pin = login?.pin.reveal();
  const secrets = [pin, pin?.slice(pin.indexOf(':') + 1), newPassword?.reveal()];
  return secrets.reduce<string>(
    (rest, secret) => (secret === undefined || secret === '' ? rest : rest.replaceAll(secret, '[redacted]')),
    text,
  );
}

function deferred<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
