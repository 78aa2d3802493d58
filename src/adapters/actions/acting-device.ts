/** The methods of a Device that carry out actions: each action is found by its name, and asked for what it can do. */
import type { ErrorCode } from '../../errors/codes.ts';
import type { KeyferryError } from '../../errors/keyferry-error.ts';
import type { ActionCall, ActionResult, Device, Finding, Forecast, Reconciliation } from '../adapter.ts';
import type { Action, Arguments, Source } from './action.ts';

/** What of a connection is needed here: errors that name the device. */
export interface Refusing {
  fail(code: ErrorCode, message: string): KeyferryError;
}

export abstract class ActingDevice<Connection extends Refusing>
  implements Pick<Device, 'preview' | 'expect' | 'perform' | 'reconcile'>
{
  readonly #connection: Connection;
  readonly #actions: ReadonlyMap<string, Action<Connection>>;

  constructor(connection: Connection, actions: ReadonlyMap<string, Action<Connection>>) {
    this.#connection = connection;
    this.#actions = actions;
  }

  async preview(
    action: string,
    calls: readonly Arguments[],
    salt: Uint8Array | null,
  ): Promise<readonly (readonly Finding[])[]> {
    this.remember(salt);
    const { preview } = this.#action(action);
    return preview === undefined ? calls.map(() => []) : await preview(this.#connection, calls, salt);
  }

  async expect(call: ActionCall, source: Source): Promise<Forecast> {
    this.remember(source?.salt ?? call.salt);
    const { expect } = this.#action(call.action);
    if (expect === undefined) throw this.#connection.fail('argument-invalid', `${call.action} creates nothing.`);
    return await expect(this.#connection, call, source);
  }

  async perform(call: ActionCall): Promise<ActionResult> {
    this.remember(call.salt);
    return await this.#action(call.action).perform(this.#connection, call);
  }

  async reconcile(call: ActionCall, source: Source): Promise<Reconciliation> {
    this.remember(source?.salt ?? call.salt);
    const { reconcile } = this.#action(call.action);
    if (reconcile === undefined) throw this.#connection.fail('argument-invalid', `${call.action} changes nothing.`);
    return await reconcile(this.#connection, call, source);
  }

  /** The salt that a call brought. Devices that tell keys of one name apart by fingerprint keep it. */
  protected remember(_salt: Uint8Array | null | undefined): void {}

  #action(name: string): Action<Connection> {
    const action = this.#actions.get(name);
    if (action === undefined) throw this.#connection.fail('argument-invalid', `there is no action "${name}".`);
    return action;
  }
}
