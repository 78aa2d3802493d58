/**
 * cloudhsm-cli: the tool of Client SDK 5, in its interactive mode (AWS CloudHSM user guide, cloudhsm_cli reference). Commands and answers
 * are those of the simulated administration tool.
 */
import {
  type AdminTool,
  ToolFailure,
  type ToolLogin,
  type ToolOptions,
  ToolRefusal,
} from '../../adapters/cloudhsm/admin/admin-tool.ts';
import { checkFlags } from '../../adapters/cloudhsm/admin/simulator/command-flags.ts';
import { SIMULATED_COMMANDS, simulatedTool } from '../../adapters/cloudhsm/admin/simulator/simulated-tool.ts';
import { readWords } from '../../adapters/cloudhsm/admin/simulator/tool-words.ts';
import { Secret } from '../../keys/secret.ts';
import { nearest } from '../../source/nearest.ts';
import { Misuse, strikeOut, wordsOf } from '../command.ts';
import type { Console, ConsoleOptions, LineEnd, Terminal } from '../console.ts';

const OWN = ['login', 'logout', 'help', 'quit'] as const;
/** Beginnings of commands that the vendor's tool has and this console does not, with the reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'login mfa-token-sign': 'second factors are played in cloudhsm_mgmt_util only',
  'user change-mfa': 'second factors are played in cloudhsm_mgmt_util only',
  'key replicate': 'it works between clusters cloned from one backup, and those are not simulated',
  'key generate-asymmetric-pair ml-dsa': 'the simulated HSMs have no such keys',
  crypto: 'signatures and their verification are no part of moving keys',
  cluster:
    'the simulated cluster is active from the start, and its HSMs are listed in server mode of cloudhsm_mgmt_util',
  'quorum token-sign set-timeout': 'tokens of the simulated cluster end after 600 seconds',
  'quorum token-sign list-timeouts': 'tokens of the simulated cluster end after 600 seconds',
};
const NEW_PASSWORD: readonly string[] = ['user create', 'user change-password'];
const PASSWORD = '--password';
/** Every logged-in user may give it and it changes nothing: it tries the login. */
const TRIAL = ['key', 'list', '--max-items', '1'];

/** Places of passwords: what follows --password, up to the next flag. */
function secretPlaces(words: readonly string[]): number[] {
  return words.flatMap((word, place) => (word === PASSWORD ? [place + 1] : []));
}

const flagValue = (words: readonly string[], flag: string): string | undefined => {
  const at = words.indexOf(flag);
  return at < 0 ? undefined : words[at + 1];
};

class CliConsole implements Console {
  readonly names: readonly string[] = [...SIMULATED_COMMANDS, ...OWN];
  readonly #terminal: Terminal;
  readonly #tool: AdminTool;
  #login: ToolLogin | null = null;

  constructor({ cluster, terminal }: ConsoleOptions) {
    this.#terminal = terminal;
    this.#tool = simulatedTool(cluster);
  }

  prompt(): string {
    return 'aws-cloudhsm > ';
  }

  masked(line: string): string {
    return strikeOut(line, secretPlaces);
  }

  async run(line: string): Promise<LineEnd> {
    try {
      return await this.#carryOut(wordsOf(line));
    } catch (error) {
      if (!(error instanceof Misuse || error instanceof ToolFailure)) throw error;
      this.#terminal.line(error.message);
      return 'misused';
    }
  }

  async close(): Promise<void> {
    this.#login = null;
  }

  async #carryOut(words: readonly string[]): Promise<LineEnd> {
    const [first] = words;
    if (first === undefined) return 'done';
    if (first === 'quit') return 'over';
    if (first === 'help') this.#help(words.slice(1).join(' '));
    else if (first === 'login' && words[1]?.startsWith('--') !== false) await this.#logIn(words);
    else if (first === 'logout') this.#logOut();
    else await this.#command(words);
    return 'done';
  }

  /** All commands, or those that begin so. */
  #help(beginning: string): void {
    const names = this.names.filter((name) => `${name} `.startsWith(beginning === '' ? '' : `${beginning} `));
    if (names.length === 0) throw this.#unknown(beginning);
    for (const name of names) this.#terminal.line(`  ${name}`);
    if (names.length === 1) this.#terminal.line("  Its flags: the same with --help (in keyferry's words)");
  }

  #unknown(name: string): Misuse {
    const longer = this.names.filter((each) => name !== '' && each.startsWith(`${name} `));
    if (longer.length > 0) return new Misuse(`"${name}" is not all of a command. There are: ${longer.join(', ')}.`);
    const near = nearest(name, this.names);
    const advice = near === undefined ? 'Type help for the list.' : `Did you mean ${near}?`;
    return new Misuse(`This console has no command "${name}". ${advice}`);
  }

  async #logIn(words: readonly string[]): Promise<void> {
    const user = flagValue(words, '--username');
    const role = flagValue(words, '--role');
    if (user === undefined || (role !== 'admin' && role !== 'crypto-user')) {
      throw new Misuse('login --username <name> --role <admin|crypto-user> [--password <password>]');
    }
    const password = await this.#password(words, 'Enter password:');
    const login: ToolLogin = { role, pin: new Secret(`${user}:${password}`) };
    await this.#answer(async () => {
      await this.#tool.run(TRIAL, { login });
      this.#login = login;
      return { username: user, role };
    });
  }

  #logOut(): void {
    if (this.#login === null) throw new Misuse('Nobody is logged in.');
    this.#login = null;
    this.#show(0, "Logged out (in keyferry's words)");
  }

  async #command(words: readonly string[]): Promise<void> {
    const flagAt = words.findIndex((word) => word.startsWith('--'));
    const name = words.slice(0, flagAt < 0 ? undefined : flagAt).join(' ');
    if (!SIMULATED_COMMANDS.includes(name)) {
      const [, missing] = Object.entries(LEFT_OUT).find(([start]) => `${name} `.startsWith(`${start} `)) ?? [];
      if (missing !== undefined) throw new Misuse(`This console does not have ${name}: ${missing}.`);
      throw this.#unknown(name);
    }
    const secret = words.indexOf(PASSWORD);
    const args = secret < 0 ? words : words.filter((_word, place) => place !== secret && place !== secret + 1);
    // Nobody types a password, twice, for a command that is not understood.
    checkFlags(readWords(args));
    const options: ToolOptions = NEW_PASSWORD.includes(name)
      ? { login: this.#login, newPassword: new Secret(await this.#newPassword(words)) }
      : { login: this.#login };
    await this.#answer(() => this.#tool.run(args, options));
  }

  async #newPassword(words: readonly string[]): Promise<string> {
    const password = await this.#password(words, 'Enter password:');
    if (words.includes(PASSWORD)) return password;
    if ((await this.#terminal.askSecret('Confirm password:')) === password) return password;
    throw new Misuse('The two passwords are not the same; nothing was done.');
  }

  async #password(words: readonly string[], question: string): Promise<string> {
    const password = words.includes(PASSWORD) ? flagValue(words, PASSWORD) : await this.#terminal.askSecret(question);
    if (password === undefined || password === null || password === '') {
      throw new Misuse('No password was given; nothing was done.');
    }
    return password;
  }

  /** Errors have the code 1, whatever they are. */
  async #answer(act: () => Promise<unknown>): Promise<void> {
    try {
      this.#show(0, await act());
    } catch (error) {
      if (!(error instanceof ToolRefusal)) throw error;
      this.#show(1, error.message);
    }
  }

  #show(code: 0 | 1, data: unknown): void {
    for (const line of JSON.stringify({ error_code: code, data }, null, 2).split('\n')) this.#terminal.line(line);
  }
}

export const openCloudhsmCli = (options: ConsoleOptions): Console => new CliConsole(options);
