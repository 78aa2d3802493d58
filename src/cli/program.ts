/** The program: every command, one line each, and how help and errors are written. */
import { type Argument, Command, type Option } from 'commander';
import { registerApprovalRequest } from './approval-request.ts';
import { registerApprove } from './approve.ts';
import { registerCancel } from './cancel.ts';
import { registerCompletion } from './completion.ts';
import { registerConsole } from './console.ts';
import { registerDemo } from './demo.ts';
import { registerDevices } from './devices.ts';
import { registerGraph } from './graph.ts';
import { registerInit } from './init.ts';
import { registerKeys } from './keys.ts';
import { packageVersion } from './package-files.ts';
import { registerPlan } from './plan.ts';
import { registerReport } from './report.ts';
import { registerResume } from './resume.ts';
import { registerRetry } from './retry.ts';
import { registerRun } from './run.ts';
import { registerRunbook } from './runbook.ts';
import { registerRuns } from './runs.ts';
import { addCommonOptions, example, type Shell } from './shell.ts';
import { registerSimulator } from './simulator-fill.ts';
import { registerStatus } from './status.ts';
import { registerValidate } from './validate.ts';
import { registerVerify } from './verify.ts';

type Register = (program: Command, shell: Shell) => void;

const GROUPS: readonly (readonly [string, readonly Register[]])[] = [
  ['Start here:', [registerDemo, registerInit]],
  ['Look:', [registerDevices, registerKeys, registerValidate, registerGraph, registerPlan]],
  ['Move keys:', [registerRun, registerResume, registerRetry, registerCancel]],
  ['Approve:', [registerApprovalRequest, registerApprove]],
  ['Afterwards:', [registerStatus, registerRuns, registerVerify, registerReport]],
  ['More:', [registerRunbook, registerConsole, registerSimulator, registerCompletion]],
];

const EXIT_CODES = `
Exit codes: 0 done, 1 keys failed or need attention, 2 usage or playbook errors, 3 the plan blocks, 4 waiting for approval,
  5 verification failed, 6 another process holds the run, 7 a device cannot be used, 8 local state, 130 interrupted, resumable.
`;

/** Choices and defaults where they say something: a flag is off by default, and an empty list is empty. */
function optionDescription(option: Option): string {
  const facts: string[] = [];
  if (option.argChoices !== undefined) facts.push(option.argChoices.join(', '));
  const { defaultValue } = option;
  if (typeof defaultValue === 'string' || typeof defaultValue === 'number') facts.push(`default: ${defaultValue}`);
  return facts.length === 0 ? option.description : `${option.description} (${facts.join('; ')})`;
}

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

export function createProgram(shell: Shell): Command {
  const { stdout, stderr } = shell.io;
  const program = new Command('keyferry')
    .description('Moves cryptographic keys between HSMs: planned, journalled, resumable, verified.')
    .usage('<command> [options]')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text).catch(() => undefined),
      writeErr: (text) => void stderr.write(text),
      // Errors are shown by src/main.ts, in one place and one form.
      outputError: () => undefined,
      getOutHelpWidth: () => stdout.columns() ?? 100,
      getErrHelpWidth: () => stderr.columns() ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (title) => title.replace(/^Global Options:$/, 'Options of every command:'),
      optionDescription,
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
    })
    .helpOption('-h, --help', 'show this help')
    .addHelpCommand(new Command('help').argument('[COMMAND]').summary('show the help of a command').helpGroup('More:'))
    .version(packageVersion(), '-V, --version', 'show the version')
    .addHelpText('after', example('keyferry demo', 'keyferry help run'))
    .addHelpText('after', EXIT_CODES);
  addCommonOptions(program);
  for (const [heading, registers] of GROUPS) {
    program.commandsGroup(heading);
    for (const register of registers) register(program, shell);
  }
  return program;
}
