/**
 * Runs of the playbooks about a cluster and its users, over one simulated cluster whose state outlives a process. Images of the folder are
 * taken at every write of the journal and put back in its place, as if the power had been cut then.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BoundDevice } from '../../src/adapters/adapter.ts';
import { cloudhsm } from '../../src/adapters/cloudhsm/adapter.ts';
import type { OnWrite } from '../../src/journal/sqlite/journal-writer.ts';
import { openRunStore } from '../../src/journal/sqlite/sqlite-run-store.ts';
import type { Secret } from '../../src/keys/secret.ts';
import { pinnedDocument } from '../../src/plan/digest.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Json, Playbook } from '../../src/playbook/model.ts';
import { parsePlaybook, parsePlaybookDocument } from '../../src/playbook/parse-playbook.ts';
import type { RunHandle, RunResult } from '../../src/workflows/engine.ts';
import { resumeRun } from '../../src/workflows/resume-run.ts';
import { startRun } from '../../src/workflows/start-run.ts';
import { ADAPTERS } from './adapters.ts';
import { EVERY_WRITE, inputsOf, journalOf, NOBODY } from './engine-harness.ts';
import { openContext, siteAt } from './engine-site.ts';

const PLAYBOOKS = join(import.meta.dirname, '../../playbooks');

/** Role → settings of the simulated driver beside those of the cluster. */
export type Roles = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface ClusterSiteOptions {
  /** File in playbooks/. */
  readonly playbook: string;
  readonly roles: Roles;
  readonly inputs?: Readonly<Record<string, Json>>;
  readonly secrets?: Readonly<Record<string, Secret>>;
}

export interface Image {
  readonly name: string;
  readonly run: string;
  /** Puts the folder back to that moment. */
  restore(): void;
}

const CLUSTER = {
  nodes: 2,
  officers: ['officer1', 'officer2'],
  'crypto-users': ['crypto_user3', 'crypto_user4', 'crypto_user5'],
  'crypto-workers': 0,
} as const;

export class ClusterSite {
  readonly dir: string;
  readonly #options: ClusterSiteOptions;
  readonly #album: string;
  readonly #images: (Image & { readonly point: Parameters<OnWrite>[0]; readonly seq: number })[] = [];
  #isFilming = true;

  /** Only inside of a test. */
  constructor(options: ClusterSiteOptions) {
    this.#options = options;
    const folder = mkdtempSync(join(tmpdir(), 'keyferry-cluster-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    this.dir = join(folder, 'site');
    this.#album = join(folder, 'images');
    mkdirSync(join(this.dir, 'home'), { recursive: true, mode: 0o700 });
    mkdirSync(this.#album);
  }

  /** A device of the cluster, as a process of its own would have it. The caller closes it. */
  async open(role: string, values: Readonly<Record<string, unknown>>): Promise<BoundDevice> {
    const settings = {
      name: role,
      adapter: 'cloudhsm',
      driver: 'simulated',
      values: { ...CLUSTER, state: join(this.dir, 'cluster'), ...values },
    };
    const device = await cloudhsm.open(settings, openContext(join(this.dir, 'home')));
    return { role, settings, description: await device.describe(), device };
  }

  async run(): Promise<RunResult> {
    const text = readFileSync(join(PLAYBOOKS, this.#options.playbook), 'utf8');
    const playbook = parsePlaybook({ file: this.#options.playbook, text, adapters: ADAPTERS });
    return await this.#withDevices(async (devices) => {
      const environment = await this.#environment(playbook, devices);
      const plan = await makePlan({
        playbook,
        inputs: environment.inputs,
        devices,
        approvers: {},
        fingerprint: true,
        version: '0.0.0',
        spoolDir: join(this.dir, 'spool'),
      });
      try {
        const handle = await startRun({ ...environment, plan, playbook });
        return await handle.result;
      } finally {
        await plan.dispose();
      }
    });
  }

  /** `watching`: with `--wait`, and whoever it is is told what the operator is told. */
  async resume(run: string, watching?: (notice: string, handle: RunHandle) => void): Promise<RunResult> {
    const { plan } = await journalOf(siteAt(this.dir), run);
    const playbook = parsePlaybookDocument(pinnedDocument(plan), ADAPTERS);
    return await this.#withDevices(async (devices) => {
      const waiting = watching && {
        wait: true,
        observer: { ...NOBODY, notice: (text: string) => setImmediate(() => watching(text, handle)) },
      };
      const environment = { ...(await this.#environment(playbook, devices)), ...waiting };
      const handle: RunHandle = await resumeRun({ ...environment, run, playbook, mode: 'resume' });
      return await handle.result;
    });
  }

  /** Steps with an applied outcome, in order. */
  async applied(run: string): Promise<string[]> {
    const { entries } = await journalOf(siteAt(this.dir), run);
    return entries.flatMap(({ entry }) =>
      entry.kind === 'outcome' && entry.result === 'applied' ? [entry.call.step] : [],
    );
  }

  /**
   * Images that differ: between an entry and the next one only a call can have changed something, and the call's outcome comes next. From
   * now on nothing is photographed.
   */
  async develop(run: string): Promise<readonly Image[]> {
    this.#isFilming = false;
    const { entries } = await journalOf(siteAt(this.dir), run);
    const outcomes = new Set(entries.filter(({ entry }) => entry.kind === 'outcome').map(({ seq }) => seq));
    return this.#images.filter(({ point, seq }) => point === 'after-commit' || outcomes.has(seq));
  }

  async #environment(playbook: Playbook, devices: ReadonlyMap<string, BoundDevice>) {
    const { inputs = {}, secrets = {} } = this.#options;
    const tuning = this.#isFilming ? { ...EVERY_WRITE, onWrite: this.#onWrite } : EVERY_WRITE;
    const known = Object.keys(inputs).length === 0 ? await inputsOf(playbook) : inputs;
    return {
      store: await openRunStore(join(this.dir, 'home'), tuning),
      version: '0.0.0',
      observer: NOBODY,
      devices,
      secretInputs: secrets,
      inputs: known,
      concurrency: null,
      wait: false,
    };
  }

  readonly #onWrite: OnWrite = (point, seq) => {
    const image = join(this.#album, String(this.#images.length));
    execFileSync('cp', ['-a', this.dir, image]);
    const [run = ''] = execFileSync('ls', [join(image, 'home', 'runs')], { encoding: 'utf8' }).split('\n');
    this.#images.push({
      point,
      seq,
      name: `${point} of ${seq}`,
      run,
      restore: () => {
        rmSync(this.dir, { recursive: true, force: true });
        execFileSync('cp', ['-a', image, this.dir]);
      },
    });
  };

  async #withDevices<T>(work: (devices: ReadonlyMap<string, BoundDevice>) => Promise<T>): Promise<T> {
    const devices = new Map<string, BoundDevice>();
    try {
      for (const [role, values] of Object.entries(this.#options.roles))
        devices.set(role, await this.open(role, values));
      return await work(devices);
    } finally {
      for (const { device } of devices.values()) await device.close();
    }
  }
}
