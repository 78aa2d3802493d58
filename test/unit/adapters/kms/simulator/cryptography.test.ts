import {
  constants,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  aKey,
  aKmsService,
  anExternalKey,
  anImportedKey,
  base64,
  HYBRID_SHA_256,
  importInput,
  type KmsUnderTest,
} from '../../../../support/kms-service-client.ts';

const text = (plain: string): string => base64(Buffer.from(plain));
const spki = (PublicKey: string) =>
  createPublicKey({ key: Buffer.from(PublicKey, 'base64'), format: 'der', type: 'spki' });

describe('symmetric encryption', () => {
  it('opens what it closed, with and without naming the key', async () => {
    const kms = await aKmsService();
    const KeyId = await anImportedKey(kms);
    const { KeyMetadata } = await kms.call('DescribeKey', { KeyId });
    const sealed = await kms.call('Encrypt', { KeyId, Plaintext: text('hello') });
    expect(sealed).toMatchObject({ KeyId: KeyMetadata.Arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' });
    for (const named of [{}, { KeyId }, { KeyId: KeyMetadata.Arn }]) {
      expect(await kms.call('Decrypt', { CiphertextBlob: sealed.CiphertextBlob, ...named })).toEqual({
        KeyId: KeyMetadata.Arn,
        Plaintext: text('hello'),
        EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
        KeyMaterialId: KeyMetadata.CurrentKeyMaterialId,
      });
    }
  });

  it('binds the encryption context, in any order', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    const { CiphertextBlob } = await kms.call('Encrypt', {
      KeyId,
      Plaintext: text('x'),
      EncryptionContext: { a: '1', b: '2' },
    });
    expect((await kms.call('Decrypt', { CiphertextBlob, EncryptionContext: { b: '2', a: '1' } })).Plaintext).toBe(
      text('x'),
    );
    for (const EncryptionContext of [undefined, {}, { a: '1' }, { a: '1', b: '3' }, { a: '1', b: '2', c: '' }])
      expect(await kms.refusal('Decrypt', { CiphertextBlob, EncryptionContext })).toBe('InvalidCiphertextException');
  });

  it('notices every changed byte', async () => {
    const kms = await aKmsService();
    const { CiphertextBlob } = await kms.call('Encrypt', { KeyId: await aKey(kms), Plaintext: text('x') });
    const bytes = Buffer.from(CiphertextBlob, 'base64');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await kms.refusal('Decrypt', { CiphertextBlob: base64(changed) }), `byte ${at}`).toBe(
        'InvalidCiphertextException',
      );
    }
    for (const wrong of [bytes.subarray(0, 20), randomBytes(200)])
      expect(await kms.refusal('Decrypt', { CiphertextBlob: base64(wrong) })).toBe('InvalidCiphertextException');
  });

  it('under the same material, another key does not open it', async () => {
    const kms = await aKmsService();
    const material = randomBytes(32);
    const [one, two] = [await anImportedKey(kms, material), await anImportedKey(kms, material)];
    const { CiphertextBlob } = await kms.call('Encrypt', { KeyId: one, Plaintext: text('x') });
    expect(await kms.refusal('Decrypt', { CiphertextBlob, KeyId: two })).toBe('IncorrectKeyException');
    expect(Buffer.from(CiphertextBlob, 'base64').includes(material)).toBe(false);
  });

  it('re-encrypts under another key, with other context', async () => {
    const kms = await aKmsService();
    const [SourceKeyId, DestinationKeyId] = [await aKey(kms), await aKey(kms)];
    const { CiphertextBlob } = await kms.call('Encrypt', {
      KeyId: SourceKeyId,
      Plaintext: text('x'),
      EncryptionContext: { a: '1' },
    });
    const input = { CiphertextBlob, DestinationKeyId, DestinationEncryptionContext: { b: '2' } };
    expect(await kms.refusal('ReEncrypt', input)).toBe('InvalidCiphertextException');
    const moved = await kms.call('ReEncrypt', { ...input, SourceEncryptionContext: { a: '1' } });
    expect(moved).toMatchObject({
      SourceKeyId: expect.stringContaining(SourceKeyId),
      KeyId: expect.stringContaining(DestinationKeyId),
      SourceKeyMaterialId: expect.any(String),
      DestinationKeyMaterialId: expect.any(String),
    });
    const opened = await kms.call('Decrypt', { CiphertextBlob: moved.CiphertextBlob, EncryptionContext: { b: '2' } });
    expect(opened.Plaintext).toBe(text('x'));
  });

  it('needs the ciphertext to re-encrypt, but in a dry run that ignores it', async () => {
    const kms = await aKmsService();
    const [SourceKeyId, DestinationKeyId] = [await aKey(kms), await aKey(kms)];
    const without = { SourceKeyId, DestinationKeyId };
    const ignoring = { DryRun: true, DryRunModifiers: ['IGNORE_CIPHERTEXT'] };
    expect(await kms.refusal('ReEncrypt', without)).toBe('ValidationException');
    expect(await kms.refusal('ReEncrypt', { ...without, DryRun: true })).toBe('ValidationException');
    expect(await kms.refusal('ReEncrypt', { ...without, ...ignoring, DryRun: false })).toBe('ValidationException');
    expect(await kms.refusal('ReEncrypt', { ...without, ...ignoring })).toBe('DryRunOperationException');
    expect(await kms.refusal('ReEncrypt', { ...without, ...ignoring, CiphertextBlob: 'AAAA' })).toBe(
      'DryRunOperationException',
    );
    expect(await kms.refusal('ReEncrypt', { DestinationKeyId, ...ignoring })).toBe('ValidationException');
  });

  it('believes no attestation of an enclave', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    const Recipient = { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: 'AAAA' };
    for (const operation of ['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext']) {
      const expected = operation === 'GenerateDataKey' ? 'ValidationException' : 'none';
      expect(await kms.refusal(operation, { KeyId, NumberOfBytes: 8, Recipient })).toBe(expected);
    }
  });

  it('a dry run answers with an error either way, and does nothing', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    expect(await kms.refusal('Encrypt', { KeyId, Plaintext: text('x'), DryRun: true })).toBe(
      'DryRunOperationException',
    );
    await kms.call('DisableKey', { KeyId });
    expect(await kms.refusal('Encrypt', { KeyId, Plaintext: text('x'), DryRun: true })).toBe('DisabledException');
  });
});

describe('data keys', () => {
  it('come in clear and sealed, or sealed only', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    const open = async (CiphertextBlob: string): Promise<string> =>
      (await kms.call('Decrypt', { CiphertextBlob })).Plaintext;
    const full = await kms.call('GenerateDataKey', { KeyId, KeySpec: 'AES_128' });
    expect(Buffer.from(full.Plaintext, 'base64')).toHaveLength(16);
    expect(await open(full.CiphertextBlob)).toBe(full.Plaintext);
    const sealed = await kms.call('GenerateDataKeyWithoutPlaintext', { KeyId, NumberOfBytes: 24 });
    expect(sealed).not.toHaveProperty('Plaintext');
    expect(Buffer.from(await open(sealed.CiphertextBlob), 'base64')).toHaveLength(24);
  });

  it('want one of size and spec, and a symmetric key', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    for (const input of [{}, { KeySpec: 'AES_256', NumberOfBytes: 32 }])
      expect(await kms.refusal('GenerateDataKey', { KeyId, ...input })).toBe('ValidationException');
    const mac = await aKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    expect(await kms.refusal('GenerateDataKey', { KeyId: mac, KeySpec: 'AES_256' })).toBe('InvalidKeyUsageException');
  });

  it('pairs open to the private half', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    const pair = await kms.call('GenerateDataKeyPair', { KeyId, KeyPairSpec: 'ECC_NIST_P256' });
    const opened = await kms.call('Decrypt', { CiphertextBlob: pair.PrivateKeyCiphertextBlob });
    expect(opened.Plaintext).toBe(pair.PrivateKeyPlaintext);
    const key = { key: Buffer.from(opened.Plaintext, 'base64'), format: 'der', type: 'pkcs8' } as const;
    expect(verify('sha256', Buffer.from('m'), spki(pair.PublicKey), sign('sha256', Buffer.from('m'), key))).toBe(true);
    const sealed = await kms.call('GenerateDataKeyPairWithoutPlaintext', { KeyId, KeyPairSpec: 'ECC_SECG_P256K1' });
    expect(sealed).not.toHaveProperty('PrivateKeyPlaintext');
    expect(await kms.refusal('GenerateDataKeyPair', { KeyId, KeyPairSpec: 'SM2' })).toBe(
      'UnsupportedOperationException',
    );
  });

  it('random bytes are as many as asked, and other ones', async () => {
    const kms = await aKmsService();
    const [one, two] = [
      await kms.call('GenerateRandom', { NumberOfBytes: 33 }),
      await kms.call('GenerateRandom', { NumberOfBytes: 33 }),
    ];
    expect(Buffer.from(one.Plaintext, 'base64')).toHaveLength(33);
    expect(one.Plaintext).not.toBe(two.Plaintext);
    for (const input of [{}, { NumberOfBytes: 1025 }])
      expect(await kms.refusal('GenerateRandom', input)).toBe('ValidationException');
  });
});

describe('an RSA key', () => {
  let kms: KmsUnderTest;
  let signer: string;
  let opener: string;
  let signerKey: ReturnType<typeof spki>;
  beforeAll(async () => {
    kms = await aKmsService();
    const material = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'der',
    });
    const made = async (KeyUsage: string): Promise<string> => {
      const KeyId = await anExternalKey(kms, { KeySpec: 'RSA_2048', KeyUsage });
      await kms.call('ImportKeyMaterial', await importInput(kms, KeyId, material, { parameters: HYBRID_SHA_256 }));
      return KeyId;
    };
    [signer, opener] = [await made('SIGN_VERIFY'), await made('ENCRYPT_DECRYPT')];
    signerKey = spki((await kms.call('GetPublicKey', { KeyId: signer })).PublicKey);
  });

  const padding = (algorithm: string): object =>
    algorithm.includes('PSS')
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : { padding: constants.RSA_PKCS1_PADDING };
  const ALGORITHMS = ['PSS', 'PKCS1_V1_5'].flatMap((scheme) =>
    [256, 384, 512].map((bits) => [`RSASSA_${scheme}_SHA_${bits}`, `sha${bits}`] as const),
  );

  it.each(ALGORITHMS)('signs with %s what node:crypto verifies, message or digest', async (SigningAlgorithm, hash) => {
    const message = randomBytes(100);
    const digest = createHash(hash).update(message).digest();
    for (const [Message, MessageType] of [
      [message, 'RAW'],
      [digest, 'DIGEST'],
    ] as const) {
      const { Signature } = await kms.call('Sign', {
        KeyId: signer,
        Message: base64(Message),
        MessageType,
        SigningAlgorithm,
      });
      expect(
        verify(hash, message, { key: signerKey, ...padding(SigningAlgorithm) }, Buffer.from(Signature, 'base64')),
      ).toBe(true);
      const checked = await kms.call('Verify', {
        KeyId: signer,
        Message: base64(message),
        SigningAlgorithm,
        Signature,
      });
      expect(checked.SignatureValid).toBe(true);
    }
  });

  it.each(ALGORITHMS)('refuses %s over something else', async (SigningAlgorithm) => {
    const Message = text('m');
    const { Signature } = await kms.call('Sign', { KeyId: signer, Message, SigningAlgorithm });
    const wrong = Buffer.from(Signature, 'base64');
    wrong[100] = (wrong[100] ?? 0) ^ 1;
    for (const input of [
      { Message: text('n'), Signature },
      { Message, Signature: base64(wrong) },
      { Message, Signature: base64(randomBytes(255)) },
    ])
      expect(await kms.refusal('Verify', { KeyId: signer, SigningAlgorithm, ...input })).toBe(
        'KMSInvalidSignatureException',
      );
  });

  it('wants the digest in its length, and an algorithm of its own', async () => {
    const input = { KeyId: signer, Message: base64(randomBytes(31)), MessageType: 'DIGEST' };
    expect(await kms.refusal('Sign', { ...input, SigningAlgorithm: 'RSASSA_PSS_SHA_256' })).toBe('ValidationException');
    expect(await kms.refusal('Sign', { ...input, SigningAlgorithm: 'ECDSA_SHA_256' })).toBe('InvalidKeyUsageException');
    expect(
      await kms.refusal('Encrypt', { KeyId: signer, Plaintext: text('x'), EncryptionAlgorithm: 'RSAES_OAEP_SHA_1' }),
    ).toBe('InvalidKeyUsageException');
  });

  it.each([
    ['RSAES_OAEP_SHA_256', 'sha256', 190],
    ['RSAES_OAEP_SHA_1', 'sha1', 214],
  ] as const)('opens %s from outside, and takes %s up to %d bytes', async (EncryptionAlgorithm, oaepHash, most) => {
    const plain = randomBytes(most);
    const key = spki((await kms.call('GetPublicKey', { KeyId: opener })).PublicKey);
    const CiphertextBlob = base64(publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, plain));
    expect((await kms.call('Decrypt', { KeyId: opener, CiphertextBlob, EncryptionAlgorithm })).Plaintext).toBe(
      base64(plain),
    );
    const sealed = await kms.call('Encrypt', { KeyId: opener, Plaintext: base64(plain), EncryptionAlgorithm });
    expect(
      (await kms.call('Decrypt', { KeyId: opener, CiphertextBlob: sealed.CiphertextBlob, EncryptionAlgorithm }))
        .Plaintext,
    ).toBe(base64(plain));
    expect(
      await kms.refusal('Encrypt', { KeyId: opener, Plaintext: base64(randomBytes(most + 1)), EncryptionAlgorithm }),
    ).toBe('ValidationException');
    const other = EncryptionAlgorithm.endsWith('_1') ? 'RSAES_OAEP_SHA_256' : 'RSAES_OAEP_SHA_1';
    expect(await kms.refusal('Decrypt', { KeyId: opener, CiphertextBlob, EncryptionAlgorithm: other })).toBe(
      'InvalidCiphertextException',
    );
    expect(await kms.refusal('Decrypt', { CiphertextBlob, EncryptionAlgorithm })).toBe('ValidationException');
  });

  it('has no encryption context and no symmetric algorithm', async () => {
    const input = { KeyId: opener, Plaintext: text('x') };
    expect(await kms.refusal('Encrypt', input)).toBe('InvalidKeyUsageException');
    const context = { ...input, EncryptionAlgorithm: 'RSAES_OAEP_SHA_1', EncryptionContext: { a: '1' } };
    expect(await kms.refusal('Encrypt', context)).toBe('ValidationException');
  });
});

describe('an elliptic curve key', () => {
  const CURVES: readonly (readonly [string, string, string])[] = [
    ['ECC_NIST_P256', 'sha256', 'ECDSA_SHA_256'],
    ['ECC_NIST_P384', 'sha384', 'ECDSA_SHA_384'],
    ['ECC_NIST_P521', 'sha512', 'ECDSA_SHA_512'],
    ['ECC_SECG_P256K1', 'sha256', 'ECDSA_SHA_256'],
  ];

  it.each(CURVES)('%s: signatures and node:crypto agree, both ways', async (KeySpec, hash, SigningAlgorithm) => {
    const kms = await aKmsService();
    const pair = generateKeyPairSync('ec', {
      namedCurve:
        {
          ECC_NIST_P256: 'prime256v1',
          ECC_NIST_P384: 'secp384r1',
          ECC_NIST_P521: 'secp521r1',
          ECC_SECG_P256K1: 'secp256k1',
        }[KeySpec] ?? '',
    });
    const KeyId = await anExternalKey(kms, { KeySpec, KeyUsage: 'SIGN_VERIFY' });
    await kms.call(
      'ImportKeyMaterial',
      await importInput(kms, KeyId, pair.privateKey.export({ type: 'pkcs8', format: 'der' }), {
        parameters: HYBRID_SHA_256,
      }),
    );
    for (let round = 0; round < 4; round += 1) {
      const message = randomBytes(50);
      const digest = createHash(hash).update(message).digest();
      for (const [Message, MessageType] of [
        [message, 'RAW'],
        [digest, 'DIGEST'],
      ] as const) {
        const { Signature } = await kms.call('Sign', {
          KeyId,
          Message: base64(Message),
          MessageType,
          SigningAlgorithm,
        });
        expect(verify(hash, message, pair.publicKey, Buffer.from(Signature, 'base64'))).toBe(true);
      }
      const foreign = base64(sign(hash, message, pair.privateKey));
      const input = { KeyId, Message: base64(digest), MessageType: 'DIGEST', SigningAlgorithm };
      expect((await kms.call('Verify', { ...input, Signature: foreign })).SignatureValid).toBe(true);
      const other = base64(createHash(hash).update('other').digest());
      expect(await kms.refusal('Verify', { ...input, Message: other, Signature: foreign })).toBe(
        'KMSInvalidSignatureException',
      );
    }
  });

  it.each([
    ['nothing', ''],
    ['zeros', '3006020100020100'],
    ['a one', '3006020101020101'],
    ['bytes after the end', '300602010102010100'],
    ['a negative number', '3006020181020101'],
    ['a number not in its shortest form', '300702020001020101'],
    ['noise', 'deadbeef'],
  ])('a signature of %s does not hold', async (_what, hex) => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const Signature = hex === '' ? base64(Buffer.from([0])) : base64(Buffer.from(hex, 'hex'));
    const input = { KeyId, Message: text('m'), SigningAlgorithm: 'ECDSA_SHA_256', Signature };
    expect(await kms.refusal('Verify', input)).toBe('KMSInvalidSignatureException');
  });

  it('agrees on a secret with node:crypto, on its own curve only', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms, { KeySpec: 'ECC_NIST_P384', KeyUsage: 'KEY_AGREEMENT' });
    const mine = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const asked = (key: typeof mine): Answer => ({
      KeyId,
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: base64(key.publicKey.export({ type: 'spki', format: 'der' })),
    });
    const publicKey = spki((await kms.call('GetPublicKey', { KeyId })).PublicKey);
    const { SharedSecret } = await kms.call('DeriveSharedSecret', asked(mine));
    expect(SharedSecret).toBe(base64(diffieHellman({ privateKey: mine.privateKey, publicKey })));
    expect(await kms.refusal('DeriveSharedSecret', asked(other))).toBe('ValidationException');
    expect(await kms.refusal('DeriveSharedSecret', { ...asked(mine), PublicKey: text('x') })).toBe(
      'ValidationException',
    );
    expect(await kms.refusal('Sign', { KeyId, Message: text('m'), SigningAlgorithm: 'ECDSA_SHA_384' })).toBe(
      'InvalidKeyUsageException',
    );
  });
});

describe('a MAC', () => {
  it.each([
    ['HMAC_224', 'sha224', 28],
    ['HMAC_256', 'sha256', 64],
    ['HMAC_384', 'sha384', 48],
    ['HMAC_512', 'sha512', 128],
  ] as const)('%s is RFC 2104', async (KeySpec, hash, length) => {
    const kms = await aKmsService();
    const key = randomBytes(length);
    const KeyId = await anExternalKey(kms, { KeySpec, KeyUsage: 'GENERATE_VERIFY_MAC' });
    await kms.call('ImportKeyMaterial', await importInput(kms, KeyId, key));
    const MacAlgorithm = `HMAC_SHA_${KeySpec.slice(5)}`;
    const { Mac } = await kms.call('GenerateMac', { KeyId, Message: text('m'), MacAlgorithm });
    expect(Mac).toBe(base64(createHmac(hash, key).update('m').digest()));
    expect((await kms.call('VerifyMac', { KeyId, Message: text('m'), MacAlgorithm, Mac })).MacValid).toBe(true);
    for (const input of [
      { Message: text('n'), Mac },
      { Message: text('m'), Mac: base64(randomBytes(5)) },
    ])
      expect(await kms.refusal('VerifyMac', { KeyId, MacAlgorithm, ...input })).toBe('KMSInvalidMacException');
  });

  it('has the algorithm of its spec only', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    expect(await kms.refusal('GenerateMac', { KeyId, Message: text('m'), MacAlgorithm: 'HMAC_SHA_512' })).toBe(
      'InvalidKeyUsageException',
    );
    expect(
      await kms.refusal('GenerateMac', { KeyId: await aKey(kms), Message: text('m'), MacAlgorithm: 'HMAC_SHA_256' }),
    ).toBe('InvalidKeyUsageException');
  });
});
