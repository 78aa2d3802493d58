/**
 * What creating actions have in common: what an intent records so that the new object can be told from others after a crash, and how the
 * device is asked afterwards. Reconciling asks the device, never the index, and never tries the call again.
 */
import { randomBytes } from 'node:crypto';
import type { KeyClass, KeyType } from '../../keys/key-spec.ts';
import { ambiguous, markerOf, type Source } from '../actions/action.ts';
import type { ActionCall, Expectation, Forecast, Outputs, Reconciliation, Violation } from '../adapter.ts';
import { bytesOf } from './attribute-codec.ts';
import { CKA } from './constants.ts';
import type { Handle } from './cryptoki.ts';
import { cachedFingerprint, findByName, inWords, withFingerprint } from './locate.ts';
import { nameOf, type ObjectName } from './object-index.ts';
import { settled } from './settle.ts';
import type { Token } from './token.ts';

/** What a call is to make: one object, or the two halves of a pair with one id and label. */
export interface Wanted {
  readonly classes: readonly [KeyClass, ...KeyClass[]];
  readonly type: KeyType;
  readonly label: string;
  /** undefined: keyferry may choose it, so it is the marker. */
  readonly id: string | undefined;
}

/** The id of the object that a call makes: as asked, else the marker that its intent recorded. */
export const idFor = (call: ActionCall, wanted: Wanted): string =>
  wanted.id ?? markerOf(call.expectation) ?? randomBytes(16).toString('hex');

const objectName = (wanted: Wanted, keyClass: KeyClass, id: string): ObjectName => ({
  class: keyClass,
  type: wanted.type,
  id,
  label: wanted.label,
});

export async function forecast(token: Token, wanted: Wanted, source: Source): Promise<Forecast> {
  await token.ensureIndexed();
  if (wanted.id === undefined) {
    return { expectation: { kind: 'marker', id: randomBytes(16).toString('hex') }, already: null };
  }
  const name = objectName(wanted, wanted.classes[0], wanted.id);
  const handles = token.index.handles(nameOf(name));
  const same = source === null ? [] : await withFingerprint(token, name, handles, source.fingerprint, source.salt);
  const { locator } = token.ref(name, source?.fingerprint ?? null);
  return {
    expectation: { kind: 'count', locator, named: handles.length, same: same.length },
    already: same.length === 0 ? null : token.ref(name, source?.fingerprint ?? null),
  };
}

/** Found objects by class. */
export type Found = ReadonlyMap<KeyClass, { readonly handle: Handle; readonly name: ObjectName }>;

export interface Settlement {
  readonly wanted: Wanted;
  readonly source: Source;
  /** What the call would have given. */
  readonly result: (found: Found) => Promise<{ readonly outputs: Outputs; readonly violations: readonly Violation[] }>;
}

export async function reconcileCreation(
  token: Token,
  call: ActionCall,
  settlement: Settlement,
): Promise<Reconciliation> {
  const { expectation } = call;
  if (expectation === undefined || expectation.kind === 'named')
    return ambiguous('the intent does not say what it expected');
  const outcome =
    expectation.kind === 'marker'
      ? await byMarker(token, expectation.id, settlement.wanted)
      : await byCount(token, expectation, settlement);
  if (!(outcome instanceof Map)) return outcome as Reconciliation;
  for (const { name, handle } of outcome.values()) token.index.add(name, handle);
  return { state: 'done', ...(await settlement.result(outcome)) };
}

async function byMarker(token: Token, marker: string, wanted: Wanted): Promise<Found | Reconciliation> {
  const look = () => wanted.classes.map((keyClass) => token.find(keyClass, [{ type: CKA.ID, value: bytesOf(marker) }]));
  const isWhole = (found: Handle[][]) => found.every((handles) => handles.length > 0);
  let found = look();
  // Also one half alone may be a pair that the device still synchronises.
  await settled(token, () => {
    found = look();
    return isWhole(found) ? true : undefined;
  });
  const counts = found.map((handles) => handles.length);
  if (counts.every((count) => count === 0)) return { state: 'absent' };
  if (counts.some((count) => count > 1)) return ambiguous(`several objects bear the marker id ${marker}`);
  const there = wanted.classes.filter((_, index) => counts[index] === 1);
  if (there.length < wanted.classes.length) {
    return ambiguous(`only the ${there.join(' and ')} half of the pair with id ${marker} is on ${token.name}`);
  }
  return new Map(
    wanted.classes.map((keyClass, index) => {
      const handle = found[index]?.[0] ?? 0n;
      return [keyClass, { handle, name: token.nameAt(handle, keyClass) }];
    }),
  );
}

async function byCount(
  token: Token,
  expectation: Extract<Expectation, { kind: 'count' }>,
  { wanted, source }: Settlement,
): Promise<Found | Reconciliation> {
  const names = wanted.classes.map((keyClass) => objectName(wanted, keyClass, expectation.locator.id));
  const [first] = names;
  if (first === undefined) return ambiguous('nothing was to be made');
  let found = names.map((name) => findByName(token, name));
  await settled(token, () => {
    found = names.map((name) => findByName(token, name));
    return found.some((handles) => handles.length !== expectation.named) ? true : undefined;
  });
  const [handles = []] = found;
  const what = inWords(first);
  if (found.some((others) => others.length !== handles.length)) {
    return ambiguous(`the halves of the pair ${what} on ${token.name} are not equally many`);
  }
  const more = handles.length - expectation.named;
  if (more < 0 || more > 1) {
    return ambiguous(`${token.name} had ${expectation.named} objects that are a ${what}, now ${handles.length}`);
  }
  const same = source === null ? null : await countSame(token, first, handles, source);
  if (more === 0) {
    if (same === null || same === expectation.same) return { state: 'absent' };
    return ambiguous(`another object took the place of a ${what} on ${token.name}`);
  }
  if (same !== null && same !== expectation.same + 1) {
    return ambiguous(`${token.name} has one more ${what}, but it is not the key that was to arrive`);
  }
  const fingerprint = source?.fingerprint ?? null;
  const fresh =
    fingerprint === null || source === null
      ? handles
      : await withFingerprint(token, first, handles, fingerprint, source.salt);
  return new Map(
    names.map((name, index) => [
      name.class,
      { handle: (names.length === 1 ? fresh.at(-1) : undefined) ?? found[index]?.at(-1) ?? 0n, name },
    ]),
  );
}

/** null: the keys of that name cannot be fingerprinted in the source's way. */
async function countSame(
  token: Token,
  name: ObjectName,
  handles: readonly Handle[],
  source: NonNullable<Source>,
): Promise<number | null> {
  let same = 0;
  for (const handle of handles) {
    const made = await cachedFingerprint(token, name, handle, source.fingerprint, source.salt);
    if (made === null) return null;
    if (made.value === source.fingerprint.value) same += 1;
  }
  return same;
}
