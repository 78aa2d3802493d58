import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DigestTable } from '../../../src/plan/digest-table.ts';

const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits });

test('agrees with a Map', () => {
  // Digests that share one half collide in their slots.
  const digest = fc.oneof(
    hex(16),
    hex(8).map((low) => `00000000${low}`),
    hex(8).map((high) => `${high}00000000`),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(digest, fc.integer({ min: 0, max: 2 ** 32 - 2 })), { maxLength: 300 }),
      digest,
      (entries, other) => {
        const table = new DigestTable();
        const map = new Map(entries);
        for (const [name, value] of entries) table.set(name, value);
        for (const name of [...map.keys(), other]) expect(table.get(name)).toBe(map.get(name));
        expect(table.size).toBe(map.size);
      },
    ),
  );
});

test('grows, and stays small', () => {
  const table = new DigestTable();
  const name = (at: number) =>
    ((BigInt(at) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn).toString(16).padStart(16, '0');
  for (let at = 0; at < 100_000; at += 1) table.set(name(at), at);
  for (let at = 0; at < 100_000; at += 997) expect(table.get(name(at))).toBe(at);
  expect(table.get(name(100_001))).toBeUndefined();
  expect(table.bytes / table.size).toBeLessThan(33);
});
