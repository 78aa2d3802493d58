/** The gate over a real journal, with a clock that the test moves and signatures of the openssl program. */
import { afterAll, describe, expect, test } from 'vitest';
import { statementText } from '../../src/approvals/statement.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { Entry, Journal } from '../../src/journal/journal.ts';
import { createJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import type { Block, Step } from '../../src/playbook/model.ts';
import { ApprovalGate, type GateKeeper } from '../../src/workflows/approval-gate.ts';
import { currentApprovals, readApprovals } from '../../src/workflows/approval-records.ts';
import { StopSwitch } from '../../src/workflows/run-environment.ts';
import { Suspension } from '../../src/workflows/suspension.ts';
import { type Person, people } from '../support/approval-people.ts';
import { aHead, planItems } from '../support/journal-fixtures.ts';
import { aFolder } from '../support/journal-folder.ts';

const { person, remove } = people();
afterAll(remove);
const [alice, bob, carol] = [person('alice'), person('bob', 'p-256'), person('carol', 'p-256')];
const APPROVERS = { alice: alice.key.sha256, bob: bob.key.sha256, carol: carol.key.sha256 };

const step = (id: string, more: { quorum?: number; block?: Block; validForMs?: number } = {}): Step =>
  ({
    id,
    block: more.block ?? 'prepare',
    approval: { quorum: more.quorum ?? 2, ...(more.validForMs === undefined ? {} : { validForMs: more.validForMs }) },
  }) as Step;

async function aGate(options: { readonly isPatient?: boolean; readonly keeper?: Partial<GateKeeper> } = {}) {
  const head = aHead();
  const plan = { ...(head.plan as object), approvers: APPROVERS };
  const journal = await createJournal({
    dir: await aFolder(),
    run: head.run,
    head: { ...head, plan },
    items: planItems(1),
  });
  const stop = new StopSwitch();
  const notices: string[] = [];
  const told: string[] = [];
  const clock = { at: 1_800_000_000_000, now: () => clock.at };
  const open = (isPatient = options.isPatient ?? false): ApprovalGate => {
    const gate = new ApprovalGate({
      journal,
      generation: 1,
      clock,
      stop,
      isPatient,
      observer: { progress: () => undefined, notice: (text) => notices.push(text) },
    });
    gate.keep({
      readInbox: async () => undefined,
      waiting: async (reason) => void told.push(reason),
      passed: async () => void told.push('passed'),
      ...options.keeper,
    });
    return gate;
  };
  return { journal, stop, notices, told, clock, open, gate: open() };
}

const approvals = (journal: Journal): Extract<Entry, { kind: 'approval' }>[] =>
  [...journal.entries({ kinds: ['approval'] })].flatMap(({ entry }) => (entry.kind === 'approval' ? [entry] : []));
const events = (journal: Journal): string[] =>
  approvals(journal).map(
    (entry) => `${entry.event} ${entry.step}${entry.event === 'signed' ? ` ${entry.approver}` : ''}`,
  );

/** What `approve` in another process posts: over the latest request for the step. */
function message(journal: Journal, who: Person, stepId: string, sign = (text: string) => who.sign(text)) {
  const { ground, records } = readApprovals(journal, 0);
  const record = records.find(({ request }) => request.step === stepId);
  if (record === undefined) throw new Error(`${stepId} was not asked for`);
  const text = statementText({ ...ground, approver: who.name, request: record.request });
  return {
    kind: 'approve',
    approver: who.name,
    publicKey: Buffer.from(who.key.spki).toString('base64'),
    signature: Buffer.from(sign(text)).toString('base64'),
  } as const;
}

async function suspension(passing: Promise<void>): Promise<Suspension> {
  const error = await passing.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Suspension)) throw new Error('it was not suspended', { cause: error });
  return error;
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 500) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('signatures that a device lacks', () => {
  const missing = (text: string) => new KeyferryError('approval-waiting', text, { device: 'cluster', hint: 'Sign.' });

  test('are not waited for by a run that does not wait', async () => {
    const { journal, gate, notices, told } = await aGate();
    expect(await gate.looksAgain(missing('0 of 2.'))).toBe(false);
    await gate.came();
    expect([notices, told]).toEqual([[], []]);
    await journal.close();
  });

  test('are looked for again, and each state of things is told once', async () => {
    const { journal, gate, notices, told } = await aGate({ isPatient: true });
    for (const text of ['0 of 2.', '0 of 2.', '1 of 2.']) {
      const looking = gate.looksAgain(missing(text));
      gate.wake();
      await new Promise((resolve) => setImmediate(resolve));
      gate.wake();
      expect(await looking).toBe(true);
    }
    await gate.came();
    expect(notices).toEqual(['0 of 2. Sign.', '1 of 2. Sign.']);
    expect(told).toEqual(['0 of 2.', 'passed']);
    await journal.close();
  });

  test.each([
    ['interrupt', 'stopped'],
    ['drain', 'cancelled'],
  ] as const)('are given up at once: %s', async (how, kind) => {
    const { journal, gate, stop } = await aGate({ isPatient: true });
    expect(gate.givenUp()).toBeNull();
    const looking = gate.looksAgain(missing('0 of 2.'));
    stop[how]();
    gate.wake();
    expect(await looking).toBe(false);
    expect(gate.givenUp()).toMatchObject({ kind });
    expect(await gate.looksAgain(missing('0 of 2.'))).toBe(false);
    await journal.close();
  });
});

describe('a run that does not wait', () => {
  test('asks once, and is told again what is missing', async () => {
    const { journal, gate, open } = await aGate();
    const first = await suspension(gate.pass([step('pair')]));
    expect(first).toMatchObject({ kind: 'approval', error: { code: 'approval-waiting', exitCode: 4 } });
    expect(first.message).toMatch(/^step pair waits for 2 approvals until 2027-01-16T\S+ \(nobody has signed yet\)$/);
    await gate.take(message(journal, alice, 'pair'));
    expect((await suspension(open().pass([step('pair')]))).message).toContain('(alice signed)');
    expect(events(journal)).toEqual(['requested pair', 'signed pair alice']);
    await journal.close();
  });

  test('passes with enough of them, and in the next process without asking', async () => {
    const { journal, gate, open } = await aGate();
    await suspension(gate.pass([step('pair')]));
    await gate.take(message(journal, alice, 'pair'));
    await gate.take(message(journal, bob, 'pair'));
    await open().pass([step('pair')]);
    await open().pass([step('pair')]);
    expect(events(journal)).toEqual(['requested pair', 'signed pair alice', 'signed pair bob', 'granted pair']);
    await journal.close();
  });

  test('asks for nothing where nothing is to be approved', async () => {
    const { journal, gate } = await aGate();
    await gate.pass([{ ...step('pair'), approval: null }]);
    expect(events(journal)).toEqual([]);
    await journal.close();
  });

  test('asks anew what expired, and does not count what was signed for it', async () => {
    const { journal, gate, open, clock, notices } = await aGate();
    const short = step('pair', { validForMs: 60_000 });
    await suspension(gate.pass([short]));
    const [early, late] = [message(journal, alice, 'pair'), message(journal, bob, 'pair')];
    await gate.take(early);
    clock.at += 60_000;
    await gate.take(late);
    expect(notices.at(-1)).toContain('the request for step pair expired at');
    await suspension(open().pass([short]));
    expect(notices.at(-1)).toContain('asked for anew');
    await gate.take(late);
    expect(notices.at(-1)).toMatch(/signs a request for step pair that expired at .* and was replaced/);
    expect(events(journal)).toEqual(['requested pair', 'signed pair alice', 'requested pair']);
    await gate.take(message(journal, alice, 'pair'));
    await gate.take(message(journal, bob, 'pair'));
    await open().pass([short]);
    expect(events(journal).slice(-3)).toEqual(['signed pair alice', 'signed pair bob', 'granted pair']);
    await journal.close();
  });

  test('asks anew when all had signed and nobody went on in time', async () => {
    const { journal, gate, open, clock } = await aGate();
    await suspension(gate.pass([step('pair', { quorum: 1 })]));
    await gate.take(message(journal, alice, 'pair'));
    clock.at += 24 * 3_600_000;
    await suspension(open().pass([step('pair', { quorum: 1 })]));
    expect(events(journal)).toEqual(['requested pair', 'signed pair alice', 'requested pair']);
    await journal.close();
  });

  test('goes on past the end of an approval that it had used', async () => {
    const { journal, gate, open, clock } = await aGate();
    await suspension(gate.pass([step('pair', { quorum: 1 })]));
    await gate.take(message(journal, alice, 'pair'));
    await open().pass([step('pair', { quorum: 1 })]);
    clock.at += 48 * 3_600_000;
    await open().pass([step('pair', { quorum: 1 })]);
    expect(events(journal)).toHaveLength(3);
    await journal.close();
  });

  test('asks for several steps at once, and begins none before all are approved', async () => {
    const { journal, gate, open } = await aGate();
    const both = [step('wrapped', { quorum: 1, block: 'each' }), step('arrived', { quorum: 1, block: 'each' })];
    expect((await suspension(gate.pass(both))).message).toMatch(/step wrapped .*; step arrived /);
    await gate.take(message(journal, alice, 'arrived'));
    expect((await suspension(open().pass(both))).message).toMatch(/^step wrapped [^;]*$/);
    expect(events(journal)).toEqual(['requested wrapped', 'requested arrived', 'signed arrived alice']);
    await gate.take(message(journal, alice, 'wrapped'));
    await open().pass(both);
    expect(events(journal).slice(-2)).toEqual(['granted wrapped', 'granted arrived']);
    await journal.close();
  });

  test('asks once for many that come to the same step together', async () => {
    const { journal, gate } = await aGate();
    const all = await Promise.all(Array.from({ length: 20 }, () => suspension(gate.pass([step('arrived')]))));
    expect(all.every(({ kind }) => kind === 'approval')).toBe(true);
    expect(events(journal)).toEqual(['requested arrived']);
    await journal.close();
  });

  test('reads its inbox before it gives up', async () => {
    const held: { gate?: ApprovalGate; journal?: Journal; isAsked: boolean } = { isAsked: false };
    const { journal, gate, open } = await aGate({
      keeper: {
        readInbox: async () => {
          if (held.isAsked && held.gate !== undefined && held.journal !== undefined)
            await held.gate.take(message(held.journal, alice, 'pair'));
        },
      },
    });
    await suspension(gate.pass([step('pair', { quorum: 1 })]));
    Object.assign(held, { gate, journal, isAsked: true });
    await open().pass([step('pair', { quorum: 1 })]);
    expect(events(journal).at(-1)).toBe('granted pair');
    await journal.close();
  });
});

describe('a run that waits', () => {
  test('goes on by itself when the last signature comes', async () => {
    const { journal, gate, told } = await aGate({ isPatient: true });
    const passing = gate.pass([step('pair')]);
    await until(() => told.length === 1);
    await gate.take(message(journal, alice, 'pair'));
    await gate.take(message(journal, bob, 'pair'));
    await passing;
    expect(told).toEqual([expect.stringContaining('step pair waits for 2 approvals'), 'passed']);
    expect(events(journal).at(-1)).toBe('granted pair');
    await journal.close();
  });

  test('asks anew when the request ends while it waits', async () => {
    const { journal, gate, clock, told } = await aGate({ isPatient: true });
    const passing = gate.pass([step('pair', { quorum: 1, validForMs: 5_000 })]);
    await until(() => told.length === 1);
    const stale = message(journal, alice, 'pair');
    clock.at += 6_000;
    gate.wake();
    await until(() => events(journal).length === 2);
    await gate.take(stale);
    expect(events(journal)).toEqual(['requested pair', 'requested pair']);
    await gate.take(message(journal, alice, 'pair'));
    await passing;
    await journal.close();
  });

  test('looks at the clock by itself', async () => {
    const { journal, gate, clock, told } = await aGate({ isPatient: true });
    clock.at = 1_800_000_000_000 - 100;
    const passing = gate.pass([step('pair', { quorum: 1, validForMs: 100 })]);
    await until(() => told.length === 1);
    clock.at += 200;
    await until(() => events(journal).length >= 2);
    await gate.take(message(journal, alice, 'pair'));
    await passing;
    await journal.close();
  });

  test('is interrupted, and cancelled, at once', async () => {
    const first = await aGate({ isPatient: true });
    const passing = suspension(first.gate.pass([step('pair')]));
    await until(() => first.told.length === 1);
    first.stop.interrupt();
    expect(await passing).toMatchObject({ kind: 'stopped', error: null });
    await first.journal.close();

    const second = await aGate({ isPatient: true });
    const waiting = suspension(second.gate.pass([step('pair')]));
    await until(() => second.told.length === 1);
    second.stop.drain();
    second.gate.wake();
    expect(await waiting).toMatchObject({ kind: 'cancelled', error: null });
    await second.journal.close();
  });

  test('is not cancelled out of its clean-up', async () => {
    const { journal, gate, stop, told } = await aGate({ isPatient: true });
    const passing = gate.pass([step('finally_1', { quorum: 1, block: 'finally' })]);
    await until(() => told.length === 1);
    stop.drain();
    gate.wake();
    await gate.take(message(journal, carol, 'finally_1'));
    await passing;
    await journal.close();
  });
});

describe('a journal in which somebody wrote', () => {
  const forged = async (change: (entry: Record<string, unknown>) => Record<string, unknown>) => {
    const { journal, gate } = await aGate();
    await suspension(gate.pass([step('pair', { quorum: 1 })]));
    await gate.take(message(journal, alice, 'pair'));
    const [asked, signed] = approvals(journal);
    if (asked === undefined || signed === undefined) throw new Error('no entries');
    await gate.pass([step('pair', { quorum: 1 })]);
    const other = await aGate();
    await other.journal.append(asked);
    await other.journal.append(change({ ...signed }) as unknown as Entry);
    const records = currentApprovals(readApprovals(other.journal, other.clock.now()));
    await journal.close();
    await other.journal.close();
    return records[0];
  };

  test('a signature as it was made counts', async () => {
    expect(await forged((entry) => entry)).toMatchObject({ state: 'approved', approvers: ['alice'] });
  });

  test.each<[string, (entry: Record<string, unknown>) => Record<string, unknown>]>([
    ['under another name', (entry) => ({ ...entry, approver: 'bob' })],
    ['under a name of no approver', (entry) => ({ ...entry, approver: 'mallory' })],
    ['for another nonce', (entry) => ({ ...entry, nonce: '00'.repeat(16) })],
    [
      'with another signature',
      (entry) => ({ ...entry, signature: Buffer.from(alice.sign('something else')).toString('base64') }),
    ],
    ['with another key', (entry) => ({ ...entry, publicKey: Buffer.from(bob.key.spki).toString('base64') })],
    [
      'with a key of one’s own',
      (entry) => ({ ...entry, publicKey: Buffer.from(bob.key.spki).toString('base64'), keySha256: bob.key.sha256 }),
    ],
    ['with another hash of the key', (entry) => ({ ...entry, keySha256: bob.key.sha256 })],
    ['with no key', (entry) => ({ ...entry, publicKey: '' })],
    ['with no signature', (entry) => ({ ...entry, signature: '' })],
  ])('one %s does not', async (_name, change) => {
    expect(await forged(change)).toMatchObject({ state: 'waiting', approvers: [] });
  });
});
