/** Migrations into the simulated KMS by the real command line, killed at random moments of a fixed seed. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KmsFault } from '../../src/adapters/kms/simulator/faults.ts';
import { lastJson, REPOSITORY, runCli, startCli } from './built-cli.ts';
import { ROLES } from './engine-site.ts';
import type { KmsSite } from './kms-route-site.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function seededMoments(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

/** Not AWS's quotas: a run of hundreds of keys would take half an hour. */
const NO_QUOTAS = Object.fromEntries(
  ['GetParametersForImport', 'CreateKey', 'ImportKeyMaterial', 'CreateAlias', 'UpdateAlias', 'ScheduleKeyDeletion'].map(
    (operation) => [operation, 0],
  ),
);

export interface DeskOptions {
  readonly faults?: readonly KmsFault[];
  readonly seed?: number;
  /** Settings of the account instead of those of the simulated one. */
  readonly account?: Readonly<Record<string, unknown>>;
}

/** A devices file beside the state folders. JSON is YAML. */
export function writeKmsDevices(site: KmsSite, { faults = [], seed = 1, account }: DeskOptions = {}): void {
  const devices = {
    [site.source]: { adapter: ROLES[site.source], driver: 'simulated', state: site.source },
    account: account ?? {
      adapter: 'kms',
      driver: 'simulated',
      state: 'account',
      quotas: NO_QUOTAS,
      'wrapping-keys': 4,
      'settle-reads': 5,
      'settle-interval': '2ms',
      'fault-seed': seed,
      faults: faults.map(({ isFlipping, ...fault }) => ({
        ...fault,
        ...(isFlipping === undefined ? {} : { flipping: isFlipping }),
      })),
    },
  };
  writeFileSync(join(site.dir, 'devices.yaml'), JSON.stringify({ devices }), { mode: 0o600 });
}

/** The playbook of the site's route, its text changed. */
export function writeKmsPlaybook({ dir, route }: KmsSite, edit: (text: string) => string = (text) => text): void {
  const text = readFileSync(join(REPOSITORY, 'playbooks', `${route}.yaml`), 'utf8');
  writeFileSync(join(dir, 'playbook.yaml'), edit(text));
}

export interface Killing extends DeskOptions {
  readonly kills: number;
  /** Longest wait before a kill. */
  readonly spanMs: number;
  /** Of the playbook's text. */
  readonly edit?: (text: string) => string;
}

export interface Killed {
  /** Kills that met a living run. */
  readonly kills: number;
  readonly run: string;
  readonly status: Record<string, unknown>;
}

/** Starts the run, kills it, resumes it, kills it … and at last lets it finish. */
export async function runKillingKms(site: KmsSite, killing: Killing): Promise<Killed> {
  const { kills: wanted, spanMs, seed = 1 } = killing;
  writeKmsDevices(site, killing);
  writeKmsPlaybook(site, killing.edit);
  const at = { cwd: site.dir };
  const common = ['--json', '--home', 'home', '--concurrency', '32'];
  const moment = seededMoments(seed);
  const hasJournal = (): boolean => {
    const runs = join(site.home, 'runs');
    return existsSync(runs) && readdirSync(runs).some((run) => existsSync(join(runs, run, 'journal.db')));
  };
  let kills = 0;
  for (let round = 0; kills < wanted; round += 1) {
    const args = hasJournal() ? ['resume', ...common] : ['run', 'playbook.yaml', '--yes', ...common];
    const { child, result } = startCli(args, at);
    const ended = result.then(() => true);
    // Before the run exists there is nothing yet to lose; nor while the programs that resume it are loaded.
    if (round > 0) await sleep(600);
    while (!hasJournal()) await Promise.race([sleep(10), ended]);
    const isOver = await Promise.race([ended, sleep(100 + moment() * spanMs).then(() => false)]);
    if (isOver) {
      const { code, stderr } = await result;
      throw new Error(`${args[0]} ended before kill ${kills + 1}, with ${code}\n${stderr}`);
    }
    child.kill('SIGKILL');
    kills += 1;
    await result;
  }
  const last = await runCli(['resume', ...common], { ...at, timeoutMs: 240_000 });
  if (last.code !== 0) throw new Error(`resume: ${last.code}\n${last.stderr}\n${last.stdout}`);
  const status = lastJson(await runCli(['status', '--json', '--home', 'home'], at));
  return { kills, run: String(status.run), status };
}
