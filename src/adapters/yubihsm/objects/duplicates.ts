/**
 * What is on the target already: keys of the same material under whatever name, and ids that are taken. When several source keys have equal
 * material, an object here counts for one of them only: first for the key of the same name, else for the next that comes.
 */
import type { FingerprintMethod } from '../../../keys/fingerprint.ts';
import { type Locator, locatorName } from '../../../keys/locator.ts';
import type { Finding } from '../../adapter.ts';
import { objectTypeName } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { fingerprintKey } from './fingerprints.ts';
import { type Found, locatorOf, objectInWords } from './key-model.ts';
import { idText } from './object-id.ts';
import { isKeyObject, kindOf } from './object-kinds.ts';

/** A key that is to arrive. */
export interface Arriving {
  readonly source: Locator;
  /** Of the object to be made; id undefined: keyferry chooses. */
  readonly objectType: number;
  readonly id: number | undefined;
  readonly label: string;
}

interface Copy {
  readonly found: Found;
  claimedBy: string | null;
}

/** Every key object that the session sees. */
export async function keyObjects(hsm: YubiHsm): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const { type, id } of await hsm.list()) {
    const info = isKeyObject(type) ? await hsm.info({ type, id }) : null;
    // Deleted since it was listed: it is not there.
    if (info !== null) found.push({ info, isHalf: false });
  }
  return found;
}

/** One list of findings per key. Without a salt nothing is fingerprinted. */
export async function duplicateFindings(
  hsm: YubiHsm,
  arriving: readonly Arriving[],
  salt: Uint8Array | null,
): Promise<readonly (readonly Finding[])[]> {
  if (arriving.length === 0) return [];
  const objects = await keyObjects(hsm);
  const copies = salt === null ? new Map<string, Copy[]>() : await copiesOf(hsm, objects, arriving, salt);
  const claims = arriving.map((each) => claim(hsm, copies, each, true));
  return arriving.map((each, index): readonly Finding[] => {
    const copy = claims[index] ?? claim(hsm, copies, each, false);
    if (copy !== null) {
      return [{ level: 'duplicate', reason: `already on ${hsm.name} as ${objectInWords(copy.found.info)}` }];
    }
    const taken = objects.some(({ info }) => info.type === each.objectType && info.id === each.id);
    if (!taken || each.id === undefined) return [];
    const compared =
      each.source.fingerprint === null || salt === null ? 'nothing compares the two' : 'it is another key';
    const reason = `${objectTypeName(each.objectType)} ${idText(each.id)} is on ${hsm.name} already, and ${compared}`;
    return [{ level: 'block', reason }];
  });
}

const place = (method: FingerprintMethod, keyClass: string, type: string, value: string): string =>
  `${method}/${keyClass}/${type}/${value}`;

async function copiesOf(
  hsm: YubiHsm,
  objects: readonly Found[],
  arriving: readonly Arriving[],
  salt: Uint8Array,
): Promise<Map<string, Copy[]>> {
  const wanted = new Map<string, Set<FingerprintMethod>>();
  for (const { source } of arriving) {
    if (source.fingerprint === null) continue;
    const methods = wanted.get(source.class) ?? new Set();
    wanted.set(source.class, methods.add(source.fingerprint.method));
  }
  const copies = new Map<string, Copy[]>();
  for (const found of objects) {
    const kind = kindOf(found.info);
    for (const method of wanted.get(kind.class) ?? []) {
      const made = await fingerprintKey(hsm, found, salt, [method]);
      if (made === null) continue;
      const key = place(method, kind.class, kind.type, made.value);
      copies.set(key, [...(copies.get(key) ?? []), { found, claimedBy: null }]);
    }
  }
  return copies;
}

function claim(
  hsm: YubiHsm,
  copies: ReadonlyMap<string, Copy[]>,
  { source, objectType, id, label }: Arriving,
  isExact: boolean,
): Copy | null {
  const { fingerprint } = source;
  if (fingerprint === null) return null;
  const claimant = locatorName(source);
  const isNamesake = ({ found }: Copy): boolean => {
    const locator = locatorOf(hsm.serial, found);
    return found.info.type === objectType && found.info.id === id && locator.label === label;
  };
  const copy = copies
    .get(place(fingerprint.method, source.class, source.type, fingerprint.value))
    ?.find((each) => each.claimedBy === claimant || (each.claimedBy === null && (!isExact || isNamesake(each))));
  if (copy === undefined) return null;
  copy.claimedBy = claimant;
  return copy;
}
