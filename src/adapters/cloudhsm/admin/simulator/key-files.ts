/** `key import pem` and `key generate-file` of the simulated tool: public keys as PEM. Answers: user guide, `cloudhsm_cli-key-import-pem`, `-generate-file`. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { curveOfParameters, parametersOf, pointOf, spkiFromPoint } from '../../../../keys/curve.ts';
import { CURVES as CURVE_NAMES } from '../../../../keys/key-spec.ts';
import { pemFromSpki, spkiFromRsa } from '../../../../keys/public-key.ts';
import { CKA, CKK, CKO } from '../../../pkcs11/constants.ts';
import type { Attribute } from '../../../pkcs11/cryptoki.ts';
import { HsmRefusal, type SimulatedCluster } from '../../cluster/cluster.ts';
import type { ToolOptions } from '../admin-tool.ts';
import { atKeyDesk, type FoundKey, type KeyDesk, keyNamed } from './key-desk.ts';
import { shownKey, templateOf } from './key-making.ts';
import { readNamedFile, writeNewFile } from './named-files.ts';
import { allowFlags, required, type ToolWords, usage } from './tool-words.ts';

const KINDS: Readonly<Record<string, number>> = { 'rsa-public': CKK.RSA, 'ec-public': CKK.EC };

export async function importPem(cluster: SimulatedCluster, words: ToolWords, { login }: ToolOptions): Promise<unknown> {
  allowFlags(words, ['path', 'label', 'key-type-class', 'attributes']);
  const path = required(words, 'path');
  required(words, 'label');
  const keyType = KINDS[required(words, 'key-type-class')];
  if (keyType === undefined) {
    throw usage(`${words.command}: --key-type-class is one of ${Object.keys(KINDS).join(', ')}`);
  }
  const kind = { class: CKO.PUBLIC_KEY, keyType, label: 'label', attributes: 'attributes' };
  const template = [...templateOf(words, kind), ...publicNumbers(path, keyType)];
  return await atKeyDesk(cluster, login, (desk) => {
    const key = desk.module.C_CreateObject(desk.session, template);
    return { key: shownKey(desk, login, key), message: 'Successfully imported key' };
  });
}

function publicNumbers(path: string, keyType: number): Attribute[] {
  const text = Buffer.from(readNamedFile(path)).toString('latin1');
  const key = /PRIVATE KEY-----/.test(text) ? null : parsed(text);
  const jwk = key?.export({ format: 'jwk' });
  const bytes = (value = ''): Uint8Array => new Uint8Array(Buffer.from(value, 'base64url'));
  if (keyType === CKK.RSA && jwk?.kty === 'RSA') {
    return [
      { type: CKA.MODULUS, value: bytes(jwk.n) },
      { type: CKA.PUBLIC_EXPONENT, value: bytes(jwk.e) },
    ];
  }
  const curve = CURVE_NAMES.find((name) => name === jwk?.crv);
  if (keyType === CKK.EC && jwk?.kty === 'EC' && curve !== undefined) {
    return [
      { type: CKA.EC_PARAMS, value: parametersOf(curve) },
      { type: CKA.EC_POINT, value: pointOf(bytes(jwk.x), bytes(jwk.y)) },
    ];
  }
  throw new HsmRefusal('file', null, `the file ${path} holds no public key in PEM of that type`);
}

function parsed(pem: string): KeyObject | null {
  try {
    return createPublicKey(pem);
  } catch {
    return null;
  }
}

export async function generateFile(
  cluster: SimulatedCluster,
  words: ToolWords,
  { login }: ToolOptions,
): Promise<unknown> {
  allowFlags(words, ['encoding', 'path', 'filter']);
  const encoding = required(words, 'encoding');
  if (encoding !== 'pem') {
    throw usage(`${words.command}: --encoding ${encoding} is not played; pem, for public keys, is`);
  }
  const path = required(words, 'path');
  await atKeyDesk(cluster, login, (desk) => {
    writeNewFile(path, pemFromSpki(spkiOf(desk, keyNamed(desk, words))));
  });
  return { message: 'Successfully generated key file' };
}

function spkiOf({ module, session }: KeyDesk, { object, attributes }: FoundKey): Uint8Array {
  const read = (type: number): Uint8Array =>
    module.C_GetAttributeValue(session, object, [type])[0]?.value ?? new Uint8Array();
  if (attributes.class === 'public-key' && attributes['key-type'] === 'rsa') {
    return spkiFromRsa({ modulus: read(CKA.MODULUS), exponent: read(CKA.PUBLIC_EXPONENT) });
  }
  const curve = attributes.class === 'public-key' ? curveOfParameters(read(CKA.EC_PARAMS)) : undefined;
  if (curve !== undefined) return spkiFromPoint(curve, read(CKA.EC_POINT));
  throw new HsmRefusal('key-class', null, 'only public keys leave as PEM');
}
