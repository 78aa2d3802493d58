/**
 * What a crypto user of the simulated tool has at hand for one command: a PKCS#11 session, and the keys in it that a filter names. Session
 * keys are left out: each command of this tool is a session of its own.
 */
import { ATTRIBUTE_NAMES, type AttributeName, kebabName } from '../../../../keys/attributes.ts';
import { boolOf, CKA_OF, hexOf, keyTypeOf, ulongAttribute, ulongOf } from '../../../pkcs11/attribute-codec.ts';
import { CKA, CKO, CKU } from '../../../pkcs11/constants.ts';
import type { Cryptoki, Handle } from '../../../pkcs11/cryptoki.ts';
import { HsmRefusal, type SimulatedCluster } from '../../cluster/cluster.ts';
import type { ToolLogin } from '../admin-tool.ts';
import { curveName } from './curves.ts';
import { listed, type ToolWords, usage } from './tool-words.ts';

const CLASSES: ReadonlyMap<number, string> = new Map([
  [CKO.SECRET_KEY, 'secret-key'],
  [CKO.PUBLIC_KEY, 'public-key'],
  [CKO.PRIVATE_KEY, 'private-key'],
]);

export interface KeyDesk {
  readonly cluster: SimulatedCluster;
  readonly module: Cryptoki;
  readonly session: Handle;
}

export type Shown = string | number | boolean;

/** As far as it is read: name, id, type and class first. */
export interface FoundKey {
  readonly handle: number;
  readonly object: Handle;
  readonly attributes: Readonly<Record<string, Shown>>;
}

export const reference = (handle: number): string => `0x${handle.toString(16).padStart(16, '0')}`;

/** Throws HsmRefusal for whoever is no crypto user. */
export async function atKeyDesk<T>(
  cluster: SimulatedCluster,
  login: ToolLogin | null,
  work: (desk: KeyDesk) => Promise<T> | T,
): Promise<T> {
  if (login === null) throw new HsmRefusal('not-logged-in', null, 'the command needs a login');
  if (login.role !== 'crypto-user') {
    throw new HsmRefusal('wrong-user-type', null, 'the command is for crypto users; an admin has no keys');
  }
  const module = cluster.module({ client: 'sdk5' });
  try {
    module.C_Initialize();
    const [slot] = module.C_GetSlotList(true);
    if (slot === undefined) throw new HsmRefusal('node-down', null, 'no HSM of the cluster is up');
    const session = module.C_OpenSession(slot);
    module.C_Login(session, CKU.USER, login.pin.reveal());
    return await work({ cluster, module, session });
  } finally {
    await module.close();
  }
}

const attributeOf = ({ module, session }: KeyDesk, object: Handle, type: number): Uint8Array | null =>
  module.C_GetAttributeValue(session, object, [type])[0]?.value ?? null;

/** Name, id, type and class: what most filters ask for. */
function brief(desk: KeyDesk, object: Handle, className: string): FoundKey {
  const [label, id, type] = desk.module
    .C_GetAttributeValue(desk.session, object, [CKA.LABEL, CKA.ID, CKA.KEY_TYPE])
    .map(({ value }) => value);
  const keyType = keyTypeOf(ulongOf(type ?? null));
  return {
    handle: desk.cluster.keyHandle(desk.session, object),
    object,
    attributes: {
      'key-type': keyType === 'des3' ? '3des' : keyType,
      label: Buffer.from(label ?? []).toString('utf8'),
      id: `0x${hexOf(id ?? null)}`,
      class: className,
    },
  };
}

/** Check values of asymmetric keys are left out: over what bytes the vendor makes them is not known. */
const BOOLEANS: readonly AttributeName[] = ATTRIBUTE_NAMES.filter((name) => name !== 'copyable');

function details(desk: KeyDesk, object: Handle, keyType: Shown | undefined): Record<string, Shown> {
  if (keyType === 'rsa') {
    const modulus = hexOf(attributeOf(desk, object, CKA.MODULUS));
    return {
      'public-exponent': `0x${hexOf(attributeOf(desk, object, CKA.PUBLIC_EXPONENT))}`,
      modulus: `0x${modulus}`,
      'modulus-size-bits': modulus.length * 4,
    };
  }
  if (keyType === 'ec') {
    const point = attributeOf(desk, object, CKA.EC_POINT);
    return {
      ...(point === null ? {} : { 'ec-point': `0x${hexOf(point)}` }),
      curve: curveName(attributeOf(desk, object, CKA.EC_PARAMS)),
    };
  }
  const length = ulongOf(attributeOf(desk, object, CKA.VALUE_LEN));
  return Number.isNaN(length) ? {} : { 'key-length-bytes': length };
}

/** With every attribute that the tool shows, as the HSM that serves has them. What a class does not have is false. */
export function inFull(desk: KeyDesk, key: FoundKey): FoundKey {
  const { object, attributes } = key;
  const { class: className, ...first } = attributes;
  const isSecret = className === 'secret-key';
  const checkValue = isSecret ? hexOf(attributeOf(desk, object, CKA.CHECK_VALUE)) : '';
  const booleans = Object.fromEntries(
    BOOLEANS.map((name) => [kebabName(name), boolOf(attributeOf(desk, object, CKA_OF[name])) ?? false]),
  );
  return {
    ...key,
    attributes: {
      ...first,
      ...(checkValue === '' ? {} : { 'check-value': `0x${checkValue}` }),
      ...(className === undefined ? {} : { class: className }),
      ...booleans,
      ...details(desk, object, attributes['key-type']),
    },
  };
}

export function keyOf(desk: KeyDesk, object: Handle): FoundKey {
  const number = ulongOf(attributeOf(desk, object, CKA.CLASS));
  return inFull(desk, brief(desk, object, CLASSES.get(number) ?? 'other'));
}

/** Own, shared and public keys that fit, ascending by handle. Throws ToolFailure for a filter that cannot be read. */
export function keysLike(desk: KeyDesk, filter: readonly string[]): FoundKey[] {
  const { module, session } = desk;
  const conditions = filter.map(readCondition);
  const isBrief = conditions.every(({ name }) => ['key-reference', 'label', 'id', 'key-type', 'class'].includes(name));
  const all = [...CLASSES].flatMap(([number, name]) =>
    module
      .findObjects(session, [ulongAttribute(CKA.CLASS, number), { type: CKA.TOKEN, value: new Uint8Array([1]) }])
      .map((object) => brief(desk, object, name)),
  );
  return all
    .filter((key) => conditions.every((condition) => fits(isBrief ? key : inFull(desk, key), condition)))
    .sort((one, other) => one.handle - other.handle);
}

interface Condition {
  readonly name: string;
  readonly value: string;
}

const KNOWN: ReadonlySet<string> = new Set([
  ...['label', 'id', 'key-type', 'class', 'check-value', 'key-length-bytes'],
  ...['modulus', 'modulus-size-bits', 'public-exponent', 'curve', 'ec-point'],
  ...BOOLEANS.map(kebabName),
]);

function readCondition(text: string): Condition {
  const at = text.indexOf('=');
  if (at < 0) throw usage(`--filter: ${text} is no condition`);
  const name = text.slice(0, at);
  const value = text.slice(at + 1);
  if (name === 'key-reference') {
    if (!/^0x[0-9a-f]{1,16}$/i.test(value)) throw usage(`--filter: ${value} is no key reference`);
    return { name, value };
  }
  const attribute = name.startsWith('attr.') ? name.slice('attr.'.length) : '';
  if (!KNOWN.has(attribute)) throw usage(`--filter: ${name} cannot be searched for on the simulated cluster`);
  return { name: attribute, value };
}

/** Hex and truth values do not know case, labels do. */
function fits(key: FoundKey, { name, value }: Condition): boolean {
  if (name === 'key-reference') return BigInt(value) === BigInt(key.handle);
  const own = key.attributes[name];
  if (own === undefined) return false;
  return name === 'label' ? own === value : String(own).toLowerCase() === value.toLowerCase();
}

/** The one key that this filter names. Throws HsmRefusal `filter`. */
export function keyNamed(desk: KeyDesk, words: ToolWords, flag = 'filter'): FoundKey {
  const filter = listed(words, flag);
  if (filter.length === 0) throw usage(`${words.command}: --${flag} wants a condition`);
  const found = keysLike(desk, filter);
  const [key] = found;
  if (key !== undefined && found.length === 1) return key;
  throw new HsmRefusal(
    'filter',
    null,
    found.length === 0 ? 'no key fits the filter' : 'more than one key fits the filter',
  );
}
