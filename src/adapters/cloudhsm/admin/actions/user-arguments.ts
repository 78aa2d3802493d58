/** Arguments that concern users. Limits: user guide, `cloudhsm_cli-user-create`: at most 31 characters, `_` the only special one. */
import { KeyferryError } from '../../../../errors/keyferry-error.ts';
import { Secret } from '../../../../keys/secret.ts';
import { type Field, optional, path, required, withDefault } from '../../../../schema/shape.ts';
import type { Arguments } from '../../../actions/action.ts';
import { readText, readTextIfGiven } from '../../../actions/arguments.ts';
import { isNotYet } from '../../../adapter.ts';
import type { ToolRole } from '../admin-tool.ts';

export const USER_PATTERN = '^[A-Za-z0-9_]{1,31}$';

export const username = (description: string): Field =>
  required({ kind: 'string', pattern: USER_PATTERN, description });
export const role: Field = withDefault(
  { kind: 'enum', values: ['crypto-user', 'admin'], description: 'crypto-user owns keys; admin manages users' },
  'crypto-user',
);
export const newPassword: Field = required({
  kind: 'opaque',
  type: 'secret',
  description: 'The new password, 8 to 32 characters; an input of type secret',
});
export const approval: Field = optional(
  path('Signed quorum token, from approve-quorum-token, where a quorum is wanted'),
);

export const readRole = (args: Arguments): ToolRole => (args.role === 'admin' ? 'admin' : 'crypto-user');

/** Lower case, as the cluster keeps it. */
export function readUser(args: Arguments): string {
  const name = readText(args, 'username');
  if (!new RegExp(USER_PATTERN).test(name)) {
    throw new KeyferryError('argument-invalid', `"${name}" is no user name: 1 to 31 letters, digits and _.`);
  }
  return name.toLowerCase();
}

export const readUserIfKnown = (args: Arguments): string | null =>
  args.username === undefined || isNotYet(args.username) ? null : readUser(args);

export function readPassword(args: Arguments): Secret {
  const value = args.password;
  if (!(value instanceof Secret))
    throw new KeyferryError('argument-invalid', 'The argument "password" must be a secret.');
  const { length } = value.reveal();
  if (length >= 8 && length <= 32 && !/[\r\n]/.test(value.reveal())) return value;
  throw new KeyferryError('argument-invalid', 'The new password must be one line of 8 to 32 characters.');
}

/** `--approval FILE`, where one is given. */
export function approvalArguments(args: Arguments): readonly string[] {
  const file = readTextIfGiven(args, 'approval');
  return file === undefined ? [] : ['--approval', file];
}
