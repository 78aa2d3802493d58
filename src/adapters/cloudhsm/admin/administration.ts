/**
 * The administration of one cluster through the tool: logs in when it must, turns the tool's sentences into the errors that operators see,
 * and after a refused change looks whether the cluster changed all the same, for a refusal by one HSM does not undo the others.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode } from '../../../errors/codes.ts';
import { type ErrorDetails, KeyferryError } from '../../../errors/keyferry-error.ts';
import type { KeyRef } from '../../../keys/key-record.ts';
import { labelText } from '../../../keys/locator.ts';
import type { Secret } from '../../../keys/secret.ts';
import { inWords } from '../../pkcs11/locate.ts';
import type { KeyAttestation } from '../attest/key-attestation.ts';
import { type AdminTool, ToolFailure, ToolRefusal, type ToolRole, userOfPin } from './admin-tool.ts';
import { isFields, readKeys, readUsers, sameUser, type ToolKey, type ToolUser } from './answers.ts';
import { tryLogin } from './tool-login.ts';

export interface AdministrationOptions {
  /** Name in the devices file. */
  readonly device: string;
  /** Of the token that PKCS#11 shows: keys of another one are refused. */
  readonly serial: string;
  readonly tool: AdminTool;
  /** null: the devices file gives none. */
  readonly pins: Readonly<Record<ToolRole, Secret | null>>;
  readonly home: string;
  readonly retryPin: boolean;
  /** How an absence is believed. */
  readonly settle: { readonly reads: number; readonly intervalMs: number };
  /** Only a simulated cluster can be looked into per HSM and brought into agreement. */
  readonly nodes: NodeAgreement | null;
  /** Absent: nothing is known of how this cluster attests keys. */
  readonly attestation?: KeyAttestation;
}

export interface NodeAgreement {
  /** One line per difference between the HSMs. */
  check(): readonly string[];
  /** Ids of the HSMs that do not answer. */
  down(): readonly number[];
  /** Makes the others say what this HSM says; null: the first that is up. Gives what could not be mended. Throws HsmRefusal. */
  repair(node: number | null): readonly string[];
}

export interface Command {
  readonly args: readonly string[];
  readonly as: ToolRole | 'nobody';
  readonly newPassword?: Secret;
}

/** Source 004 and the user guide, `quorum-auth-chsm-cli`: the one refusal whose sentence is known. It changes nothing. */
export const QUORUM_SENTENCE = 'Quorum approval is required for this operation';

/** The same for a key that wants approvals, as users of the tool report it. */
export const KEY_QUORUM_SENTENCE = 'Quorum Failed';

const HINTS: Readonly<Record<string, string>> = {
  [QUORUM_SENTENCE]: 'Get a quorum token, have it signed, and give the step its approval: argument.',
  [KEY_QUORUM_SENTENCE]:
    'The key wants approvals of crypto users, which no action hands in: use cloudhsm-cli with a token for key-management.',
};

const PAGE = 1000;

export class Administration {
  readonly device: string;
  readonly nodes: NodeAgreement | null;
  readonly attestation: KeyAttestation | null;
  readonly #options: AdministrationOptions;
  readonly #logins = new Map<ToolRole, Promise<void>>();

  constructor(options: AdministrationOptions) {
    this.#options = options;
    this.device = options.device;
    this.nodes = options.nodes;
    this.attestation = options.attestation ?? null;
  }

  has(role: ToolRole): boolean {
    return this.#options.pins[role] !== null;
  }

  /** The user that the tool logs in as. */
  userName(role: ToolRole): string {
    const pin = this.#options.pins[role];
    return pin === null ? '' : userOfPin(pin);
  }

  /** A command that changes nothing. */
  async read(what: string, command: Command): Promise<unknown> {
    try {
      return await this.#run(command);
    } catch (error) {
      throw this.#explained(error, what, 'not-applied');
    }
  }

  /** `hasChanged` is asked after a refusal: true: something is different, or that cannot be told. */
  async change(what: string, command: Command, hasChanged: () => Promise<boolean>): Promise<unknown> {
    this.#requireAllUp(what);
    try {
      return await this.#run(command);
    } catch (error) {
      if (
        error instanceof ToolRefusal &&
        HINTS[error.message] === undefined &&
        (await this.#mayHaveChanged(hasChanged))
      ) {
        throw this.#explained(error, what, 'unknown');
      }
      throw this.#explained(error, what, error instanceof ToolFailure && error.hasStarted ? 'unknown' : 'not-applied');
    }
  }

  async users(): Promise<readonly ToolUser[]> {
    const users = readUsers(await this.read('list the users', { args: ['user', 'list'], as: 'nobody' }));
    if (users === null) throw this.unreadable('list the users');
    return users;
  }

  async user(name: string, role: ToolRole): Promise<ToolUser | undefined> {
    return (await this.users()).find((user) => sameUser(user.name, name) && user.role === role);
  }

  /** Every key that this user sees and that the filter fits. */
  async keys(filter: readonly string[], as: ToolRole = 'crypto-user'): Promise<readonly ToolKey[]> {
    const found: ToolKey[] = [];
    let next: string | null = null;
    for (;;) {
      const args = ['key', 'list', '--verbose', '--max-items', String(PAGE)];
      if (next !== null) args.push('--starting-token', next);
      if (filter.length > 0) args.push('--filter', ...filter);
      const page = readKeys(await this.read('list the keys', { args, as }));
      if (page === null) throw this.unreadable('list the keys');
      found.push(...page.keys);
      if (page.next === null || page.keys.length === 0) {
        if (page.total !== null && page.total > found.length) throw this.unreadable('list all of the keys');
        return found;
      }
      next = page.next;
    }
  }

  /** The one key that is meant. Rejects with `key-not-found` or `key-ambiguous`. */
  async key(ref: KeyRef): Promise<ToolKey> {
    const found = await this.keysLike(ref);
    const [only] = found;
    const what = inWords(ref.locator);
    if (only === undefined) throw this.fail('key-not-found', `there is no ${what} on the cluster.`);
    if (found.length > 1) throw this.fail('key-ambiguous', `${found.length} keys on the cluster are a ${what}.`);
    return only;
  }

  /** By class, id and label; the id, unique in a cluster, does the search, for labels may hold what a filter cannot say. */
  async keysLike({ locator }: KeyRef): Promise<readonly ToolKey[]> {
    if (locator.serial !== this.#options.serial) {
      throw this.fail('key-not-found', `the ${inWords(locator)} is on the token ${locator.serial}, not here.`);
    }
    const label = labelText(locator.label);
    if (label === undefined) throw this.fail('capability-missing', 'the tool cannot name keys whose label is no text.');
    const found = await this.keys(locator.id === '' ? [] : [`attr.id=0x${locator.id}`]);
    return found.filter(
      ({ attributes }) =>
        idOf(attributes.id) === locator.id &&
        attributes.label === label &&
        String(attributes.class).startsWith(locator.class),
    );
  }

  /** Looks until `look` finds something, so often as it takes to believe that there is nothing. */
  async settled<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
    const { reads, intervalMs } = this.#options.settle;
    for (let read = 1; ; read += 1) {
      const found = await look();
      if (found !== undefined || read >= reads) return found;
      await sleep(intervalMs);
    }
  }

  fail(code: ErrorCode, message: string, details: ErrorDetails = {}): KeyferryError {
    return new KeyferryError(code, `${this.device}: ${message}`, { device: this.device, ...details });
  }

  unreadable(what: string): KeyferryError {
    const message = `could not ${what}: cloudhsm-cli answered something that is not known.`;
    return this.fail('device-refused', message, { hint: 'Look at what this version of cloudhsm-cli prints.' });
  }

  async #run(command: Command): Promise<unknown> {
    const { args, as, newPassword } = command;
    const { tool, pins } = this.#options;
    if (as === 'nobody') return await tool.run(args, { login: null });
    const pin = pins[as];
    if (pin === null) {
      const setting = as === 'admin' ? 'admin-pin' : 'pin';
      throw this.fail('capability-missing', `administration needs ${setting} in the devices file.`, {
        hint: `Add it: ${setting}: { env: … }, as user:password.`,
      });
    }
    try {
      await this.#loggedIn(as, pin);
    } catch (error) {
      // The command itself was not given yet.
      throw this.#explained(error, 'log in', 'not-applied');
    }
    return await tool.run(args, { login: { role: as, pin }, ...(newPassword === undefined ? {} : { newPassword }) });
  }

  /** The tool works on the HSMs that answer. What a missing one did not hear of makes it differ when it is back, and nobody would know. */
  #requireAllUp(what: string): void {
    const down = this.nodes?.down() ?? [];
    if (down.length === 0) return;
    const which = down.length === 1 ? `HSM ${down[0]} does` : `HSMs ${down.join(', ')} do`;
    throw this.fail(
      'out-of-sync',
      `could not ${what}: ${which} not answer, and the change would reach the others only.`,
      {
        outcome: 'not-applied',
        hint: 'Nothing was changed. See that every HSM of the cluster answers, then try again.',
      },
    );
  }

  #loggedIn(role: ToolRole, pin: Secret): Promise<void> {
    const { tool, device, serial, home, retryPin } = this.#options;
    const known = this.#logins.get(role);
    if (known !== undefined) return known;
    const login = tryLogin({ tool, device, serial, home, retryPin, role, pin });
    this.#logins.set(role, login);
    // A tool that did not answer may be asked again; a login that was refused stays refused.
    login.catch((error) => {
      if (error instanceof ToolFailure) this.#logins.delete(role);
    });
    return login;
  }

  /** A look that fails tells nothing. */
  async #mayHaveChanged(hasChanged: () => Promise<boolean>): Promise<boolean> {
    try {
      return await hasChanged();
    } catch (error) {
      if (error instanceof KeyferryError) return true;
      throw error;
    }
  }

  #explained(error: unknown, what: string, outcome: 'not-applied' | 'unknown'): unknown {
    const changed = outcome === 'unknown' ? ' The cluster may have changed.' : '';
    if (error instanceof ToolRefusal) {
      const hint = HINTS[error.message];
      return this.fail('device-refused', `could not ${what}: cloudhsm-cli says: ${error.message}.${changed}`, {
        outcome,
        cause: error,
        native: { name: error.message },
        ...(hint === undefined ? {} : { hint }),
      });
    }
    if (error instanceof ToolFailure) {
      const code = !error.hasStarted ? 'device-unreachable' : outcome === 'unknown' ? 'outcome-unknown' : 'device-busy';
      return this.fail(code, `could not ${what}: cloudhsm-cli: ${error.message}.${changed}`, { outcome, cause: error });
    }
    return error;
  }
}

/** `0x0a` or empty, as the tool shows ids. */
const idOf = (id: unknown): string =>
  typeof id === 'string' ? id.toLowerCase().replace(/^0x/, '') : isFields(id) ? '?' : '';
