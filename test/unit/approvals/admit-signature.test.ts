import { afterAll, describe, expect, test } from 'vitest';
import { type AdmissionOptions, admitSignature, type HandedIn } from '../../../src/approvals/admit-signature.ts';
import type { ApprovalRecord } from '../../../src/approvals/record.ts';
import { type ApprovalRequest, newRequest } from '../../../src/approvals/request.ts';
import { statementSha256, statementText } from '../../../src/approvals/statement.ts';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { type Person, people } from '../../support/approval-people.ts';

const { person, remove } = people();
afterAll(remove);

const NOW = 1_000_000;
const [alice, bob, carol, mallory] = [person('alice'), person('bob', 'p-256'), person('carol'), person('mallory')];
const RUN = '20261122-101530-ab12cd';
const ground = {
  run: RUN,
  digest: 'cd'.repeat(32),
  approvers: { alice: alice.key.sha256, bob: bob.key.sha256, carol: carol.key.sha256 },
};

const request = (step = 'pair', validForMs = 60_000, generation = 1): ApprovalRequest =>
  newRequest({ generation, step, quorum: 2, validForMs, now: NOW });
const record = (more: Partial<ApprovalRecord> & { readonly request: ApprovalRequest }): ApprovalRecord => ({
  state: 'waiting',
  approvers: [],
  earlier: [],
  ...more,
});

const textFor = (who: Person, what: ApprovalRequest, other: Partial<typeof ground> = {}): string =>
  statementText({ ...ground, ...other, approver: who.name, request: what });
const signed = (who: Person, what: ApprovalRequest, other: Partial<typeof ground> = {}): HandedIn => ({
  approver: who.name,
  key: who.key,
  signature: who.sign(textFor(who, what, other)),
});
const options = (records: readonly ApprovalRecord[], more: Partial<AdmissionOptions> = {}): AdmissionOptions => ({
  ground,
  records,
  generation: 1,
  now: NOW,
  others: new Map([alice, bob, carol].map(({ name, key }) => [name, key])),
  ...more,
});

function refusal(handed: HandedIn, given: AdmissionOptions): KeyferryError {
  try {
    admitSignature(handed, given);
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error;
    expect(error).toMatchObject({ code: 'approval-refused', exitCode: 2, outcome: 'not-applied' });
    expect(error.message).toContain('Nothing was recorded.');
    expect(error.hint.length).toBeGreaterThan(10);
    return error;
  }
  throw new Error('it was admitted');
}

describe('a signature that counts', () => {
  test.each([alice, bob])('is over the open request, by the pinned key: $name', (who) => {
    const [first, second] = [record({ request: request('pair') }), record({ request: request('wrapper') })];
    const admitted = admitSignature(signed(who, second.request), options([first, second]));
    expect(admitted.record).toBe(second);
    expect(admitted.statementSha256).toBe(statementSha256(textFor(who, second.request)));
  });

  test('needs no knowledge of the other approvers', () => {
    const open = record({ request: request(), approvers: ['bob'] });
    const { others: _, ...without } = options([open]);
    expect(admitSignature(signed(alice, open.request), without).record).toBe(open);
  });
});

describe('a signature that does not count is refused with its reason', () => {
  const open = record({ request: request() });

  test('doubled', () => {
    const once = record({ request: open.request, approvers: ['alice'] });
    expect(refusal(signed(alice, open.request), options([once])).message).toContain(
      'alice has approved step pair already; each approver counts once',
    );
  });

  test('expired', () => {
    const late = options([open], { now: open.request.expiresAt });
    const error = refusal(signed(alice, open.request), late);
    expect(error.message).toContain('the request for step pair expired at 1970-01-01T');
    expect(error.hint).toContain(`keyferry approval-request ${RUN}`);
    expect(refusal(signed(alice, open.request), options([{ ...open, state: 'expired' }])).message).toContain('expired');
  });

  test('replayed from a request that expired and was made anew', () => {
    const old = request('pair', -5_000);
    const renewed = record({ request: request(), earlier: [old] });
    const error = refusal(signed(alice, old), options([renewed]));
    expect(error.message).toMatch(/request for step pair that expired at .* and was replaced/);
    expect(error.hint).toContain('approval-request');
  });

  test('replayed from an earlier generation', () => {
    const records = [
      record({ request: request('pair', 60_000, 1), state: 'granted' }),
      record({ request: request('pair', 60_000, 2) }),
    ];
    const first = records[0]?.request ?? request();
    expect(refusal(signed(alice, first), options(records, { generation: 2 })).message).toContain(
      'is over and was replaced',
    );
  });

  test('for a step that has begun, or has all its approvals', () => {
    expect(refusal(signed(carol, open.request), options([{ ...open, state: 'granted' }])).message).toContain(
      'has begun',
    );
    const enough = { ...open, state: 'approved' as const, approvers: ['alice', 'bob'] };
    expect(refusal(signed(carol, open.request), options([enough])).message).toContain('has all of its 2 approvals');
  });

  test.each([
    ['another run', { run: '20261122-101530-ffffff' }],
    ['another plan', { digest: 'ce'.repeat(32) }],
  ])('over %s', (_name, other) => {
    expect(refusal(signed(alice, open.request, other), options([open])).message).toContain(
      'not a signature of alice over any request of this run',
    );
  });

  test('over another step, nonce or end', () => {
    for (const change of [
      { step: 'wrapper' },
      { nonce: 'ff'.repeat(16) },
      { expiresAt: open.request.expiresAt + 1000 },
    ])
      refusal(signed(alice, { ...open.request, ...change }), options([open]));
  });

  test('altered', () => {
    const good = signed(alice, open.request);
    const altered = {
      ...good,
      signature: Uint8Array.from(good.signature, (byte, at) => (at === 40 ? byte ^ 4 : byte)),
    };
    expect(refusal(altered, options([open])).message).toContain('was altered, or it belongs to another run or key');
    refusal({ ...good, signature: new Uint8Array(0) }, options([open]));
  });

  test('over what another approver was to sign', () => {
    const handed = { ...signed(alice, open.request), signature: alice.sign(textFor(bob, open.request)) };
    expect(refusal(handed, options([open])).message).toContain('what bob was asked for step pair, not what alice was');
  });

  test("another's", () => {
    const own = { ...signed(alice, open.request), signature: bob.sign(textFor(bob, open.request)) };
    expect(refusal(own, options([open])).message).toContain('it is the signature of bob, not of alice');
    const forAlice = { ...own, signature: bob.sign(textFor(alice, open.request)) };
    expect(refusal(forAlice, options([open])).message).toContain('made with the key of bob, not with that of alice');
  });

  test('of somebody the plan does not know', () => {
    const error = refusal(signed(mallory, open.request), options([open]));
    expect(error.message).toContain('the plan knows no approver mallory');
    expect(error.hint).toContain('alice, bob, carol');
    refusal({ ...signed(mallory, open.request), approver: '__proto__' }, options([open]));
  });

  test('of an approver whose key is not the pinned one any more', () => {
    const swapped = { ...signed(mallory, open.request), approver: 'alice' };
    const error = refusal(swapped, options([open]));
    expect(error.message).toContain(`the plan pins another public key for alice (SHA-256 ${alice.key.sha256})`);
    expect(error.message).toContain(mallory.key.sha256);
  });

  test('of a key that cannot sign approvals, pinned or not', () => {
    const short = person('short', 'rsa-1024');
    const pinned = { ...ground, approvers: { ...ground.approvers, short: short.key.sha256 } };
    expect(refusal(signed(short, open.request), options([open], { ground: pinned })).message).toContain('1024 bits');
  });

  test('when nothing was asked for', () => {
    expect(refusal(signed(alice, open.request), options([])).message).toContain(`run ${RUN} has asked for no approval`);
  });
});
