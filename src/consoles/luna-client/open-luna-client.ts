/**
 * The command line of a CloudHSM Classic client, as far as the migration from Classic types it (AWS Security Blog, "How to migrate symmetric
 * exportable keys"): vtl, cmu, and keyferry's own words for what the operator does in the vendor's PKCS#11 menu, which is not played.
 */
import type { Cryptoki } from '../../adapters/pkcs11/cryptoki.ts';
import { findCommand, Misuse, strikeOut, usageOf, wordsOf } from '../command.ts';
import type { Console, LineEnd, Terminal } from '../console.ts';
import { cmuImport, cmuList } from './commands/cmu.ts';
import { setWrap, wrap } from './commands/own.ts';
import { listSlots } from './commands/vtl.ts';
import { Ended, LunaClient, type LunaCommand, refusalWords } from './luna-client.ts';

const COMMANDS: readonly LunaCommand[] = [listSlots, cmuImport, cmuList, setWrap, wrap];
/** Both spellings are in the vendor's documents. */
const ALIASES: Readonly<Record<string, string>> = { 'vtl listslot': 'vtl listSlots' };
const OWN: readonly string[] = ['help', 'exit'];
const PROGRAMS: ReadonlySet<string> = new Set(['vtl', 'cmu', 'keyferry', 'ckdemo', ...OWN]);

const CKDEMO =
  'ckdemo is not played here. What the operator does in it are PKCS#11 calls: C_OpenSession and C_Login on the slot; C_SetAttributeValue ' +
  'with CKA_WRAP=1 on the imported public key; C_GetAttributeValue, to see that CKA_EXTRACTABLE of the key is 1; C_WrapKey with ' +
  'CKM_RSA_PKCS_OAEP (SHA-1, MGF1-SHA-1). Two commands of keyferry stand in for them: keyferry set-wrap, keyferry wrap.';

const isPassword = (word: string): boolean => /^-password(=|$)/.test(word);

class LunaConsole implements Console {
  readonly names: readonly string[] = [...COMMANDS.map(({ name }) => name), ...OWN];
  readonly #client: LunaClient;
  /** The last line ended before it asked for its password, so the next one may be that password. */
  #mayFollowPassword = false;

  constructor(client: LunaClient) {
    this.#client = client;
  }

  prompt(): string {
    return 'luna_client> ';
  }

  masked(line: string): string {
    if (this.#isStray(line)) return '********';
    // Passwords are not taken on the line; one that was typed there all the same is not shown either.
    return strikeOut(line, (words) =>
      words.flatMap((word, at) => (isPassword(word) ? (word.includes('=') ? [at] : [at, at + 1]) : [])),
    );
  }

  async run(line: string): Promise<LineEnd> {
    const isStray = this.#isStray(line);
    this.#mayFollowPassword = false;
    const { terminal } = this.#client;
    if (isStray) {
      terminal.line(
        'This line is no command and is not shown: it may be the password that the last line did not ask for.',
      );
      return 'misused';
    }
    try {
      return await this.#carryOut(wordsOf(line));
    } catch (error) {
      if (error instanceof Misuse) {
        this.#mayFollowPassword = true;
        terminal.line(error.message);
        return 'misused';
      }
      const words = error instanceof Ended ? error.message : refusalWords(error, line.trim().split(/\s+/, 2).join(' '));
      if (words === null) throw error;
      terminal.line(words);
      return 'done';
    }
  }

  /** What it runs over is closed by whoever opened it. */
  async close(): Promise<void> {}

  #isStray(line: string): boolean {
    return this.#mayFollowPassword && line.trim() !== '' && !PROGRAMS.has(line.trim().split(/\s/, 1)[0] ?? '');
  }

  async #carryOut(words: readonly string[]): Promise<LineEnd> {
    const [first, second, ...rest] = words;
    if (first === undefined) return 'done';
    if (first === 'exit') return 'over';
    if (first === 'help') {
      this.#help(words.slice(1).join(' '));
      return 'done';
    }
    if (first === 'ckdemo') throw new Misuse(CKDEMO);
    await this.#find(second === undefined ? first : `${first} ${second}`).run(this.#client, rest);
    return 'done';
  }

  #find(name: string): LunaCommand {
    return findCommand(COMMANDS, ALIASES[name] ?? name, { takesPrefixes: false, leftOut: {} });
  }

  #help(name: string): void {
    const { terminal } = this.#client;
    if (name === '') for (const command of COMMANDS) terminal.line(`${command.name.padEnd(20)}${command.summary}`);
    else if (name === 'ckdemo') terminal.line(CKDEMO);
    else {
      const command = this.#find(name);
      terminal.line(`${command.name}: ${command.summary}`);
      terminal.line(usageOf(command));
    }
    if (name === '') terminal.line('help, exit');
  }
}

/** Over an initialised module. */
export const openLunaClient = (parts: { readonly module: Cryptoki; readonly terminal: Terminal }): Console =>
  new LunaConsole(new LunaClient(parts));
