import { describe, expect, test } from 'vitest';
import { stepLine } from '../../../src/plan/step-lines.ts';
import { ACTIONS, anOutput, aStep, literal, theKey } from '../../support/plan-playbook.ts';

const devices = new Map();
const deleting = (rest: Parameters<typeof aStep>[2]) => stepLine(aStep('source', ACTIONS.delete, rest), devices).object;

describe('a step that destroys', () => {
  test('names what of which step it takes away', () => {
    expect(deleting({ with: { key: anOutput('pair', 'private_key') } })).toBe('private key of step pair');
  });

  test('tells a source key from a wrapping key', () => {
    expect(deleting({ with: { key: theKey } })).toBe('the source key itself');
  });

  test('says nothing of what has no name', () => {
    expect(deleting({ with: { key: literal('x') } })).toBeUndefined();
    const wrapping = aStep('source', ACTIONS.wrap, { with: { key: theKey } });
    expect(stepLine(wrapping, devices).object).toBeUndefined();
  });
});
