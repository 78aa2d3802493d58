import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addCommonOptions, type CommonOptions, optionsOf } from '../../../src/cli/shell.ts';

function parsed(...args: readonly string[]): CommonOptions {
  const program = new Command();
  addCommonOptions(program);
  let options: CommonOptions | undefined;
  program.command('resume').action((_own: unknown, command: Command) => {
    options = optionsOf(command);
  });
  program.parse(args, { from: 'user' });
  if (options === undefined) throw new Error('the command was not carried out');
  return options;
}

describe('what the next command has to carry along', () => {
  test.each([
    ['nothing where the defaults served', ['resume'], ''],
    ['the devices file as it was typed', ['resume', '-d', 'lab/kms.yaml'], ' -d lab/kms.yaml'],
    ['options before the command too', ['--home', 'state', 'resume'], ' --home state'],
    ['both', ['resume', '--home', 'state', '--devices', 'x.yaml'], ' -d x.yaml --home state'],
    ['a default that was typed', ['resume', '-d', 'devices.yaml'], ' -d devices.yaml'],
    ['what a shell would take apart, quoted', ['resume', '-d', "my lab's.yaml"], " -d 'my lab'\\''s.yaml'"],
    ['nothing of inputs and bindings: the run has them', ['resume', '-i', 'a=b', '--device', 'x=y'], ''],
  ])('%s', (_name, args, carried) => {
    expect(parsed(...args).carried).toBe(carried);
  });
});
