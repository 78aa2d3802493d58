import { describe, expect, it } from 'vitest';
import { nameOf, ObjectIndex, type ObjectName, parseName, put } from '../../../../src/adapters/pkcs11/object-index.ts';

const named = (id: string, label = '6b'): ObjectName => ({ class: 'secret', type: 'aes', id, label });

describe('the object index', () => {
  it('keeps several objects of one name and counts objects', () => {
    const index = new ObjectIndex();
    for (const handle of [1n, 2n, 3n, 2n]) index.add(named('01'), handle);
    expect(index.handles(nameOf(named('01')))).toEqual([1n, 2n, 3n]);
    index.remove(named('01'), 1n);
    index.remove(named('01'), 9n);
    index.remove(named('01'), 3n);
    expect([index.handles(nameOf(named('01'))), index.count]).toEqual([[2n], 1]);
    index.remove(named('01'), 2n);
    expect([index.handles(nameOf(named('01'))), index.count]).toEqual([[], 0]);
  });

  it('takes in what changed while an enumeration was on', () => {
    const index = new ObjectIndex();
    const build = index.begin();
    put(build, named('01'), 1n);
    index.add(named('02'), 2n);
    index.add(named('03'), 3n);
    put(build, named('03'), 3n);
    index.remove(named('01'), 1n);
    index.finish(build);
    expect([...index.entries()].map(([name]) => parseName(name).id).sort()).toEqual(['02', '03']);
    expect(index.count).toBe(2);
  });

  it('is not loaded by an enumeration that was given up', () => {
    const index = new ObjectIndex();
    const build = index.begin();
    put(build, named('01'), 1n);
    index.abandon(build);
    expect([index.isLoaded, index.handles(nameOf(named('01')))]).toEqual([false, []]);
  });

  it('says when it changed', () => {
    const index = new ObjectIndex();
    const before = index.version;
    index.add(named('01'), 1n);
    expect(index.version).not.toBe(before);
  });

  it('keeps names apart that differ in one part, and gives back what went in', () => {
    const names = [named('01'), named(''), named('01', ''), named('', '01'), { ...named('01'), type: 'des3' as const }];
    expect(new Set(names.map(nameOf)).size).toBe(names.length);
    for (const name of names) expect(parseName(nameOf(name))).toEqual(name);
  });
});
