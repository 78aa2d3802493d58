/**
 * The public wrap key that export-key puts on the device for one call. Exporting changes no key, so the journal says nothing of it; its
 * label does: it bears a mark of the plan's salt. A run that goes on after a kill removes what it left; what another run left, or uses at
 * this moment, is named in the plan and not touched.
 */
import { createHash } from 'node:crypto';
import { note } from '../../actions/action.ts';
import type { Finding } from '../../adapter.ts';
import { deleteObject } from '../commands/delete-object.ts';
import { labelOf } from '../wire/label.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import { isNamed, type YubiHsm } from '../yubihsm.ts';
import { idText } from './object-id.ts';

export const PUBLIC_WRAP_KEY = OBJECT_TYPE['public-wrap-key'];

export const ONE_USE_NAME = 'keyferry one-use export';

/** Hex digits; with the name they fit into the 40 bytes of a label. */
const MARK_DIGITS = 12;

/** Without a salt nobody could say whose it is: the name alone. */
export function oneUseLabel(salt: Uint8Array | undefined): Uint8Array {
  if (salt === undefined) return labelOf(ONE_USE_NAME);
  const mark = createHash('sha256').update(ONE_USE_NAME).update(salt).digest('hex').slice(0, MARK_DIGITS);
  return labelOf(`${ONE_USE_NAME} ${mark}`);
}

/** Of a run that was killed, or lost the device, before it could delete its own. Another run may be using it at this moment. */
export async function leftoverNotes(hsm: YubiHsm): Promise<readonly Finding[]> {
  const left: string[] = [];
  for (const { id } of await hsm.list({ type: PUBLIC_WRAP_KEY })) {
    const info = await hsm.info({ type: PUBLIC_WRAP_KEY, id });
    if (info !== null && Buffer.from(info.label).toString('latin1').startsWith(ONE_USE_NAME)) left.push(idText(id));
  }
  if (left.length === 0) return [];
  return [
    note(
      `an export that was cut off left the public wrap key ${left.join(', ')} "${ONE_USE_NAME}" on ${hsm.name}; delete it if no other run is under way`,
    ),
  ];
}

/** Deletes the wrap key, also when nobody knows whether it was made. */
export async function removeOneUseKey(hsm: YubiHsm, id: number): Promise<void> {
  const what = `delete the one-use wrap key ${idText(id)}`;
  try {
    await hsm.call(deleteObject, { type: PUBLIC_WRAP_KEY, id }, what);
  } catch (error) {
    if (isNamed(error, 'object-not-found')) return;
    const left = await hsm.info({ type: PUBLIC_WRAP_KEY, id });
    if (left === null) return;
    await hsm.call(deleteObject, { type: PUBLIC_WRAP_KEY, id }, what);
  }
}

const SWEPT = new WeakMap<YubiHsm, Map<string, Promise<void>>>();

/** Before the first export of this process: whatever bears the run's mark then is of an earlier process, for a run has one owner. */
export async function removeEarlierOneUseKeys(hsm: YubiHsm, salt: Uint8Array | undefined): Promise<void> {
  if (salt === undefined) return;
  const label = oneUseLabel(salt);
  const mark = Buffer.from(label).toString('hex');
  const known = SWEPT.get(hsm) ?? new Map<string, Promise<void>>();
  SWEPT.set(hsm, known);
  const swept = known.get(mark) ?? sweep(hsm, label);
  known.set(mark, swept);
  try {
    await swept;
  } catch (error) {
    known.delete(mark);
    throw error;
  }
}

async function sweep(hsm: YubiHsm, label: Uint8Array): Promise<void> {
  for (const { id } of await hsm.list({ type: PUBLIC_WRAP_KEY, label })) await removeOneUseKey(hsm, id);
}
