import { describe, expect, it } from 'vitest';
import { KMS_FAULTS_SHAPE, type KmsFault, readKmsFaults } from '../../../../../src/adapters/kms/simulator/faults.ts';
import { DroppedConnection } from '../../../../../src/adapters/kms/simulator/kms-service.ts';
import { misfit } from '../../../../../src/schema/check-value.ts';
import {
  type Answer,
  aKey,
  aKmsService,
  anExternalKey,
  type KmsUnderTest,
} from '../../../../support/kms-service-client.ts';

const withFaults = (...faults: KmsFault[]): Promise<KmsUnderTest> => aKmsService({ faults: { faults } });
const count = async (kms: KmsUnderTest): Promise<number> => (await kms.call('ListKeys')).Keys.length;

describe('calls that are refused as planned', () => {
  it.each([
    [
      'throttle',
      'ThrottlingException: You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
      400,
    ],
    ['internal-error', 'KMSInternalException: ', 500],
    ['access-denied', 'AccessDeniedException: ', 400],
  ] as const)('%s: nothing is made', async (kind, expected, status) => {
    const kms = await withFaults({ operation: 'CreateKey', kind, nth: 1 });
    const response = await kms.send('CreateKey');
    expect(response.status).toBe(status);
    expect(await count(kms)).toBe(0);
    const again = await withFaults({ operation: 'CreateKey', kind });
    expect(await again.refusalText('CreateKey')).toBe(expected);
  });

  it('names the missing permission', async () => {
    const kms = await withFaults({ operation: 'ListKeys', kind: 'access-denied' });
    const { Message } = JSON.parse(Buffer.from((await kms.send('ListKeys')).body).toString());
    expect(Message).toBe('User: arn:aws:iam::123456789012:user/keyferry is not authorized to perform: kms:ListKeys');
  });

  it('only the nth, every nth, or by chance', async () => {
    const outcome = async (fault: Partial<KmsFault>, calls: number): Promise<string> => {
      const kms = await aKmsService({
        faults: { seed: 7, faults: [{ operation: 'CreateKey', kind: 'throttle', ...fault }] },
      });
      let text = '';
      for (let n = 0; n < calls; n += 1) text += (await kms.refusal('CreateKey')) === 'none' ? '.' : 'x';
      return text;
    };
    expect(await outcome({ nth: 2 }, 5)).toBe('.x...');
    expect(await outcome({ every: 3 }, 7)).toBe('..x..x.');
    expect(await outcome({}, 3)).toBe('xxx');
    const chance = await outcome({ probability: 0.5 }, 40);
    expect(chance).toContain('x');
    expect(chance).toContain('.');
    expect(await outcome({ probability: 0.5 }, 40)).toBe(chance);
  });

  it('of every operation: * counts all calls together', async () => {
    const kms = await withFaults({ operation: '*', kind: 'throttle', nth: 2 });
    expect(await kms.refusal('CreateKey')).toBe('none');
    expect(await kms.refusal('ListAliases')).toBe('ThrottlingException');
    expect(await kms.refusal('ListKeys')).toBe('none');
  });
});

describe('connections that end', () => {
  it('drop-before: nothing was made', async () => {
    const kms = await withFaults({ operation: 'CreateKey', kind: 'drop-before', nth: 1 });
    await expect(kms.send('CreateKey')).rejects.toBeInstanceOf(DroppedConnection);
    expect(await count(kms)).toBe(0);
  });

  it('lose-reply: it was made all the same', async () => {
    const kms = await withFaults({ operation: 'CreateKey', kind: 'lose-reply', nth: 1 });
    await expect(kms.send('CreateKey')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await count(kms)).toBe(1);
  });

  it('lose-reply of a refused call is the refusal', async () => {
    const kms = await withFaults({ operation: 'DescribeKey', kind: 'lose-reply' });
    expect(await kms.refusal('DescribeKey', { KeyId: 'nonsense' })).toBe('NotFoundException');
  });

  it('delay: answers later', async () => {
    const kms = await withFaults({ operation: 'ListKeys', kind: 'delay', ms: 60 });
    const started = performance.now();
    await kms.call('ListKeys');
    expect(performance.now() - started).toBeGreaterThanOrEqual(55);
  });
});

describe('eventual consistency', () => {
  const seen = async (kms: KmsUnderTest, KeyId: string, reads: number): Promise<string> => {
    let text = '';
    for (let n = 0; n < reads; n += 1) text += (await kms.refusal('DescribeKey', { KeyId })) === 'none' ? 'y' : '-';
    return text;
  };

  it('a new key is not there for so many reads', async () => {
    const kms = await withFaults({ operation: 'CreateKey', kind: 'stale', reads: 3 });
    expect(await seen(kms, await anExternalKey(kms), 5)).toBe('---yy');
  });

  it('or there every second time', async () => {
    const kms = await withFaults({ operation: 'CreateKey', kind: 'stale', reads: 2, isFlipping: true });
    expect(await seen(kms, await anExternalKey(kms), 6)).toBe('-y-yyy');
  });

  it('or not there for so long', async () => {
    const kms = await withFaults({ operation: 'CreateKey', kind: 'stale', reads: 0, ms: 5000 });
    const KeyId = await anExternalKey(kms);
    expect(await seen(kms, KeyId, 3)).toBe('---');
    kms.clock.nowMs += 5000;
    expect(await seen(kms, KeyId, 2)).toBe('yy');
  });

  it('is missing in lists too, and its tags with it', async () => {
    const kms = await withFaults({ operation: 'CreateKey', kind: 'stale', reads: 2 });
    const KeyId = await anExternalKey(kms);
    expect((await kms.call('ListKeys')).Keys).toEqual([]);
    expect(await kms.refusal('ListResourceTags', { KeyId })).toBe('NotFoundException');
    expect((await kms.call('ListKeys')).Keys).toHaveLength(1);
  });

  it('an alias goes on naming the old key, or is still there', async () => {
    const kms = await aKmsService({
      faults: {
        faults: [
          { operation: 'UpdateAlias', kind: 'stale', reads: 1 },
          { operation: 'DeleteAlias', kind: 'stale', reads: 1 },
        ],
      },
    });
    const [one, two] = [await aKey(kms), await aKey(kms)];
    await kms.call('CreateAlias', { AliasName: 'alias/a', TargetKeyId: one });
    await kms.call('UpdateAlias', { AliasName: 'alias/a', TargetKeyId: two });
    const named = async (): Promise<string> => (await kms.call('DescribeKey', { KeyId: 'alias/a' })).KeyMetadata.KeyId;
    expect([await named(), await named()]).toEqual([one, two]);
    await kms.call('DeleteAlias', { AliasName: 'alias/a' });
    const listed = async (): Promise<boolean> =>
      (await kms.call('ListAliases')).Aliases.some((alias: Answer) => alias.AliasName === 'alias/a');
    expect([await listed(), await listed()]).toEqual([true, false]);
  });

  it('changing calls see the truth', async () => {
    const kms = await withFaults({ operation: 'CreateKey', kind: 'stale', reads: 9 });
    const TargetKeyId = await anExternalKey(kms);
    expect(await kms.refusal('CreateAlias', { AliasName: 'alias/a', TargetKeyId })).toBe('none');
  });

  it('what a read does not look at is not used up by it', async () => {
    const kms = await withFaults({ operation: 'CreateKey', kind: 'stale', reads: 1, nth: 2 });
    const [one, two] = [await anExternalKey(kms), await anExternalKey(kms)];
    expect(await seen(kms, one, 2)).toBe('yy');
    expect(await seen(kms, two, 2)).toBe('-y');
  });
});

describe('request quotas', () => {
  it('are not enforced unless asked for', async () => {
    const kms = await aKmsService();
    for (let n = 0; n < 20; n += 1) await kms.call('CreateKey');
    expect(await count(kms)).toBe(20);
  });

  it('GetParametersForImport: one in four seconds', async () => {
    const kms = await aKmsService({ rates: 'enforce' });
    const input = {
      KeyId: await anExternalKey(kms),
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
    };
    const answers: string[] = [];
    for (const waitMs of [0, 0, 3999, 1, 4000, 8000, 0]) {
      kms.clock.nowMs += waitMs;
      answers.push(await kms.refusal('GetParametersForImport', input));
    }
    expect(answers).toEqual([
      'none',
      'ThrottlingException',
      'ThrottlingException',
      'none',
      'none',
      'none',
      'ThrottlingException',
    ]);
  });

  it('CreateKey: five in a second, and steadily so', async () => {
    const kms = await aKmsService({ rates: 'enforce' });
    const made = async (): Promise<number> => {
      let n = 0;
      while ((await kms.refusal('CreateKey')) === 'none') n += 1;
      return n;
    };
    expect(await made()).toBe(5);
    kms.clock.nowMs += 1000;
    expect(await made()).toBe(5);
    kms.clock.nowMs += 60_000;
    expect(await made()).toBe(5);
    for (let n = 0; n < 50; n += 1) {
      kms.clock.nowMs += 200;
      expect(await made()).toBe(1);
    }
  });

  it('may be set', async () => {
    const kms = await aKmsService({ rates: 'enforce', quotas: { CreateKey: 1, GenerateRandom: 2 } });
    expect([await kms.refusal('CreateKey'), await kms.refusal('CreateKey')]).toEqual(['none', 'ThrottlingException']);
    const random = [];
    for (let n = 0; n < 3; n += 1) random.push(await kms.refusal('GenerateRandom', { NumberOfBytes: 1 }));
    expect(random).toEqual(['none', 'none', 'ThrottlingException']);
  });
});

describe('faults in a devices file', () => {
  it('fit the shape and are read', () => {
    const values = [
      { operation: 'CreateKey', kind: 'stale', reads: 2, flipping: true },
      { operation: '*', kind: 'throttle', every: 10 },
    ];
    expect(misfit(values, KMS_FAULTS_SHAPE)).toBeUndefined();
    expect(readKmsFaults(values)).toEqual([
      { operation: 'CreateKey', kind: 'stale', reads: 2, isFlipping: true },
      { operation: '*', kind: 'throttle', every: 10 },
    ]);
  });

  it.each([
    ['an unknown kind', { operation: 'CreateKey', kind: 'explode' }],
    ['an operation that can be none', { operation: 'create key', kind: 'delay' }],
    ['no operation', { kind: 'delay' }],
    ['a zeroth call', { operation: '*', kind: 'delay', nth: 0 }],
  ])('%s does not fit', (_what, value) => {
    expect(misfit([value], KMS_FAULTS_SHAPE)).toBeDefined();
  });
});
