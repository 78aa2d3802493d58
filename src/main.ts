#!/usr/bin/env node
/**
 * The composition root: the only reader of argv, environment and standard streams, and the only place that ends the process. Every
 * error becomes an exit code here (architecture §7): a KeyferryError its own, 130 for a signal, 70 for a bug, whose stack is shown.
 */
import { runCommandLine } from './cli/command-line.ts';
import { createInterrupts, Interrupted } from './cli/interrupts.ts';
import { createOutput, OutputClosed } from './cli/io.ts';
import type { Shell } from './cli/shell.ts';
import { KeyferryError } from './errors/keyferry-error.ts';

const BUG = 70;
const INTERRUPTED = 130;

const args = process.argv.slice(2);
const { env } = process;
// The AWS SDK warns on standard error that its later versions want a later Node.js; keyferry pins the version.
env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const stderr = createOutput(process.stderr, { env, whenClosed: 'ignore' });
const shell: Shell = {
  io: {
    // A getter: opening stdin costs time, and most commands never read it.
    get stdin() {
      return process.stdin;
    },
    stdout: createOutput(process.stdout, { env, whenClosed: 'reject' }),
    stderr,
    env,
  },
  interrupts: createInterrupts(() => process.exit(INTERRUPTED)),
  exitCode: 0,
};

function exitCodeOf(error: unknown): number {
  if (error instanceof OutputClosed) return shell.exitCode;
  if (error instanceof Interrupted) return INTERRUPTED;
  if (error instanceof KeyferryError) return error.code === 'interrupted' ? INTERRUPTED : error.exitCode;
  return BUG;
}

async function fail(error: unknown): Promise<number> {
  if (!(error instanceof OutputClosed || error instanceof Interrupted)) {
    const { failureJson, failureText } = await import('./cli/views/failure-view.ts');
    const isJson = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).includes('--json');
    await stderr.write(`${isJson ? failureJson(error) : failureText(error, stderr.styles)}\n`);
  }
  return exitCodeOf(error);
}

async function end(exitCode: number): Promise<never> {
  await Promise.all([shell.io.stdout.flush(), stderr.flush()]);
  process.exit(exitCode);
}

process.on('SIGINT', () => shell.interrupts.signal());
process.on('SIGTERM', () => shell.interrupts.signal());
process.on('uncaughtException', (error) => void fail(error).then(end));
process.on('unhandledRejection', (error) => void fail(error).then(end));

try {
  if (process.platform === 'win32') {
    throw new KeyferryError(
      'platform-unsupported',
      'keyferry does not run on Windows: file modes and signals have no equal there.',
    );
  }
  // A worker thread that is still starting does not keep the process alive, but a command that waits for it must not end unanswered.
  const whileItRuns = setInterval(() => undefined, 60_000);
  await Promise.race([runCommandLine(args, shell), shell.interrupts.interrupted]);
  clearInterval(whileItRuns);
  await end(shell.exitCode);
} catch (error) {
  await end(await fail(error));
}
