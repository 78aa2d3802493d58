/**
 * The tool logs in anew with every command, and a wrong password counts each time: five of them lock the user. So before the first command
 * of a login the user's lock is looked at, and one harmless command tries the login. If that fails, nothing tries it again: no process of
 * this home, until the secret changes or --retry-pin is given. The tool does not say whether the password was the reason, so any failure
 * counts. (Design §5, logins.)
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { Secret } from '../../../keys/secret.ts';
import { RefusedPins } from '../../processes/refused-pins.ts';
import { type AdminTool, ToolRefusal, type ToolRole, userOfPin } from './admin-tool.ts';
import { readUsers, sameUser } from './answers.ts';

export interface ToolLoginOptions {
  readonly tool: AdminTool;
  /** Name in the devices file, for errors. */
  readonly device: string;
  /** Of the token: passwords are remembered per device. */
  readonly serial: string;
  readonly role: ToolRole;
  readonly pin: Secret;
  /** The home folder, absolute. */
  readonly home: string;
  readonly retryPin: boolean;
}

/** Commands that every logged-in user may give and that change nothing. */
const TRIAL = ['key', 'list', '--max-items', '1'];

/** Tries of one password whose answer never came. */
const UNANSWERED_TRIES = 4;

/** Rejects with `login-refused`, `login-remembered`, `login-risky`, `pin-locked`, or what the tool's failure means to the caller. */
export async function tryLogin(options: ToolLoginOptions): Promise<void> {
  const { tool, device, serial, pin, role } = options;
  const who = `${role} ${userOfPin(pin)}`;
  const fail = (code: 'login-refused' | 'login-remembered' | 'login-risky' | 'pin-locked', message: string) =>
    new KeyferryError(code, `${device}: ${message}`, { device, operation: 'login' });
  const memory = new RefusedPins(options.home);
  const name = `${serial}/${role}`;
  const remembered = options.retryPin ? undefined : memory.recall(name, pin);
  if (remembered?.state === 'refused') {
    throw fail('login-remembered', `the login of the ${who} failed at ${remembered.at} and was not tried again.`);
  }
  if ((remembered?.unanswered ?? 0) >= UNANSWERED_TRIES) {
    throw fail('login-risky', `the last ${UNANSWERED_TRIES} logins of the ${who} were never answered.`);
  }
  const users = readUsers(await tool.run(['user', 'list'], { login: null })) ?? [];
  const user = users.find((each) => sameUser(each.name, userOfPin(pin)) && each.role === role);
  if (user?.isLocked === true) throw fail('pin-locked', `the ${who} is locked.`);
  if (user === undefined) throw fail('login-refused', `there is no ${who} on the cluster; no password was tried.`);
  await memory.remember(name, pin, device, 'trying');
  try {
    await tool.run(TRIAL, { login: { role, pin } });
  } catch (error) {
    if (!(error instanceof ToolRefusal)) throw error;
    await memory.remember(name, pin, device, 'refused');
    throw fail('login-refused', `the first command as ${who} was refused: ${error.message}.`);
  }
  await memory.forget(name, pin);
}
