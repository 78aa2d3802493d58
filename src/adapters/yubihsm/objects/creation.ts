/**
 * What creating actions have in common. The object id is unique for its type and chosen before the call, so it is the marker: an object with
 * that type, id and label after a lost reply is the one that the call made. Reconciling asks the device and never sends the command again.
 */
import type { KeyClass, KeyType } from '../../../keys/key-spec.ts';
import { ambiguous, markerOf, type Source } from '../../actions/action.ts';
import type { ActionCall, Expectation, Forecast, Outputs, Reconciliation, Violation } from '../../adapter.ts';
import { objectTypeName } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { fingerprintKey } from './fingerprints.ts';
import { type Found, labelHexOf, objectInWords } from './key-model.ts';
import { refOf } from './locate.ts';
import { idHex, idText, objectIdOf } from './object-id.ts';

/** The one object that a call is to make. */
export interface Wanted {
  /** One of these: what comes in under wrap may be a symmetric key or a wrap key. */
  readonly objectTypes: readonly number[];
  readonly class: KeyClass;
  readonly type: KeyType;
  /** Hex. */
  readonly label: string;
  /** undefined: keyferry may choose it, so it is the marker. */
  readonly id: number | undefined;
}

/** The id of the object that a call makes: as asked, else what its intent recorded, else a free one. */
export async function idFor(hsm: YubiHsm, call: Pick<ActionCall, 'expectation'>, wanted: Wanted): Promise<number> {
  return wanted.id ?? expectedId(call.expectation) ?? (await hsm.freeId());
}

function expectedId(expectation: Expectation | undefined): number | undefined {
  const hex = expectation?.kind === 'count' ? expectation.locator.id : markerOf(expectation);
  return hex === undefined ? undefined : objectIdOf(hex);
}

async function objectsAt(hsm: YubiHsm, types: readonly number[], id: number): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const type of types) {
    const info = await hsm.info({ id, type });
    if (info !== null) found.push({ info, isHalf: false });
  }
  return found;
}

const bearsLabel =
  (label: string) =>
  ({ info }: Found): boolean =>
    labelHexOf(info) === label;

/** Is it the key with this fingerprint? null: it cannot make one of that kind, so nobody knows. */
async function isSame(hsm: YubiHsm, found: Found, source: Source): Promise<boolean | null> {
  if (source === null) return null;
  const made = await fingerprintKey(hsm, found, source.salt, [source.fingerprint.method]);
  return made === null ? null : made.value === source.fingerprint.value;
}

export async function forecast(hsm: YubiHsm, wanted: Wanted, source: Source): Promise<Forecast> {
  if (wanted.id === undefined) {
    return { expectation: { kind: 'marker', id: idHex(await hsm.freeId()) }, already: null };
  }
  const named = (await objectsAt(hsm, wanted.objectTypes, wanted.id)).filter(bearsLabel(wanted.label));
  const same: Found[] = [];
  for (const found of named) if ((await isSame(hsm, found, source)) === true) same.push(found);
  const [first] = same;
  return {
    expectation: countExpectation(hsm, wanted, wanted.id, source, named.length, same.length),
    already: first === undefined ? null : refOf(hsm, first, source?.fingerprint ?? null),
  };
}

/** Chosen by keyferry, with the fingerprint of what is to arrive: after a crash the key can be compared though its bytes are gone. */
export async function comparedForecast(hsm: YubiHsm, wanted: Wanted, source: Source): Promise<Forecast> {
  if (wanted.id !== undefined) return await forecast(hsm, wanted, source);
  return { expectation: countExpectation(hsm, wanted, await hsm.freeId(), source, 0, 0), already: null };
}

function countExpectation(
  hsm: YubiHsm,
  wanted: Wanted,
  id: number,
  source: Source,
  named: number,
  same: number,
): Expectation {
  const { class: keyClass, type, label } = wanted;
  const fingerprint = source?.fingerprint ?? null;
  const locator = { serial: hsm.serial, class: keyClass, type, id: idHex(id), label, fingerprint };
  return { kind: 'count', locator, named, same };
}

export interface Settlement {
  readonly wanted: Wanted;
  readonly source: Source;
  /** What the call would have given. */
  readonly result: (found: Found) => Promise<{ readonly outputs: Outputs; readonly violations: readonly Violation[] }>;
}

export const ABSENT: Reconciliation = { state: 'absent' };

export async function reconcileCreation(
  hsm: YubiHsm,
  call: ActionCall,
  { wanted, source, result }: Settlement,
): Promise<Reconciliation> {
  const { expectation } = call;
  const id = expectedId(expectation);
  if (expectation === undefined || id === undefined) return ambiguous('the intent does not say what it expected');
  const there = await objectsAt(hsm, wanted.objectTypes, id);
  const named = there.filter(bearsLabel(wanted.label));
  const [found, ...others] = named;
  if (found === undefined) {
    const [stranger] = there;
    // The marker was free before the call, so what is there now came after it.
    return stranger !== undefined && expectation.kind === 'marker'
      ? ambiguous(
          `${hsm.name} has a ${objectInWords(stranger.info)}, whose id was free and which is not what was to be made`,
        )
      : ABSENT;
  }
  if (others.length > 0) {
    const types = named.map(({ info }) => objectTypeName(info.type)).join(' and ');
    return ambiguous(`${types} on ${hsm.name} both have the id ${idText(id)} and the label that was to be made`);
  }
  // A type and id holds one object, and the device never writes over it: the call cannot have made this one.
  if (expectation.kind === 'count' && expectation.named > 0) return ABSENT;
  if ((await isSame(hsm, found, source)) === false) {
    return ambiguous(`the ${objectInWords(found.info)} on ${hsm.name} is not the key that was to arrive`);
  }
  return { state: 'done', ...(await result(found)) };
}

/** What was just made, as the device shows it. Rejects with `key-not-found` when it is gone again. */
export async function readBack(hsm: YubiHsm, type: number, id: number): Promise<Found> {
  const info = await hsm.info({ id, type });
  if (info !== null) return { info, isHalf: false };
  throw hsm.fail('key-not-found', `the ${objectTypeName(type)} ${idText(id)} was made and is not there.`);
}
