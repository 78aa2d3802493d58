/**
 * What the commands of a Luna client share: its slots, and a login of the partition for the length of one command. Each command is a
 * program of its own in a real shell, so each asks for the password anew.
 */
import { LUNA_HA_MODEL } from '../../adapters/luna-classic/simulator/personality.ts';
import { asKeyferryError } from '../../adapters/pkcs11/ckr-errors.ts';
import { CKU } from '../../adapters/pkcs11/constants.ts';
import { type Cryptoki, CryptokiError, type Handle, type TokenInfo } from '../../adapters/pkcs11/cryptoki.ts';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { type ConsoleCommand, Misuse, numberOf } from '../command.ts';
import type { Terminal } from '../console.ts';

export type LunaCommand = ConsoleCommand<LunaClient>;

/** A command ended early; the operator is told why. Nothing that Cryptoki said. */
export class Ended extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Ended';
  }
}

export const isGroup = (token: TokenInfo): boolean => token.model === LUNA_HA_MODEL;

export class LunaClient {
  readonly module: Cryptoki;
  readonly terminal: Terminal;

  constructor(parts: { readonly module: Cryptoki; readonly terminal: Terminal }) {
    this.module = parts.module;
    this.terminal = parts.terminal;
  }

  /** The group comes last. */
  slots(): TokenInfo[] {
    return this.module.C_GetSlotList(true).map((slot) => this.module.C_GetTokenInfo(slot));
  }

  /**
   * Asks for the slot where there are several and none was given, then for the password; does the work logged in. Files are read inside
   * `act`: a script's password line must have been taken as the answer before anything can go wrong.
   */
  async loggedIn(given: number | undefined, act: (session: Handle) => Promise<void> | void): Promise<void> {
    const { slot } = await this.#slot(given);
    const password = await this.terminal.askSecret(`Please enter password for token in slot ${slot} :`);
    if (password === null || password === '') throw new Misuse('No password was given; nothing was done.');
    const session = this.module.C_OpenSession(slot);
    try {
      this.module.C_Login(session, CKU.USER, password);
      await act(session);
    } finally {
      // The last session of a process takes the login with it.
      this.module.C_CloseSession(session);
    }
  }

  async #slot(given: number | undefined): Promise<TokenInfo> {
    const slots = this.slots();
    const [first] = slots;
    if (given === undefined && slots.length === 1 && first !== undefined) return first;
    let wanted = given;
    if (wanted === undefined) {
      const answer = await this.terminal.ask("Slot number (keyferry's question; vtl listSlots shows them): ");
      if (answer === null) throw new Misuse('No slot was given; nothing was done.');
      wanted = numberOf(answer.trim(), 'The slot');
    }
    const found = slots.find(({ slot }) => slot === BigInt(wanted));
    if (found !== undefined) return found;
    throw new Misuse(`There is no slot ${wanted}; there are ${slots.map(({ slot }) => slot).join(', ')}.`);
  }
}

/** What the module refused, in words; null: a bug, not a refusal. */
export function refusalWords(error: unknown, command: string): string | null {
  if (!(error instanceof CryptokiError)) return null;
  const told = asKeyferryError(error, { device: 'the partition', operation: 'do it', effect: 'changing' });
  const words = told instanceof KeyferryError ? told.message : error.message;
  return `${command} was refused. In keyferry's words (the vendor's are not known): ${words}`;
}
