import { describe, expect, test } from 'vitest';
import { Capacity } from '../../../src/plan/capacity.ts';
import { fakeDevice } from '../../support/fake-device.ts';
import { ACTIONS, anOutput, aPlaybook, aStep, mainSteps, theKey } from '../../support/plan-playbook.ts';

const roomOf = (free: number | null, playbook = aPlaybook()) => {
  const target = fakeDevice({ role: 'target', capabilities: { capacity: free } }).bound;
  return new Capacity(playbook, new Map([['target', target]]));
};
const taken = (capacity: Capacity, tries: number) =>
  Array.from({ length: tries }, () => capacity.take()).filter((reason) => reason === null).length;

describe('Capacity', () => {
  test('counts what prepare makes and one place per key', () => {
    expect(taken(roomOf(5), 10)).toBe(3);
    expect(taken(roomOf(2), 10)).toBe(0);
  });

  test('a refused key takes no place', () => {
    const room = roomOf(3);
    expect(room.take()).toBeNull();
    expect(room.take()).toContain('no room on target: 3 free places');
    expect(room.take()).toContain('and 1 key before this one');
  });

  test('a device that does not say has room', () => {
    expect(taken(roomOf(null), 1000)).toBe(1000);
    expect(roomOf(null).blocks()).toEqual([]);
  });

  test('what is deleted again for each key takes no place', () => {
    const helper = aStep('target', ACTIONS.generate, { id: 'helper' });
    const remove = aStep('target', ACTIONS.delete, { id: 'remove', with: { key: anOutput('helper', 'key') } });
    expect(taken(roomOf(4, aPlaybook({ each: [...mainSteps(), helper] })), 10)).toBe(1);
    expect(taken(roomOf(4, aPlaybook({ each: [...mainSteps(), helper, remove] })), 10)).toBe(2);
    expect(taken(roomOf(4, aPlaybook({ each: [...mainSteps(), helper], afterEach: [remove] })), 10)).toBe(2);
    const other = aStep('target', ACTIONS.delete, { id: 'other', with: { key: theKey } });
    expect(taken(roomOf(4, aPlaybook({ each: [...mainSteps(), helper, other] })), 10)).toBe(1);
  });

  test('blocks when prepare alone is too much', () => {
    expect(roomOf(1).blocks()).toEqual([
      'target has 1 free place, and prepare makes 2 key objects; make room on the device',
    ]);
    expect(roomOf(2).blocks()).toEqual([]);
  });
});
