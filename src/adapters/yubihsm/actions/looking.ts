/** Actions that look and change nothing: find-keys, get-attributes, require-attribute, export-public-key. */
import { exportPublicKeyBy } from '../../actions/export-public-key.ts';
import { findKeysBy } from '../../actions/find-keys.ts';
import { getAttributesBy } from '../../actions/get-attributes.ts';
import { requireAttributeBy } from '../../actions/require-attribute.ts';
import { keyObjects } from '../objects/duplicates.ts';
import { checkValue } from '../objects/fingerprints.ts';
import { attributesOf, locatorOf, recordOf, whyNotExportable } from '../objects/key-model.ts';
import { inWords, locate, refOf } from '../objects/locate.ts';
import { idHex } from '../objects/object-id.ts';
import { spkiOf } from '../objects/public-half.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { renamed } from './action.ts';
import { objectId, readObjectIdIfGiven } from './arguments.ts';

export const findKeys = findKeysBy<YubiHsm>({
  order: 'ids',
  id: objectId,
  readId(args) {
    const id = readObjectIdIfGiven(args);
    return id === undefined ? undefined : idHex(id);
  },
  async find(hsm, isWanted) {
    const wanted = (await keyObjects(hsm)).filter((found) => isWanted(locatorOf(hsm.serial, found)));
    wanted.sort((one, other) => one.info.id - other.info.id || one.info.type - other.info.type);
    return wanted.map((found) => refOf(hsm, found));
  },
});

export const getAttributes = getAttributesBy<YubiHsm>({
  types: 'aes, generic-secret, rsa, ec or other',
  bits: 'Key length in bits',
  async read(hsm, ref) {
    const found = await locate(hsm, ref);
    return recordOf(hsm.serial, found, { kcv: await checkValue(hsm, found) });
  },
});

export const requireAttribute = requireAttributeBy<YubiHsm>({
  inWords,
  lead: 'is not as wanted:',
  async look(hsm, ref, name) {
    const found = await locate(hsm, ref);
    const value = attributesOf(found)[name];
    const why = name === 'extractable' && value === false ? whyNotExportable(found) : null;
    return { value, ...(why === null ? {} : { why }) };
  },
});

export const exportPublicKey = exportPublicKeyBy<YubiHsm>(async (hsm, ref) => spkiOf(hsm, await locate(hsm, ref)));

export const getPublicKey = renamed(exportPublicKey, 'get-public-key', 'Read the public half of a key from the device');
