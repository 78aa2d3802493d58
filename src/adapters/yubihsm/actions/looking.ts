/** Actions that look and change nothing: find-keys, get-attributes, require-attribute, export-public-key. */

import type { ErrorCode } from '../../../errors/codes.ts';
import { ATTRIBUTE_NAMES, attributeFromKebab, kebabName, snakeName } from '../../../keys/attributes.ts';
import { KEY_CLASSES, KEY_TYPES } from '../../../keys/key-spec.ts';
import { labelHex } from '../../../keys/locator.ts';
import { pemFromSpki, spkiSha256 } from '../../../keys/public-key.ts';
import { optional, required, withDefault } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import {
  key,
  readBooleanIfGiven,
  readKey,
  readKeyIfKnown,
  readText,
  readTextIfGiven,
  shape,
} from '../../actions/arguments.ts';
import type { Finding, OutputSpec } from '../../adapter.ts';
import { keyObjects } from '../objects/duplicates.ts';
import { checkValue } from '../objects/fingerprints.ts';
import { attributesOf, locatorOf, recordOf, whyNotExportable } from '../objects/key-model.ts';
import { inWords, locate, refOf } from '../objects/locate.ts';
import { spkiOf } from '../objects/public-half.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { renamed, type YubiHsmAction } from './action.ts';
import { objectId, readObjectIdIfGiven } from './arguments.ts';

export const findKeys: YubiHsmAction = {
  spec: {
    name: 'find-keys',
    summary: 'Find keys by label, id, class or type',
    effect: 'read',
    input: shape({
      label: optional({ kind: 'string', description: 'Exact label' }),
      'label-prefix': optional({ kind: 'string', description: 'How the label begins' }),
      id: objectId,
      class: optional({ kind: 'enum', values: KEY_CLASSES }),
      type: optional({ kind: 'enum', values: KEY_TYPES }),
    }),
    outputs: { keys: { type: 'list', lifetime: 'run', description: 'The keys found, in the order of their ids' } },
  },
  async perform(hsm, { args }) {
    const exact = readTextIfGiven(args, 'label');
    const prefix = labelHex(readTextIfGiven(args, 'label-prefix') ?? '');
    const id = readObjectIdIfGiven(args);
    const type = readTextIfGiven(args, 'type');
    const keyClass = readTextIfGiven(args, 'class');
    const wanted = (await keyObjects(hsm)).filter((found) => {
      const locator = locatorOf(hsm.serial, found);
      return (
        (exact === undefined || locator.label === labelHex(exact)) &&
        locator.label.startsWith(prefix) &&
        (id === undefined || found.info.id === id) &&
        (type === undefined || locator.type === type) &&
        (keyClass === undefined || locator.class === keyClass)
      );
    });
    wanted.sort((one, other) => one.info.id - other.info.id || one.info.type - other.info.type);
    return done({ keys: wanted.map((found) => refOf(hsm, found)) });
  },
};

const text = (description: string): OutputSpec => ({ type: 'string', lifetime: 'run', description });

export const getAttributes: YubiHsmAction = {
  spec: {
    name: 'get-attributes',
    summary: 'Read the attributes of a key',
    effect: 'read',
    input: shape({ key: key('The key to read') }),
    outputs: {
      label: text('Label; hex when it is not text'),
      id: text('Id in hex'),
      class: text('secret, public or private'),
      type: text('aes, generic-secret, rsa, ec or other'),
      bits: { type: 'int', lifetime: 'run', description: 'Key length in bits' },
      curve: text('Named curve of an EC key: P-256, P-384, P-521 or secp256k1; else empty'),
      kcv: text('Key check value, empty where the key cannot make one'),
      ...Object.fromEntries(
        ATTRIBUTE_NAMES.map((name): [string, OutputSpec] => [
          snakeName(name),
          { type: 'bool', lifetime: 'run', description: `Attribute ${snakeName(name).replaceAll('_', '-')}` },
        ]),
      ),
    },
  },
  async perform(hsm, { args }) {
    const found = await locate(hsm, readKey(args, 'key'));
    const record = recordOf(hsm.serial, found, { kcv: await checkValue(hsm, found) });
    return done({
      label: record.label,
      id: record.id,
      class: record.class,
      type: record.type,
      bits: record.bits,
      curve: record.curve ?? '',
      kcv: record.kcv ?? '',
      ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [snakeName(name), record.attributes[name] ?? false])),
    });
  },
};

/** null: the key is as wanted. */
async function shortcoming(
  hsm: YubiHsm,
  args: Arguments,
): Promise<{ readonly reason: string; readonly code: ErrorCode } | null> {
  const kebab = readText(args, 'name');
  const name = attributeFromKebab(kebab);
  if (name === undefined) throw hsm.fail('argument-invalid', `there is no attribute "${kebab}".`);
  const wanted = readBooleanIfGiven(args, 'value') ?? true;
  const found = await locate(hsm, readKey(args, 'key'));
  const got = attributesOf(found)[name];
  if (got === wanted) return null;
  if (got === undefined) return { reason: `the device does not say whether it is ${kebab}`, code: 'key-not-permitted' };
  if (name !== 'extractable') return { reason: `${got ? '' : 'not '}${kebabName(name)}`, code: 'key-not-permitted' };
  return { reason: got ? kebab : (whyNotExportable(found) ?? 'not extractable'), code: 'key-not-extractable' };
}

export const requireAttribute: YubiHsmAction = {
  spec: {
    name: 'require-attribute',
    summary: 'Check an attribute of a key',
    effect: 'read',
    input: shape({
      key: key('The key to look at'),
      name: required({ kind: 'enum', values: ATTRIBUTE_NAMES.map(kebabName), description: 'Attribute' }),
      value: withDefault({ kind: 'boolean', description: 'What it must be' }, true),
    }),
    outputs: {},
    role: { kind: 'check' },
  },
  async preview(hsm, calls) {
    const all: (readonly Finding[])[] = [];
    for (const args of calls) {
      const found = readKeyIfKnown(args, 'key') === null ? null : await shortcoming(hsm, args);
      all.push(found === null ? [] : [{ level: 'skip', reason: found.reason }]);
    }
    return all;
  },
  async perform(hsm, { args }) {
    const found = await shortcoming(hsm, args);
    if (found === null) return done({});
    throw hsm.fail(found.code, `the ${inWords(readKey(args, 'key').locator)} is not as wanted: ${found.reason}.`);
  },
};

export const exportPublicKey: YubiHsmAction = {
  spec: {
    name: 'export-public-key',
    summary: 'Read a public key from the device',
    effect: 'read',
    input: shape({ key: key('A public key, or a private key whose public half is wanted') }),
    outputs: {
      pem: { type: 'artifact', lifetime: 'run', description: 'The public key (PEM, SubjectPublicKeyInfo)' },
      spki_sha256: text('SHA-256 of its DER, hex'),
    },
  },
  async perform(hsm, { args }) {
    const spki = await spkiOf(hsm, await locate(hsm, readKey(args, 'key')));
    return done({ pem: { kind: 'public-key', pem: pemFromSpki(spki) }, spki_sha256: spkiSha256(spki) });
  },
};

export const getPublicKey = renamed(exportPublicKey, 'get-public-key', 'Read the public half of a key from the device');
