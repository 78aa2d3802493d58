/** Every way through an approval: nothing but enough distinct approvers, in time and for this request, leads to `granted`. */
import { describe, expect, test } from 'vitest';
import { getInitialSnapshot, transition } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import type { ApprovalRequest } from '../../src/approvals/request.ts';
import { type ApprovalMachineEvent, approvalMachine } from '../../src/workflows/approval.machine.ts';

const request = (nonce: string, quorum = 2): ApprovalRequest => ({
  generation: 1,
  step: 'pair',
  quorum,
  nonce,
  expiresAt: 1_000,
});
const asked = (nonce: string, quorum = 2): ApprovalMachineEvent => ({
  type: 'requested',
  request: request(nonce, quorum),
});
const signed = (approver: string, nonce: string, keySha256 = `key of ${approver}`): ApprovalMachineEvent => ({
  type: 'signed',
  nonce,
  approver,
  keySha256,
});
const granted = (nonce: string): ApprovalMachineEvent => ({ type: 'granted', nonce });
const expired: ApprovalMachineEvent = { type: 'expired' };

function reached(...events: readonly ApprovalMachineEvent[]) {
  let snapshot = getInitialSnapshot(approvalMachine);
  for (const event of events) [snapshot] = transition(approvalMachine, snapshot, event);
  return { state: snapshot.value, approvers: snapshot.context.approvers, earlier: snapshot.context.earlier.length };
}

describe('the approval of a step', () => {
  test.each([1, 2, 3])('is approved by exactly %i', (quorum) => {
    const all = ['alice', 'bob', 'carol'].slice(0, quorum).map((name) => signed(name, 'n1'));
    expect(reached(asked('n1', quorum), ...all.slice(1)).state).toBe('waiting');
    expect(reached(asked('n1', quorum), ...all).state).toBe('approved');
    expect(reached(asked('n1', quorum), ...all, granted('n1')).state).toBe('granted');
  });

  test('counts nobody twice, by name or by key', () => {
    const alice = signed('alice', 'n1');
    expect(reached(asked('n1'), alice, alice)).toMatchObject({ state: 'waiting', approvers: ['alice'] });
    const twin = signed('bob', 'n1', 'key of alice');
    expect(reached(asked('n1'), alice, twin)).toMatchObject({ state: 'waiting', approvers: ['alice'] });
    const other = signed('alice', 'n1', 'another key');
    expect(reached(asked('n1'), alice, other)).toMatchObject({ state: 'waiting', approvers: ['alice'] });
  });

  test('counts only what was signed for this request', () => {
    expect(reached(asked('n2'), signed('alice', 'n1'), signed('bob', 'n1'))).toMatchObject({
      state: 'waiting',
      approvers: [],
    });
    expect(reached(signed('alice', 'n1'))).toMatchObject({ state: 'unrequested', approvers: [] });
  });

  test('begins anew with another request, from wherever it was', () => {
    const two = [signed('alice', 'n1'), signed('bob', 'n1')];
    for (const before of [[], two.slice(1), two, [...two, expired], [expired]])
      expect(reached(asked('n1'), ...before, asked('n2'))).toEqual({ state: 'waiting', approvers: [], earlier: 1 });
  });

  test('is not granted before enough have signed, or after it expired, or by the grant of another request', () => {
    const [alice, bob] = [signed('alice', 'n1'), signed('bob', 'n1')];
    expect(reached(asked('n1'), granted('n1')).state).toBe('waiting');
    expect(reached(asked('n1'), alice, granted('n1')).state).toBe('waiting');
    expect(reached(asked('n1'), alice, bob, expired, granted('n1')).state).toBe('expired');
    expect(reached(asked('n1'), alice, bob, granted('n2')).state).toBe('approved');
    expect(reached(asked('n1'), expired, alice, bob).state).toBe('expired');
  });

  test('once granted, stays so', () => {
    const whole = [asked('n1'), signed('alice', 'n1'), signed('bob', 'n1'), granted('n1')];
    for (const more of [expired, asked('n2'), signed('carol', 'n1')])
      expect(reached(...whole, more).state).toBe('granted');
  });

  test('by every path of these events, comes to granted only through two approvers of one request', () => {
    const events = [
      ...['n1', 'n2'].flatMap((nonce) => [asked(nonce), granted(nonce), signed('alice', nonce), signed('bob', nonce)]),
      signed('twin', 'n1', 'key of alice'),
      expired,
    ];
    const paths = getShortestPaths(approvalMachine, {
      events,
      // Without the requests that were replaced there are as many states as there are ways to be asked and signed.
      serializeState: ({ value, context }) => JSON.stringify([value, context.request?.nonce, context.approvers]),
      limit: 10_000,
    });
    const states = new Set(paths.map(({ state }) => String(state.value)));
    expect([...states].sort()).toEqual(['approved', 'expired', 'granted', 'unrequested', 'waiting']);
    const ends = paths.filter(({ state }) => state.value === 'granted');
    expect(ends.length).toBeGreaterThanOrEqual(2);
    for (const { state, steps } of ends) {
      const nonce = state.context.request?.nonce;
      const lastAsked = steps.findLastIndex(({ event }) => event.type === 'requested');
      const since = steps.slice(lastAsked + 1).map(({ event }) => event as ApprovalMachineEvent);
      const keys = since.flatMap((event) =>
        event.type === 'signed' && event.nonce === nonce ? [event.keySha256] : [],
      );
      expect(new Set(keys).size).toBe(2);
      expect(since.at(-1)).toEqual(granted(String(nonce)));
    }
  });
});
