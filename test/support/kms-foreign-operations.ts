/** The operations of a service that is not ours, each from its page of the API reference. https://docs.aws.amazon.com/kms/latest/APIReference/ */
import { createHash, randomBytes } from 'node:crypto';
import {
  decrypted,
  encrypted,
  type ForeignKey,
  isAsymmetric,
  isMaterialFor,
  isSigned,
  macOf,
  newForeignKey,
  signed,
  spkiOf,
  unwrap,
  type WrappingPair,
  wrappingPair,
} from './kms-foreign-keys.ts';
import { ForeignRefusal, type ForeignWays } from './kms-foreign-ways.ts';

interface Token {
  readonly keyId: string;
  readonly algorithm: string;
  readonly pair: WrappingPair;
}

export interface ForeignDesk {
  readonly ways: ForeignWays;
  readonly keys: Map<string, ForeignKey>;
  readonly aliases: Map<string, string>;
  readonly tokens: Map<string, Token>;
  /** Alias → where it was, and how many looks still show that. */
  readonly behind: Map<string, { readonly id: string | undefined; looks: number }>;
}

// biome-ignore lint/suspicious/noExplicitAny: members of a request as they came, of any type
type Asked = Readonly<Record<string, any>>;
type Handler = (desk: ForeignDesk, asked: Asked) => object | null;

export const FOREIGN_ACCOUNT = '210987654321';
const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
const text = (given: Buffer): string => given.toString('base64');
const arnOf = ({ ways }: ForeignDesk, id: string): string =>
  `arn:${ways.partition}:kms:${ways.region}:${FOREIGN_ACCOUNT}:key/${id}`;

const gone = (desk: ForeignDesk, id: string): ForeignRefusal =>
  new ForeignRefusal('NotFoundException', `Key '${arnOf(desk, id)}' does not exist`, 404);
const invalid = (why: string): ForeignRefusal => new ForeignRefusal('ValidationException', why);
const inState = (key: ForeignKey): ForeignRefusal =>
  new ForeignRefusal('KMSInvalidStateException', `${key.id} is ${key.state}`, 409);

/** Neither by alias nor pending deletion. */
function keyOf(desk: ForeignDesk, asked: Asked): ForeignKey {
  const id = `${asked.KeyId ?? asked.TargetKeyId}`.replace(/^arn:.*:key\//, '');
  const key = desk.keys.get(id);
  if (key === undefined) throw gone(desk, id);
  if (desk.ways.deniedKeys.has(id)) {
    throw new ForeignRefusal('AccessDeniedException', 'no resource-based policy allows the action');
  }
  return key;
}

function usableKey(desk: ForeignDesk, asked: Asked, usage: string): ForeignKey {
  const key = keyOf(desk, asked);
  if (key.state === 'Disabled') throw new ForeignRefusal('DisabledException', `${key.id} is disabled.`, 409);
  if (key.state !== 'Enabled') throw inState(key);
  if (key.usage !== usage) throw new ForeignRefusal('InvalidKeyUsageException', key.usage);
  return key;
}

function editableKey(desk: ForeignDesk, asked: Asked): ForeignKey {
  const key = keyOf(desk, asked);
  if (key.state === 'PendingDeletion') throw inState(key);
  return key;
}

const materialId = (key: ForeignKey): string =>
  createHash('sha256')
    .update(`${key.id} ${text(key.first ?? Buffer.alloc(0))}`)
    .digest('hex');

const algorithmsOf = ({ spec, usage }: ForeignKey): object => {
  if (usage === 'ENCRYPT_DECRYPT')
    return { EncryptionAlgorithms: isAsymmetric(spec) ? ['RSAES_OAEP_SHA_256'] : ['SYMMETRIC_DEFAULT'] };
  if (usage === 'GENERATE_VERIFY_MAC') return { MacAlgorithms: [spec.replace('HMAC_', 'HMAC_SHA_')] };
  if (spec.startsWith('RSA')) return { SigningAlgorithms: ['RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PSS_SHA_256'] };
  return { SigningAlgorithms: [spec.endsWith('384') ? 'ECDSA_SHA_384' : 'ECDSA_SHA_256'] };
};

function metadataOf(desk: ForeignDesk, key: ForeignKey): object {
  const { ways } = desk;
  const when = (seconds: number): number => (ways.fractionsOfSeconds ? seconds : Math.floor(seconds));
  const isExpiring = key.validTo !== null;
  const shownState = key.creating > 0 ? 'Creating' : key.state;
  const needed = {
    KeyId: key.id,
    KeyState: shownState,
    KeyUsage: key.usage,
    Origin: key.origin,
    [ways.specNamed]: key.spec,
  };
  if (ways.bareDescriptions) return needed;
  const isMultiRegion = key.id.startsWith('mrk-');
  const primary = { Arn: arnOf(desk, key.id), Region: ways.region };
  return {
    ...needed,
    AWSAccountId: FOREIGN_ACCOUNT,
    Arn: arnOf(desk, key.id),
    CreationDate: when(key.created),
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyManager: key.manager,
    MultiRegion: isMultiRegion,
    ...(isMultiRegion ? { MultiRegionConfiguration: { MultiRegionKeyType: 'PRIMARY', PrimaryKey: primary } } : {}),
    ...(ways.saysAlgorithms ? algorithmsOf(key) : {}),
    ...(key.deletion === null ? {} : { DeletionDate: when(key.deletion) }),
    ...(key.material === null || !ways.saysExpirationModel
      ? {}
      : { ExpirationModel: isExpiring ? 'KEY_MATERIAL_EXPIRES' : 'KEY_MATERIAL_DOES_NOT_EXPIRE' }),
    ...(isExpiring ? { ValidTo: when(key.validTo ?? 0) } : {}),
    ...(ways.hasMaterialIds && key.first !== null && !isAsymmetric(key.spec) && key.usage === 'ENCRYPT_DECRYPT'
      ? { CurrentKeyMaterialId: materialId(key) }
      : {}),
    ...(ways.unknownMembers ? { Shelf: { Row: 3 }, XksKeyConfiguration: null } : {}),
  };
}

function page(desk: ForeignDesk, asked: Asked, made: readonly object[], member: string, usual: number): object {
  const { oddPages: isOdd } = desk.ways;
  if (isOdd && asked.Marker === undefined) return { [member]: [], Truncated: true, NextMarker: 'm0' };
  const all = isOdd ? [...made].reverse() : made;
  const from = asked.Marker === undefined ? 0 : Number(asked.Marker.slice(1));
  const size = Math.min(asked.Limit ?? usual, desk.ways.pageSize ?? Number.POSITIVE_INFINITY);
  const isMore = from + size < all.length;
  return {
    [member]: all.slice(from, from + size),
    Truncated: isMore,
    ...(isMore ? { NextMarker: `m${from + size}` } : {}),
  };
}

const createKey: Handler = (desk, asked) => {
  const spec: string = asked.KeySpec ?? 'SYMMETRIC_DEFAULT';
  if (spec !== 'SYMMETRIC_DEFAULT' && asked.KeyUsage === undefined) throw invalid('You must specify a KeyUsage value');
  const isOurs = desk.ways.keepsOrigin && asked.Origin === 'EXTERNAL';
  const key = newForeignKey({
    ...(asked.MultiRegion === true ? { id: `mrk-${randomBytes(16).toString('hex')}` } : {}),
    creating: desk.ways.creatingReads,
    spec,
    usage: asked.KeyUsage ?? 'ENCRYPT_DECRYPT',
    origin: isOurs ? 'EXTERNAL' : 'AWS_KMS',
    state: isOurs ? 'PendingImport' : 'Enabled',
    material: isOurs ? null : randomBytes(32),
    description: asked.Description ?? '',
    policy: asked.Policy ?? '',
    tags: desk.ways.keepsTags ? (asked.Tags ?? []) : [],
    behind: desk.ways.lag,
  });
  desk.keys.set(key.id, key);
  return { KeyMetadata: metadataOf(desk, { ...key }) };
};

function targetOf({ aliases, behind }: ForeignDesk, alias: string): string | undefined {
  const old = behind.get(alias);
  if (old === undefined || old.looks === 0) return aliases.get(alias);
  old.looks -= 1;
  return old.id;
}

const describeKey: Handler = (desk, asked) => {
  const isAlias = `${asked.KeyId}`.startsWith('alias/');
  const id = isAlias ? targetOf(desk, asked.KeyId) : asked.KeyId;
  if (id === undefined) throw new ForeignRefusal('NotFoundException', `Alias ${asked.KeyId} is not found.`, 404);
  const key = keyOf(desk, { KeyId: id });
  if (key.creating > 0) key.creating -= 1;
  if (key.behind === 0) return { KeyMetadata: metadataOf(desk, key) };
  key.behind -= 1;
  if (key.material === null) throw gone(desk, key.id);
  return { KeyMetadata: metadataOf(desk, { ...key, state: 'PendingImport', material: null, validTo: null }) };
};

const listResourceTags: Handler = (desk, asked) => {
  const key = keyOf(desk, asked);
  const others = [
    { TagKey: 'cost-centre', TagValue: '4711' },
    { TagKey: 'owner', TagValue: 'a-bot' },
  ];
  const tags = desk.ways.tagsByOthers ? [...others, ...[...key.tags].reverse()] : key.tags;
  return page(desk, asked, tags, 'Tags', 50);
};

const getParametersForImport: Handler = (desk, asked) => {
  const key = editableKey(desk, asked);
  const { ways, tokens } = desk;
  if (key.creating > 0) throw inState(key);
  if (key.origin !== 'EXTERNAL' || ways.unsupportedAlgorithms.includes(asked.WrappingAlgorithm)) {
    throw new ForeignRefusal('UnsupportedOperationException', `${asked.WrappingAlgorithm} is not valid here.`);
  }
  const pair = wrappingPair(Number(asked.WrappingKeySpec.replace('RSA_', '')));
  if (ways.tokens === 'newest-once') {
    for (const [token, { keyId }] of tokens) if (keyId === key.id) tokens.delete(token);
  }
  const token = text(randomBytes(48));
  tokens.set(token, { keyId: key.id, algorithm: asked.WrappingAlgorithm, pair });
  const end = Date.now() / 1000 + 86_400;
  return {
    KeyId: arnOf(desk, key.id),
    ImportToken: token,
    PublicKey: ways.brokenPublicKeys ? text(randomBytes(294)) : text(pair.spki),
    ParametersValidTo: ways.fractionsOfSeconds ? end : Math.floor(end),
  };
};

const importKeyMaterial: Handler = (desk, asked) => {
  const key = editableKey(desk, asked);
  const { ways, tokens } = desk;
  const token = tokens.get(asked.ImportToken);
  if (token?.keyId !== key.id) throw new ForeignRefusal('InvalidImportTokenException', '');
  if (ways.wantsExpirationModel && asked.ExpirationModel === undefined) throw invalid('ExpirationModel is missing');
  const isExpiring = (asked.ExpirationModel ?? 'KEY_MATERIAL_EXPIRES') === 'KEY_MATERIAL_EXPIRES';
  if (isExpiring !== (asked.ValidTo !== undefined)) throw invalid('ValidTo and ExpirationModel do not agree');
  if (ways.refusesFractions && !Number.isInteger(asked.ValidTo ?? 0)) {
    throw new ForeignRefusal('SerializationException', 'ValidTo is not a whole number');
  }
  if (asked.ImportType === 'NEW_KEY_MATERIAL' && key.first !== null) throw invalid('there is material already');
  const material = unwrap(token.pair.privateKey, token.algorithm, bytes(asked.EncryptedKeyMaterial));
  if (material === null) throw new ForeignRefusal('InvalidCiphertextException', '');
  if (!isMaterialFor(key.spec, material)) throw new ForeignRefusal('IncorrectKeyMaterialException', '');
  if (ways.comparesMaterial && key.first !== null && !key.first.equals(material)) {
    throw new ForeignRefusal('IncorrectKeyMaterialException', '');
  }
  if (ways.tokens === 'newest-once') tokens.delete(asked.ImportToken);
  key.first ??= material;
  key.material = material;
  key.validTo = isExpiring ? asked.ValidTo : null;
  key.behind = key.state === 'PendingImport' ? ways.lag : 0;
  if (key.state === 'PendingImport') key.state = 'Enabled';
  return ways.hasMaterialIds ? { KeyId: arnOf(desk, key.id), KeyMaterialId: materialId(key) } : null;
};

const deleteImportedKeyMaterial: Handler = (desk, asked) => {
  const key = keyOf(desk, asked);
  key.material = null;
  key.validTo = null;
  if (key.state !== 'PendingDeletion') key.state = 'PendingImport';
  return { KeyId: arnOf(desk, key.id) };
};

const createAlias: Handler = (desk, asked) => {
  if (desk.aliases.has(asked.AliasName)) throw new ForeignRefusal('AlreadyExistsException', '', 409);
  desk.behind.set(asked.AliasName, { id: undefined, looks: desk.ways.aliasLag });
  desk.aliases.set(asked.AliasName, editableKey(desk, asked).id);
  return null;
};

const updateAlias: Handler = (desk, asked) => {
  if (!desk.aliases.has(asked.AliasName)) throw new ForeignRefusal('NotFoundException', '', 404);
  desk.behind.set(asked.AliasName, { id: desk.aliases.get(asked.AliasName), looks: desk.ways.aliasLag });
  desk.aliases.set(asked.AliasName, editableKey(desk, asked).id);
  return null;
};

const deleteAlias: Handler = (desk, asked) => {
  if (!desk.aliases.delete(asked.AliasName)) throw new ForeignRefusal('NotFoundException', '', 404);
  return null;
};

const listAliases: Handler = (desk, asked) => {
  const of = asked.KeyId === undefined ? null : keyOf(desk, asked).id;
  const all = [...desk.aliases]
    .filter(([, id]) => of === null || id === of || desk.ways.listsEveryAlias)
    .map(([name, id]) => ({
      AliasName: name,
      AliasArn: arnOf(desk, '').replace('key/', name),
      TargetKeyId: id,
    }));
  return page(desk, asked, all, 'Aliases', 50);
};

const scheduleKeyDeletion: Handler = (desk, asked) => {
  const key = editableKey(desk, asked);
  key.state = 'PendingDeletion';
  key.deletion = Date.now() / 1000 + asked.PendingWindowInDays * 86_400;
  return { KeyId: arnOf(desk, key.id), DeletionDate: key.deletion, KeyState: key.state };
};

const decrypt: Handler = (desk, asked) => {
  const key = usableKey(desk, asked, 'ENCRYPT_DECRYPT');
  const plaintext = decrypted(key, bytes(asked.CiphertextBlob));
  if (plaintext === null) throw new ForeignRefusal('InvalidCiphertextException', '');
  return { KeyId: arnOf(desk, key.id), Plaintext: text(plaintext) };
};

const verify: Handler = (desk, asked) => {
  const key = usableKey(desk, asked, 'SIGN_VERIFY');
  if (isSigned(key, asked.SigningAlgorithm, bytes(asked.Message), bytes(asked.Signature))) {
    return { KeyId: arnOf(desk, key.id), SignatureValid: true };
  }
  throw new ForeignRefusal('KMSInvalidSignatureException', '');
};

const verifyMac: Handler = (desk, asked) => {
  const key = usableKey(desk, asked, 'GENERATE_VERIFY_MAC');
  if (macOf(key, asked.MacAlgorithm, bytes(asked.Message)).equals(bytes(asked.Mac))) {
    return { KeyId: arnOf(desk, key.id), MacValid: true };
  }
  throw new ForeignRefusal('KMSInvalidMacException', '');
};

const setState =
  (state: 'Enabled' | 'Disabled'): Handler =>
  (desk, asked) => {
    const key = editableKey(desk, asked);
    if (key.state === 'PendingImport') throw inState(key);
    key.state = state;
    return null;
  };

export const FOREIGN_OPERATIONS: Readonly<Record<string, Handler>> = {
  CreateAlias: createAlias,
  CreateKey: createKey,
  Decrypt: decrypt,
  DeleteAlias: deleteAlias,
  DeleteImportedKeyMaterial: deleteImportedKeyMaterial,
  DescribeKey: describeKey,
  DisableKey: setState('Disabled'),
  EnableKey: setState('Enabled'),
  Encrypt: (desk, asked) => {
    const key = usableKey(desk, asked, 'ENCRYPT_DECRYPT');
    return { KeyId: arnOf(desk, key.id), CiphertextBlob: text(encrypted(key, bytes(asked.Plaintext))) };
  },
  GenerateMac: (desk, asked) => {
    const key = usableKey(desk, asked, 'GENERATE_VERIFY_MAC');
    return { KeyId: arnOf(desk, key.id), Mac: text(macOf(key, asked.MacAlgorithm, bytes(asked.Message))) };
  },
  GetParametersForImport: getParametersForImport,
  GetPublicKey: (desk, asked) => {
    const key = keyOf(desk, asked);
    if (key.state !== 'Enabled') throw inState(key);
    const spki = desk.ways.brokenPublicKeys ? randomBytes(91) : spkiOf(key);
    return { KeyId: arnOf(desk, key.id), PublicKey: text(spki), KeySpec: key.spec };
  },
  ImportKeyMaterial: importKeyMaterial,
  ListAliases: listAliases,
  ListKeys: (desk, asked) => {
    const all = [...desk.keys.keys()].map((id) => ({ KeyId: id, KeyArn: arnOf(desk, id) }));
    return page(desk, asked, all, 'Keys', 100);
  },
  ListResourceTags: listResourceTags,
  ScheduleKeyDeletion: scheduleKeyDeletion,
  Sign: (desk, asked) => {
    const key = usableKey(desk, asked, 'SIGN_VERIFY');
    return { KeyId: arnOf(desk, key.id), Signature: text(signed(key, asked.SigningAlgorithm, bytes(asked.Message))) };
  },
  UpdateAlias: updateAlias,
  Verify: verify,
  VerifyMac: verifyMac,
};
