/** A source and a target in memory that do as told, until a test says otherwise: for tests of the engine's own rules. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ActionCall, ActionResult, BoundDevice, Forecast, Reconciliation } from '../../src/adapters/adapter.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { StoredEntry } from '../../src/journal/journal.ts';
import { openJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import { openRunStore } from '../../src/journal/sqlite/sqlite-run-store.ts';
import { isKeyRef, type KeyRef } from '../../src/keys/key-record.ts';
import { labelText, locatorName } from '../../src/keys/locator.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { PlanSource } from '../../src/plan/model.ts';
import type { Playbook, Step } from '../../src/playbook/model.ts';
import type { ResumeOptions, RunHandle, RunObserver, RunResult } from '../../src/workflows/engine.ts';
import { resumeRun } from '../../src/workflows/resume-run.ts';
import { startRun } from '../../src/workflows/start-run.ts';
import { NOBODY } from './engine-harness.ts';
import { type FakeDevice, type FakeDeviceOptions, type FakeKey, fakeDevice, fakeRecord } from './fake-device.ts';
import { ACTIONS, anOutput, aPlaybook, aStep, mainSteps } from './plan-playbook.ts';

export type FakeRole = 'source' | 'target';

/** One call as the device got it. */
export interface Performed {
  readonly role: FakeRole;
  readonly method: 'perform' | 'reconcile' | 'expect';
  readonly action: string;
  /** Label of the key that it concerns, where there is one. */
  readonly label: string | null;
}

export interface Told {
  readonly call: ActionCall;
  readonly label: string | null;
  /** How often this method of this action was called for this label, this time included. */
  readonly nth: number;
  /** What the device does when it is told nothing. */
  usual(): Promise<ActionResult>;
}

/** `target unwrap-key`, `target reconcile unwrap-key`, … → what happens instead; undefined: the usual. */
export type Script = Readonly<
  Record<string, (told: Told) => Promise<ActionResult | Reconciliation | Forecast | undefined> | undefined>
>;

export interface FakeSite {
  readonly source: FakeDevice;
  readonly target: FakeDevice;
  readonly devices: ReadonlyMap<string, BoundDevice>;
  /** Every call that may change a device, and every question about one, in order. */
  readonly log: Performed[];
  /** May be replaced between runs. */
  script: Script;
  /** What `publicKey` gives, by role. */
  readonly spki: Record<FakeRole, string>;
  labels(role: FakeRole): string[];
  /** `target perform unwrap-key`: the labels of such calls. */
  called(what: string): (string | null)[];
  run(playbook?: Playbook, options?: FakeRunOptions): Promise<RunResult>;
  start(playbook?: Playbook, options?: FakeRunOptions): Promise<RunHandle>;
  resume(id: string, playbook?: Playbook, options?: FakeResumeOptions): Promise<RunResult>;
  startResume(id: string, playbook?: Playbook, options?: FakeResumeOptions): Promise<RunHandle>;
  entries(id: string): Promise<readonly StoredEntry[]>;
  readonly home: string;
}

export interface FakeRunOptions {
  readonly observer?: RunObserver;
  readonly stale?: ReadonlyMap<number, string>;
  readonly concurrency?: number;
  /** Between plan and run. */
  readonly beforeRun?: (plan: PlanSource) => void | Promise<void>;
}

export interface FakeResumeOptions extends Pick<FakeRunOptions, 'observer' | 'concurrency'> {
  readonly mode?: ResumeOptions['mode'];
}

export const done = (outputs: ActionResult['outputs'] = {}): ActionResult => ({ outputs, violations: [] });

export const keysNamed = (count: number, rest: Partial<FakeKey> = {}): FakeKey[] =>
  Array.from({ length: count }, (_, index) => ({ label: `key-${index + 1}`, id: `0${index + 1}`.slice(-2), ...rest }));

const UNDO = [{ action: 'delete-key', argument: 'key', output: 'key' }] as const;

/** The steps of the main route; what arrives can be taken back. */
export const eachSteps = (rest: Partial<Step> = {}): Step[] =>
  mainSteps().map((step) => ({
    ...step,
    ...(step.action === 'unwrap-key' ? { spec: { ...step.spec, undo: UNDO } } : {}),
    ...rest,
  }));

/** The throw-away key of the main route. */
export const canaryStep = (): Step =>
  aStep('source', { ...ACTIONS.generate, undo: UNDO }, { id: 'canary', block: 'canary' });

export const cleaning = (role: FakeRole, id: string, step: string, output: string): Step =>
  aStep(role, ACTIONS.delete, { id, block: 'finally', with: { key: anOutput(step, output) } });

const undoOf = (step: Step) =>
  Object.keys(step.spec.outputs).map((output) => ({ action: 'delete-key', argument: 'key', output }));

/** The main route from pair to clean-up. */
export const routePlaybook = (rest: Partial<Playbook> = {}): Playbook =>
  aPlaybook({
    prepare: aPlaybook().prepare.map((step) => ({ ...step, spec: { ...step.spec, undo: undoOf(step) } })),
    each: eachSteps(),
    finally: [
      cleaning('source', 'clean_wrapper', 'wrapper', 'key'),
      cleaning('target', 'clean_private', 'pair', 'private_key'),
      cleaning('target', 'clean_public', 'pair', 'public_key'),
    ],
    ...rest,
  });

/** Only inside of a test. */
export function fakeSite(
  options: {
    readonly keys?: readonly FakeKey[];
    readonly script?: Script;
    readonly source?: FakeDeviceOptions;
    readonly target?: FakeDeviceOptions;
  } = {},
): FakeSite {
  const home = mkdtempSync(join(tmpdir(), 'keyferry-fakes-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const log: Performed[] = [];
  const counts = new Map<string, number>();
  const site = { script: options.script ?? {}, spki: { source: 'pair', target: 'pair' } };

  const vault = (role: FakeRole, more: FakeDeviceOptions): FakeDevice => {
    const told = async <T>(method: Performed['method'], call: ActionCall, usual: () => Promise<T>): Promise<T> => {
      const label = labelOf(call);
      log.push({ role, method, action: call.action, label });
      const name = method === 'perform' ? `${role} ${call.action}` : `${role} ${method} ${call.action}`;
      const nth = (counts.get(`${name}/${label}`) ?? 0) + 1;
      counts.set(`${name}/${label}`, nth);
      const instead = await site.script[name]?.({ call, label, nth, usual: usual as () => Promise<never> });
      return instead === undefined ? await usual() : (instead as T);
    };
    const fake: FakeDevice = fakeDevice({
      role,
      ...more,
      perform: (call) => told('perform', call, async () => perform(fake, role, call)),
      expect: (call) => told('expect', call, async () => forecast(role)),
      reconcile: (call) => told('reconcile', call, async () => look(fake, role, call)),
    });
    const device = {
      ...fake.bound.device,
      publicKey: async () => new TextEncoder().encode(site.spki[role]),
    };
    return {
      ...fake,
      bound: { ...fake.bound, device },
      get keys() {
        return fake.keys;
      },
      set keys(keys) {
        fake.keys = keys;
      },
    };
  };
  const source = vault('source', { keys: [...(options.keys ?? keysNamed(3))], ...options.source });
  const target = vault('target', { keys: [], ...options.target });
  const devices = new Map([source.bound, target.bound].map((bound) => [bound.role, bound]));

  const environment = async (given: FakeRunOptions) => ({
    store: await openRunStore(home),
    version: '0.0.0',
    observer: given.observer ?? NOBODY,
    devices,
    secretInputs: {},
    inputs: { bits: 2048 },
    concurrency: given.concurrency ?? null,
  });
  const whole: FakeSite = {
    source,
    target,
    devices,
    log,
    get script() {
      return site.script;
    },
    set script(script) {
      site.script = script;
      counts.clear();
    },
    spki: site.spki,
    home,
    labels: (role) => [...(role === 'source' ? source : target).keys].map(({ label }) => label).sort(),
    called: (what) =>
      log.filter((each) => `${each.role} ${each.method} ${each.action}` === what).map(({ label }) => label),
    start: async (playbook = routePlaybook(), given = {}) => {
      const plan = await makePlan({
        playbook,
        inputs: { bits: 2048 },
        devices,
        approvers: {},
        fingerprint: true,
        version: '0.0.0',
        spoolDir: join(home, 'spool'),
      });
      onTestFinished(() => plan.dispose());
      await given.beforeRun?.(plan);
      return await startRun({
        ...(await environment(given)),
        plan,
        playbook,
        ...(given.stale === undefined ? {} : { stale: given.stale }),
      });
    },
    run: async (playbook, given) => (await whole.start(playbook, given)).result,
    startResume: async (id, playbook = routePlaybook(), given = {}) =>
      resumeRun({ ...(await environment(given)), run: id, playbook, mode: given.mode ?? 'resume' }),
    resume: async (id, playbook, given) => (await whole.startResume(id, playbook, given)).result,
    entries: async (id) => {
      const journal = await openJournal({ dir: join(home, 'runs', id), run: id, readOnly: true });
      try {
        await journal.verifyChain();
        return [...journal.entries()];
      } finally {
        await journal.close();
      }
    },
  };
  return whole;
}

function labelOf({ args }: ActionCall): string | null {
  const key = [args.like, args.key].find(isKeyRef);
  return key === undefined ? null : (labelText(key.locator.label) ?? null);
}

const refTo = (role: FakeRole, key: FakeKey): KeyRef => ({
  kind: 'key',
  device: role,
  locator: fakeRecord(key, `serial-${role}`).locator,
});

const forecast = (role: FakeRole): Forecast => ({
  expectation: { kind: 'count', locator: refTo(role, { label: 'any' }).locator, named: 0, same: 0 },
  already: null,
});

const PAIR = { label: 'wrapping', id: 'aa', type: 'rsa', attributes: { local: true } } as const;

/** The key that an action is to make. */
function wanted(call: ActionCall): FakeKey[] {
  switch (call.action) {
    case 'generate-rsa-key-pair':
      return [
        { ...PAIR, class: 'public' },
        { ...PAIR, class: 'private' },
      ];
    case 'import-public-key':
      return [{ ...PAIR, class: 'public' }];
    case 'generate-key':
      return [{ label: 'canary', id: 'cc' }];
    default: {
      const { like } = call.args;
      if (!isKeyRef(like)) throw new Error(`${call.action} is like no key`);
      return [{ label: labelText(like.locator.label) ?? '', id: like.locator.id, attributes: { extractable: false } }];
    }
  }
}

function outputsOf(role: FakeRole, call: ActionCall): ActionResult {
  const [first, second] = wanted(call).map((key) => refTo(role, key));
  return call.action === 'generate-rsa-key-pair'
    ? done({ public_key: first, private_key: second })
    : done({ key: first });
}

const CREATING = ['generate-rsa-key-pair', 'import-public-key', 'generate-key', 'unwrap-key'];

const isNamed = (role: FakeRole, key: FakeKey, ref: KeyRef): boolean =>
  locatorName(refTo(role, key).locator) === locatorName(ref.locator);

function perform(fake: FakeDevice, role: FakeRole, call: ActionCall): ActionResult {
  if (CREATING.includes(call.action)) {
    fake.keys = [...fake.keys, ...wanted(call)];
    return outputsOf(role, call);
  }
  if (call.action === 'wrap-key') return done({ data: { kind: 'wrapped-key' } });
  if (call.action !== 'delete-key') return done({});
  const { key } = call.args;
  if (!isKeyRef(key)) throw new Error('delete-key of no key');
  const left = [...fake.keys].filter((each) => !isNamed(role, each, key));
  if (left.length === [...fake.keys].length) throw new KeyferryError('key-not-found', `${role}: there is no such key`);
  fake.keys = left;
  return done({});
}

/** What a look at the device says of a call without an answer. */
function look(fake: FakeDevice, role: FakeRole, call: ActionCall): Reconciliation {
  const { key } = call.args;
  if (call.action === 'delete-key') {
    const isThere = isKeyRef(key) && [...fake.keys].some((each) => isNamed(role, each, key));
    return isThere ? { state: 'absent' } : { state: 'done', ...done({}) };
  }
  const made = wanted(call).map((each) => refTo(role, each));
  const isThere = made.every((ref) => [...fake.keys].some((each) => isNamed(role, each, ref)));
  return isThere ? { state: 'done', ...outputsOf(role, call) } : { state: 'absent' };
}

/** Errors as devices give them. */
export const busy = (): never => {
  throw new KeyferryError('device-busy', 'busy');
};
export const refuse = (): never => {
  throw new KeyferryError('device-refused', 'the device refused');
};
export const noAnswer = (): never => {
  throw new KeyferryError('outcome-unknown', 'no answer', { outcome: 'unknown' });
};
export const lost = (): never => {
  throw new KeyferryError('device-lost', 'the device is gone', { outcome: 'unknown' });
};

/** Answers the usual, and then says nothing of it. */
export const lostReply = async ({ usual }: Told): Promise<never> => {
  await usual();
  return noAnswer();
};

/** A gate that a scripted call waits at. */
export function aGate(): { readonly open: () => void; readonly passed: Promise<void> } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}
