import { describe, expect, it } from 'vitest';
import type { KeyFacts } from '../../../../src/adapters/pkcs11/key-facts.ts';
import { RecentFacts } from '../../../../src/adapters/pkcs11/recent-facts.ts';

const facts = (handle: bigint): KeyFacts => ({
  handle,
  class: 'secret',
  type: 'aes',
  id: '',
  label: '',
  bits: 256,
  attributes: {},
  checkValue: undefined,
});

describe('recent facts', () => {
  it('are given for a second after they were read', () => {
    let now = 0;
    const recent = new RecentFacts(() => now);
    const key = facts(1n);
    recent.add(key);
    now = 1_000;
    expect(recent.get(1n)).toBe(key);
    now = 1_001;
    expect(recent.get(1n)).toBeUndefined();
    expect(recent.get(2n)).toBeUndefined();
  });

  it('are gone when the object was changed', () => {
    const recent = new RecentFacts(() => 0);
    recent.add(facts(1n));
    recent.forget(1n);
    expect(recent.get(1n)).toBeUndefined();
  });

  it('stay few, however many keys are read', () => {
    const recent = new RecentFacts(() => 0);
    for (let handle = 1n; handle <= 5_000n; handle += 1n) recent.add(facts(handle));
    const held = Array.from({ length: 5_000 }, (_, index) => recent.get(BigInt(index + 1))).filter(Boolean);
    expect(held.length).toBeLessThanOrEqual(2_048);
    expect(recent.get(5_000n)).toBeDefined();
  });
});
