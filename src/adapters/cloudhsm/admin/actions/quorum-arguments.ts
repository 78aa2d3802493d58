/** What the quorum actions share: services, the tool's list of tokens, and asking for a token. */
import { KeyferryError } from '../../../../errors/keyferry-error.ts';
import { type Field, path, required } from '../../../../schema/shape.ts';
import type { Arguments } from '../../../actions/action.ts';
import { readText } from '../../../actions/arguments.ts';
import type { Administration, Command } from '../administration.ts';
import { isFields, sameUser } from '../answers.ts';
import { readTokenFile, setAside, writeBytesToSign } from '../quorum-tokens.ts';
import type { TokenFile } from '../token-file.ts';
import { approvalArguments } from './user-arguments.ts';

export const service = (values: readonly string[]): Field =>
  required({ kind: 'enum', values: [...values], description: 'user: managing users; quorum: setting quorum values' });

export const tokenPath: Field = required(
  path('The token file; beside it lie the bytes to sign (.to-sign) and the officers’ signatures'),
);

export const readService = (args: Arguments): string => readText(args, 'service');

export interface ListedToken {
  readonly user: string;
  readonly service: string;
  /** null: the HSMs do not agree. */
  readonly required: number | null;
  readonly approvals: number | null;
  readonly secondsLeft: number | null;
}

export async function listedTokens(admin: Administration): Promise<readonly ListedToken[]> {
  const data = await admin.read('list the quorum tokens', { args: ['quorum', 'token-sign', 'list'], as: 'admin' });
  const tokens = isFields(data) ? data.tokens : undefined;
  if (!Array.isArray(tokens)) throw admin.unreadable('list the quorum tokens');
  return tokens.filter(isFields).map((token) => ({
    user: String(token.username),
    service: String(token.service),
    required: numberOf(token['approvals-required']),
    approvals: numberOf(token['number-of-approvals']),
    secondsLeft: numberOf(token['token-timeout-seconds']),
  }));
}

/** The tool writes a number either plainly or as `{"value": n}`. */
const numberOf = (value: unknown): number | null => {
  const plain = isFields(value) ? value.value : value;
  return typeof plain === 'number' ? plain : null;
};

/** The one active token of the admin that keyferry logs in as; a cluster keeps one per user and service. */
export async function activeToken(admin: Administration, name: string): Promise<ListedToken | undefined> {
  const me = admin.userName('admin');
  return (await listedTokens(admin)).find((token) => token.service === name && sameUser(token.user, me));
}

/**
 * A change that a signed token may be handed in for. Where it was refused and the token is there no more, that is the reason, whatever the
 * tool says of it: rejects with `quorum-token-ended`, so that a run asks for another one.
 */
export async function changeUnderQuorum(
  admin: Administration,
  args: Arguments,
  change: { readonly what: string; readonly service: 'user' | 'quorum'; readonly command: Command },
  hasChanged: () => Promise<boolean>,
): Promise<void> {
  const { what, command } = change;
  const approval = approvalArguments(args);
  try {
    await admin.change(what, { ...command, args: [...command.args, ...approval] }, hasChanged);
  } catch (error) {
    const isRefused = error instanceof KeyferryError && error.code === 'device-refused' && error.outcome !== 'unknown';
    if (approval.length === 0 || !isRefused || (await activeToken(admin, change.service)) !== undefined) throw error;
    const token = `the quorum token of ${readText(args, 'approval')}`;
    throw admin.fail('quorum-token-ended', `could not ${what}: ${token} has ended or was used.`, {
      outcome: 'not-applied',
    });
  }
}

/** Asks for a new token; the files of an earlier one are kept under another name. */
export async function requestToken(admin: Administration, name: string, path: string): Promise<TokenFile> {
  setAside(path);
  const args = ['quorum', 'token-sign', 'generate', '--service', name, '--token', path];
  await admin.change(`get a quorum token for ${name}`, { args, as: 'admin' }, async () =>
    name === 'registration' ? false : (await activeToken(admin, name)) !== undefined,
  );
  return tokenIn(admin, path);
}

export function tokenIn(admin: Administration, path: string): TokenFile {
  const token = readTokenFile(path);
  if (token === null) throw admin.fail('file-unreadable', `${path} is no quorum token file.`, { scope: 'run' });
  writeBytesToSign(path, token);
  return token;
}
