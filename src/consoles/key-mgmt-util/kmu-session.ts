/**
 * What one operator of key_mgmt_util has open: a PKCS#11 session of the crypto user, for keys, and a session on each HSM that is up, for
 * owners and sharing. All output of the tool goes through here, in the vendor's layout: paragraphs, each after an empty line.
 */
import type { HsmNode, NodeSession, SimulatedCluster } from '../../adapters/cloudhsm/cluster/cluster.ts';
import { HsmRefusal } from '../../adapters/cloudhsm/cluster/cluster.ts';
import { asKeyferryError } from '../../adapters/pkcs11/ckr-errors.ts';
import { CKA, CKR } from '../../adapters/pkcs11/constants.ts';
import { type Cryptoki, CryptokiError, type Handle } from '../../adapters/pkcs11/cryptoki.ts';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { Misuse } from '../command.ts';
import type { Terminal } from '../console.ts';
import type { Edition } from '../edition.ts';
import { errState, RETURN, RETURN_TEXTS } from './return-codes.ts';

/** A command ended early, and the operator has read why. */
export class Ended extends Error {
  constructor() {
    super('the command ended');
    this.name = 'Ended';
  }
}

/** What the HSM refused: the vendor's number where one is known, else our words. */
export type RefusalText = { readonly code: number } | { readonly words: string };

export interface LoggedIn {
  readonly user: string;
  readonly userId: number;
  readonly session: Handle;
  readonly nodes: ReadonlyMap<number, NodeSession>;
}

export class KmuSession {
  readonly cluster: SimulatedCluster;
  readonly edition: Edition;
  readonly terminal: Terminal;
  readonly module: Cryptoki;
  login: LoggedIn | null = null;

  constructor(parts: { cluster: SimulatedCluster; edition: Edition; terminal: Terminal; module: Cryptoki }) {
    this.cluster = parts.cluster;
    this.edition = parts.edition;
    this.terminal = parts.terminal;
    this.module = parts.module;
  }

  /** Throws Misuse when nobody is logged in. */
  get loggedIn(): LoggedIn {
    if (this.login === null) throw new Misuse('Log in first: loginHSM -u CU -s <user> -p <password>.');
    return this.login;
  }

  get upNodes(): readonly HsmNode[] {
    return this.cluster.nodes.filter(({ isUp }) => isUp);
  }

  /** The session on the first HSM that answers. Throws HsmRefusal when none does. */
  get anyNode(): NodeSession {
    const { nodes } = this.loggedIn;
    for (const { id } of this.upNodes) {
      const session = nodes.get(id);
      if (session !== undefined) return session;
    }
    throw new HsmRefusal('node-down', null, 'no HSM of the cluster answers');
  }

  paragraph(...lines: readonly string[]): void {
    this.terminal.line();
    for (const line of lines) this.terminal.line(`\t${line}`);
  }

  /** A paragraph that the vendor does not indent. */
  margin(...lines: readonly string[]): void {
    this.terminal.line();
    this.lines(...lines);
  }

  /** At the margin. */
  lines(...lines: readonly string[]): void {
    for (const line of lines) this.terminal.line(line);
  }

  returned(call: string): void {
    this.paragraph(`${call} returned: 0x00 : HSM Return: SUCCESS`);
  }

  /** `one`: a session key, that only its own node holds. */
  status(nodes: 'all' | number = 'all', heading = 'Cluster Error Status'): void {
    const shown = this.cluster.nodes.filter(({ id }) => nodes === 'all' || id === nodes);
    this.paragraph(heading, ...shown.map((node) => this.#nodeLine(node, node.isUp ? 0 : RETURN.nodeUnavailable)));
  }

  failedStatus(code: number): void {
    this.paragraph('Cluster Error Status', ...this.upNodes.map((node) => this.#nodeLine(node, code)));
  }

  /** As it stands where an operation was refused before it reached the others: the first HSM only. */
  refusedStatus(code: number): void {
    this.paragraph('Cluster Error Status', ...this.upNodes.slice(0, 1).map((node) => this.#nodeLine(node, code)));
  }

  #nodeLine({ id }: HsmNode, code: number): string {
    return `Node id ${id} and err state ${errState(code)} : ${RETURN_TEXTS.get(code) ?? ''}`;
  }

  /** Prints the refusal in the edition's form. */
  refused(call: string, refusal: RefusalText): void {
    if ('words' in refusal) {
      this.paragraph(`${call} was refused. In keyferry's words (the vendor's are not known): ${refusal.words}`);
      return;
    }
    const number = `${call} returned: 0x${refusal.code.toString(16).padStart(2, '0')}`;
    const text = RETURN_TEXTS.get(refusal.code) ?? '';
    if (this.edition.errorForm === 'same-line') this.paragraph(`${number} : ${text}`);
    else {
      this.paragraph(number);
      this.paragraph(text);
    }
  }

  /**
   * Makes one call of the client library. A refusal is printed under the call's name and ends the command; `explain` gives the vendor's
   * number where the cause shows which it is.
   */
  async call<T>(
    name: string,
    act: () => Promise<T> | T,
    explain: (error: unknown) => RefusalText | null = () => null,
  ): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const refusal = explain(error) ?? refusalOf(error);
      if (refusal === null) throw error;
      this.refused(name, refusal);
      throw new Ended();
    }
  }

  /** The object behind a key handle. Refused as the tool does for a handle that names nothing this user can see. */
  async object(name: string, handle: number): Promise<Handle> {
    return await this.call(name, () => this.cluster.objectHandle(this.loggedIn.session, handle));
  }

  /** CKO_… of an object. */
  async classOf(name: string, object: Handle): Promise<number | undefined> {
    const read = () => this.module.C_GetAttributeValue(this.loggedIn.session, object, [CKA.CLASS]);
    return (await this.call(name, read))[0]?.value?.[0];
  }

  handleOf(object: Handle): number {
    return this.cluster.keyHandle(this.loggedIn.session, object);
  }
}

const INVALID: ReadonlySet<number> = new Set([
  CKR.OBJECT_HANDLE_INVALID,
  CKR.KEY_HANDLE_INVALID,
  CKR.WRAPPING_KEY_HANDLE_INVALID,
  CKR.UNWRAPPING_KEY_HANDLE_INVALID,
]);

/** null: a bug, not a refusal. */
export function refusalOf(error: unknown): RefusalText | null {
  if (error instanceof HsmRefusal) return error.code === null ? { words: error.message } : { code: error.code };
  if (error instanceof CryptokiError) {
    if (INVALID.has(error.value)) return { code: RETURN.invalidHandle };
    const told = asKeyferryError(error, { device: 'the cluster', operation: 'do it', effect: 'changing' });
    return { words: told instanceof KeyferryError ? told.message : error.message };
  }
  return null;
}
