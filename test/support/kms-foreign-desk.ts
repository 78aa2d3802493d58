/** The command line in this process, before a simulated HSM with keys to move and a key management service that is not ours. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { createInterrupts } from '../../src/cli/interrupts.ts';
import type { Output } from '../../src/cli/io.ts';
import type { Shell } from '../../src/cli/shell.ts';
import { createStyles } from '../../src/cli/terminal/styles.ts';
import { failureJson } from '../../src/cli/views/failure-view.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import { ADAPTERS } from './adapters.ts';
import { openContext } from './engine-site.ts';
import type { ForeignKey } from './kms-foreign-keys.ts';
import { type ForeignService, openForeignKms } from './kms-foreign-service.ts';
import type { ForeignWays } from './kms-foreign-ways.ts';
import { makeSigningPair } from './pkcs11-private-keys.ts';

const PLAYBOOKS = join(import.meta.dirname, '../../playbooks');
const BAD_END = 70;

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** With --json the result: all of stdout, or its last line. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** No terminal, no colour; what was written is kept. */
function keeping(): Output & { text(): string } {
  let kept = '';
  return {
    stream: process.stderr,
    isTerminal: false,
    styles: createStyles(false),
    columns: () => null,
    write: async (text) => {
      kept += text;
    },
    flush: async () => undefined,
    text: () => kept,
  };
}

async function keyferry(args: readonly string[]): Promise<Said> {
  const [stdout, stderr] = [keeping(), keeping()];
  const shell: Shell = {
    io: { stdin: process.stdin, stdout, stderr, env: process.env },
    interrupts: createInterrupts(() => undefined),
    exitCode: 0,
  };
  let code: number;
  try {
    await runCommandLine(args, shell);
    code = shell.exitCode;
  } catch (error) {
    await stderr.write(failureJson(error));
    code = error instanceof KeyferryError ? error.exitCode : BAD_END;
  }
  return { code, stdout: stdout.text(), stderr: stderr.text(), json: resultIn(stdout.text()) };
}

function resultIn(stdout: string): Said['json'] {
  for (const text of [stdout, stdout.trimEnd().split('\n').at(-1) ?? '']) {
    try {
      return JSON.parse(text) as Said['json'];
    } catch {
      // Text for people, or lines before the result.
    }
  }
  return {};
}

export interface SeenItem {
  readonly state: string;
  readonly reason: string | null;
  readonly verification: { readonly method: string; readonly strength: string; readonly result: string } | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
}

export interface DeskOptions {
  readonly source?: 'classic' | 'cluster';
  readonly aes?: number;
  readonly hmac?: number;
  /** Key pairs by kind, of the cluster. */
  readonly pairs?: readonly string[];
  readonly ways?: Partial<ForeignWays>;
  /** Keys that the account has already. */
  readonly keys?: readonly ForeignKey[];
  /** Settings of the account beside its endpoint, as a YAML flow mapping. */
  readonly account?: string;
  /** Of the devices file; default eu-west-1. */
  readonly region?: string;
}

export interface ForeignCli {
  readonly kms: ForeignService;
  /** Of every command: devices file and home. */
  readonly common: readonly string[];
  keyferry(...args: readonly string[]): Promise<Said>;
  /** Of the newest run, by label. */
  items(): Promise<Readonly<Record<string, SeenItem>>>;
  /** Writes the playbook of this route, changed, and gives its path. */
  playbook(edit?: (text: string) => string): string;
  devices(account: string): void;
}

const QUICK =
  'settle-reads: 3, settle-interval: 10ms, quotas: { GetParametersForImport: 0, CreateKey: 0, ImportKeyMaterial: 0, CreateAlias: 0, UpdateAlias: 0, DeleteImportedKeyMaterial: 0 }';

/** Only inside of a test. The SDK takes its credentials from the environment. */
export async function foreignDesk(options: DeskOptions = {}): Promise<ForeignCli> {
  const { source = 'classic', aes = 2, hmac = 0, pairs = [] } = options;
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-foreign-'));
  const kms = await openForeignKms(options.ways, options.keys);
  onTestFinished(async () => {
    await kms.close();
    rmSync(dir, { recursive: true, force: true });
  });
  await fill(dir, source, { aes, hmac, pairs });
  const devices = (account: string): void => {
    const adapter = source === 'classic' ? 'luna-classic' : 'cloudhsm';
    const text = [
      'devices:',
      `  ${source}: { adapter: ${adapter}, driver: simulated, state: ${join(dir, source)}, crypto-workers: 0 }`,
      `  account: { adapter: kms, driver: aws, region: ${options.region ?? 'eu-west-1'}, ${account} }`,
      '',
    ].join('\n');
    writeFileSync(join(dir, 'devices.yaml'), text, { mode: 0o600 });
  };
  devices(`endpoint: "${kms.url}", ${QUICK}${options.account === undefined ? '' : `, ${options.account}`}`);
  const common = ['-d', join(dir, 'devices.yaml'), '--home', join(dir, 'home')];
  const desk: ForeignCli['keyferry'] = (...args) => keyferry([...args, ...common]);
  return {
    kms,
    common,
    devices,
    keyferry: desk,
    items: async () => {
      const { stdout } = await desk('status', '--items', '--json');
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as SeenItem & { label?: string });
      return Object.fromEntries(lines.flatMap((line) => (line.label === undefined ? [] : [[line.label, line]])));
    },
    playbook: (edit = (text) => text) => {
      const file = join(dir, `${source === 'classic' ? 'classic' : 'cloudhsm'}-to-kms.yaml`);
      writeFileSync(file, edit(readFileSync(join(PLAYBOOKS, file.slice(dir.length + 1)), 'utf8')));
      return file;
    },
  };
}

async function fill(
  dir: string,
  source: 'classic' | 'cluster',
  { aes, hmac, pairs }: { aes: number; hmac: number; pairs: readonly string[] },
): Promise<void> {
  const name = source === 'classic' ? 'luna-classic' : 'cloudhsm';
  const values = { state: join(dir, source), 'crypto-workers': 0 };
  const device = await ADAPTERS[name]?.open(
    { name: source, adapter: name, driver: 'simulated', values },
    openContext(dir),
  );
  if (device === undefined) throw new Error(`no adapter ${name}`);
  await device.fill?.({ count: aes, type: 'aes-256', prefix: 'payments-', nonextractableShare: 0 });
  for (let nth = 1; nth <= hmac; nth += 1) {
    const args = { type: 'generic-secret', bits: 256, label: `payments-mac-${nth}`, extractable: true };
    const { expectation } = await device.expect({ action: 'generate-key', args }, null);
    await device.perform({ action: 'generate-key', args, expectation });
  }
  for (const kind of pairs) await makeSigningPair(device, kind, { label: `payments-${kind}` });
  await device.close();
}
