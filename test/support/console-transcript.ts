/**
 * Runs transcripts of the vendors' documents in the consoles. What a document prints is compared line by line; handles and check values are
 * the cluster's own, so the first that stands for one in the document names it from then on.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { SimulatedCluster } from '../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCloudhsmMgmtUtil } from '../../src/consoles/cloudhsm-mgmt-util/open-cloudhsm-mgmt-util.ts';
import type { Console, Terminal } from '../../src/consoles/console.ts';
import type { Edition } from '../../src/consoles/edition.ts';
import { openKeyMgmtUtil } from '../../src/consoles/key-mgmt-util/open-key-mgmt-util.ts';

/** What a document prints by mistake; each must occur in the transcript. */
export interface Slip {
  readonly printed: string;
  readonly meant: string;
  readonly reason: string;
}

export interface TranscriptOptions {
  readonly text: string;
  readonly slips: readonly Slip[];
  readonly edition: Edition;
  readonly clusters: Readonly<Record<string, SimulatedCluster>>;
  /** The document's copy has lost its line breaks. */
  readonly ignoresLayout: boolean;
  readonly passTime?: (seconds: number) => void;
}

export interface Exchange {
  readonly command: string;
  readonly expected: string;
  readonly actual: string;
}

const PROMPT = /^(?:Command:|aws-cloudhsm>)\s*/;
const ANSWERED = /(?:\(y\/n\)\?|\(R\/I\/A\):|\(R\/B\/I\):)(\S+)/g;
const TOOLS = { key_mgmt_util: openKeyMgmtUtil, cloudhsm_mgmt_util: openCloudhsmMgmtUtil } as const;

/** A terminal whose answers are known beforehand; all it shows is kept. */
export class RecordingTerminal implements Terminal {
  shown = '';
  readonly notes: string[] = [];
  answers: string[] = [];

  line(text = ''): void {
    this.shown += `${text}\n`;
  }

  note(text: string): void {
    this.notes.push(text);
  }

  async ask(question: string): Promise<string | null> {
    const answer = this.answers.shift() ?? null;
    this.shown += `${question}${answer ?? ''}\n`;
    return answer;
  }

  async askSecret(question: string): Promise<string | null> {
    this.shown += `${question}\n`;
    return this.answers.shift() ?? null;
  }

  async flush(): Promise<void> {}

  take(): string {
    const { shown } = this;
    this.shown = '';
    return shown;
  }
}

interface Window {
  readonly console: Console;
  readonly terminal: RecordingTerminal;
}

export async function runTranscript(options: TranscriptOptions): Promise<Exchange[]> {
  const player = new Player(options);
  try {
    await player.play(correct(options.text, options.slips));
    return player.exchanges;
  } finally {
    await player.close();
  }
}

/** Every slip must be where the list says. */
function correct(text: string, slips: readonly Slip[]): string {
  return slips.reduce((corrected, { printed, meant }) => {
    if (!corrected.includes(printed)) throw new Error(`the transcript does not print: ${printed}`);
    return corrected.replaceAll(printed, meant);
  }, text);
}

class Player {
  readonly exchanges: Exchange[] = [];
  readonly #options: TranscriptOptions;
  readonly #windows = new Map<string, Window>();
  readonly #bound = new Map<string, string>();
  #current: Window | null = null;
  #isExcerpt = false;

  constructor(options: TranscriptOptions) {
    this.#options = options;
  }

  async play(text: string): Promise<void> {
    const lines = text.split('\n');
    let at = 0;
    while (at < lines.length) {
      const line = lines[at] ?? '';
      at += 1;
      if (line === '' || line.startsWith('#')) continue;
      const block: string[] = [];
      const takesOutput = PROMPT.test(line) || line.startsWith('$ ');
      while (
        takesOutput &&
        at < lines.length &&
        !/^(?:== |! |\$ |excerpt$|clock |#)/.test(lines[at] ?? '') &&
        !PROMPT.test(lines[at] ?? '')
      ) {
        block.push(lines[at] ?? '');
        at += 1;
      }
      await this.#step(line, block.join('\n'));
    }
  }

  async close(): Promise<void> {
    for (const { console } of this.#windows.values()) await console.close();
  }

  async #step(line: string, expected: string): Promise<void> {
    if (line.startsWith('== ')) this.#open(line);
    else if (line === 'excerpt') this.#isExcerpt = true;
    else if (line.startsWith('clock +')) this.#options.passTime?.(Number(line.slice(7)));
    else if (line.startsWith('! ')) await this.#prepare(line.slice(2));
    else if (line.startsWith('$ ')) this.#host(line.slice(2), expected);
    else await this.#type(line.replace(PROMPT, ''), expected);
  }

  #open(line: string): void {
    const match = /^== (key_mgmt_util|cloudhsm_mgmt_util) (\S+) on (\S+)$/.exec(line);
    const tool = match?.[1] as keyof typeof TOOLS | undefined;
    const cluster = this.#options.clusters[match?.[3] ?? ''];
    if (tool === undefined || cluster === undefined) throw new Error(`no window: ${line}`);
    let window = this.#windows.get(line);
    if (window === undefined) {
      const terminal = new RecordingTerminal();
      window = { terminal, console: TOOLS[tool]({ cluster, edition: this.#options.edition, terminal }) };
      terminal.take();
      this.#windows.set(line, window);
    }
    this.#current = window;
  }

  async #say(command: string, answers: readonly string[]): Promise<string> {
    if (this.#current === null) throw new Error('no window is open');
    const { console, terminal } = this.#current;
    terminal.answers = [...answers];
    const end = await console.run(command);
    const shown = terminal.take();
    if (end !== 'done') throw new Error(`${command}: ${end}: ${shown}`);
    if (terminal.answers.length > 0)
      throw new Error(`${command} did not ask for ${terminal.answers.join(', ')}:\n${shown}`);
    return shown;
  }

  /** `genSymKey … => 20` names the key; `setMValue … (y)` answers. */
  async #prepare(text: string): Promise<void> {
    const [, command = '', answer, name] = /^(.*?)(?: \((\S+)\))?(?: => (\S+))?$/.exec(text) ?? [];
    const shown = await this.#say(command, answer === undefined ? [] : [answer]);
    const handle = /Key Handle: (\d+)/.exec(shown)?.[1];
    if (name !== undefined) this.#bound.set(name, handle ?? '');
    if (/failed(?: on|:)|refused/i.test(shown)) throw new Error(`${command}: ${shown}`);
  }

  #host(commandLine: string, expected: string): void {
    const [program = '', ...words] = commandLine.split(' ');
    const actual =
      program === 'cat'
        ? readFileSync(words[0] ?? '', 'utf8')
        : execFileSync(program, words, { stdio: 'pipe' }).toString();
    this.#compare(commandLine, expected, actual);
  }

  async #type(command: string, expected: string): Promise<void> {
    const answers = [...expected.matchAll(ANSWERED)].map((match) => match[1] ?? '');
    const typed = command
      .replace(/(-[kow] )(\d+)/g, (_all, flag: string, handle: string) => `${flag}${this.#actual(handle)}`)
      .replace(
        /^((?:set|get)Attribute|shareKey) (\d+)/,
        (_all, name: string, handle: string) => `${name} ${this.#actual(handle)}`,
      );
    this.#compare(command, expected, await this.#say(typed, answers));
  }

  #actual(name: string): string {
    return this.#bound.get(name) ?? name;
  }

  #compare(command: string, expected: string, shown: string): void {
    const [wanted, actual] = [this.#normal(expected), this.#normal(shown)];
    for (const pattern of [/Key Handle: (\d+)/g, /OBJ_ATTR_KCV\s+(0x[0-9a-f]{6})/g]) {
      const made = [...actual.matchAll(pattern)];
      for (const [place, match] of [...wanted.matchAll(pattern)].entries()) {
        if (!this.#bound.has(match[1] ?? '')) this.#bound.set(match[1] ?? '', made[place]?.[1] ?? '');
      }
    }
    const named = wanted
      .replace(/(Key Handle: |OBJ_ATTR_KCV\s+)(\w+)/g, (_all, head: string, name: string) => head + this.#actual(name))
      .replace(/(from start index 0::\d+\s+)([\d,]+)/g, (_all, head: string, names: string) => {
        return (
          head +
          names
            .split(',')
            .map((name) => this.#actual(name))
            .join(',')
        );
      });
    const isThere = this.#isExcerpt && actual.includes(named);
    this.#isExcerpt = false;
    this.exchanges.push({ command, expected: named, actual: isThere ? named : actual });
  }

  #normal(text: string): string {
    if (this.#options.ignoresLayout) return text.replace(/\s+/g, ' ').trim();
    return text
      .replaceAll('\t', '        ')
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
      .replace(/^\n+|\n+$/g, '');
  }
}
