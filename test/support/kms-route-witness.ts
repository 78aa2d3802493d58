/**
 * A witness of what a migration into KMS left: asks the simulated service by its own requests and reads the state files of both sides. It
 * shares nothing with the engine or the adapters' device code.
 */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { expect } from 'vitest';
import { KeyStore } from '../../src/adapters/kms/simulator/key-store.ts';
import { DEFAULT_ACCOUNT } from '../../src/adapters/kms/simulator/kms-service.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { journalOf } from './engine-harness.ts';
import { keysOn, type SeenKey } from './engine-site.ts';
import type { KmsSite } from './kms-route-site.ts';
import { type Answer, aKmsService } from './kms-service-client.ts';

export interface SeenKmsKey {
  readonly id: string;
  readonly state: string;
  readonly spec: string;
  readonly label: string;
  readonly aliases: readonly string[];
  /** Of the public half, or of the bytes: what a source key must have too. */
  readonly print: string;
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Material in a state file: raw, or PKCS#8 whose form may differ while the key is the same. */
function printOf(isPrivate: boolean, material: Buffer): string {
  if (!isPrivate) return digest(material);
  const key = createPrivateKey({ key: material, format: 'der', type: 'pkcs8' });
  return digest(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

/** What can be moved: private and secret keys. */
export const printOfSource = (key: SeenKey): string =>
  printOf(key.class === 'private', Buffer.from(key.material, 'hex'));

/** Every customer managed key of the account, as its operations show it; the material from the state file. */
export async function keysInKms(stateDir: string): Promise<SeenKmsKey[]> {
  const kms = await aKmsService({ stateDir, clock: Date.now });
  const store = new KeyStore(stateDir, { account: DEFAULT_ACCOUNT, region: 'eu-west-1' });
  try {
    const aliases = await everyPage(kms.call, 'ListAliases', 'Aliases');
    const listed = await everyPage(kms.call, 'ListKeys', 'Keys');
    const keys: SeenKmsKey[] = [];
    for (const { KeyId: id } of listed) {
      const { KeyMetadata: metadata } = await kms.call('DescribeKey', { KeyId: id });
      if (metadata.KeyManager === 'AWS') continue;
      const { Tags: tags } = await kms.call('ListResourceTags', { KeyId: id });
      const kept = store.key(id)?.materials.find(({ state }) => state === 'CURRENT')?.bytes;
      keys.push({
        id,
        state: metadata.KeyState,
        spec: metadata.KeySpec,
        label: tags.find((tag: Answer) => tag.TagKey === 'keyferry:label')?.TagValue ?? '',
        aliases: aliases.filter(({ TargetKeyId }) => TargetKeyId === id).map(({ AliasName }) => AliasName),
        print: kept == null ? 'none' : printOf(/^(RSA|ECC)_/.test(metadata.KeySpec), Buffer.from(kept, 'base64')),
      });
    }
    return keys;
  } finally {
    store.close();
    await kms.service.close();
  }
}

async function everyPage(
  call: (operation: string, input: unknown) => Promise<Answer>,
  operation: string,
  member: string,
): Promise<Answer[]> {
  const all: Answer[] = [];
  for (let marker: string | undefined; ; ) {
    const page = await call(operation, marker === undefined ? {} : { Marker: marker });
    all.push(...page[member]);
    if (page.Truncated !== true) return all;
    marker = page.NextMarker;
  }
}

const isMovable = (key: SeenKey): boolean => key.class !== 'public' && key.extractable;
const described = (key: Pick<SeenKmsKey, 'state' | 'label' | 'aliases' | 'print'>): string =>
  `${key.label}/${key.state}/${key.aliases.join()}/${key.print}`;
const onSource = (key: SeenKey): string => `${key.class}/${key.label}/${key.id}/${key.material}`;

/** One enabled KMS key for each key of the source, under its alias; nothing else in KMS, and the source as it was. */
export async function expectInKms(site: KmsSite, before: readonly SeenKey[]): Promise<void> {
  const wanted = before.filter(isMovable).map((key) =>
    described({
      label: key.label,
      state: 'Enabled',
      aliases: [`alias/keyferry/${key.label}`],
      print: printOfSource(key),
    }),
  );
  const found = await keysInKms(site.state('account'));
  expect(found.map(described).sort()).toEqual(wanted.sort());
  expect(keysOn(site, site.source).map(onSource).sort()).toEqual(before.map(onSource).sort());
}

/** The same, and the run says so: every key moved and proven, nothing left over. */
export async function expectKmsMigrated(site: KmsSite, before: readonly SeenKey[], result: RunResult): Promise<void> {
  const total = before.filter(isMovable).length;
  expect(result).toMatchObject({
    state: 'done',
    exitCode: 0,
    error: null,
    leftovers: [],
    counts: { total, migrated: total, pending: 0, failed: 0, needsAttention: 0 },
  });
  await expectInKms(site, before);
  const { open, entries } = await journalOf(site, result.run);
  expect(open).toBe(0);
  const proofs = entries.flatMap(({ entry }) => (entry.kind === 'item' ? [entry.verification] : []));
  expect(proofs).toHaveLength(total);
  expect(proofs.filter((proof) => proof?.strength !== 'strong' || proof.result !== 'same')).toEqual([]);
}
