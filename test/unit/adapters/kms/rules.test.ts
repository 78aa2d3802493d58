/** What keyferry decides about KMS without asking it: routes, policies, expiries, tags, and what errors mean. */
import { describe, expect, it } from 'vitest';
import { asKmsError } from '../../../../src/adapters/kms/errors.ts';
import { expiresOn, isExpiryAsAsked, parseExpiry } from '../../../../src/adapters/kms/expiry.ts';
import { trustOf } from '../../../../src/adapters/kms/identity.ts';
import type { OperationName } from '../../../../src/adapters/kms/operations.ts';
import { reviewPolicy, wizardPolicy } from '../../../../src/adapters/kms/policy.ts';
import { blobProblem, routeProblem } from '../../../../src/adapters/kms/routes.ts';
import { ownTags, sourceDigest, tagProblems } from '../../../../src/adapters/kms/tags.ts';
import { KeyferryError } from '../../../../src/errors/keyferry-error.ts';
import { labelHex } from '../../../../src/keys/locator.ts';
import { sourceKey } from '../../../support/kms-device-fixtures.ts';

describe('routes into KMS', () => {
  it.each([
    ['SYMMETRIC_DEFAULT', 'rsa-oaep-sha1', 'RSA_2048'],
    ['HMAC_512', 'rsa-oaep-sha256', 'RSA_2048'],
    ['RSA_4096', 'rsa-aes-kwp-sha256', 'RSA_2048'],
    ['ECC_NIST_P521', 'rsa-oaep-sha256', 'RSA_3072'],
    ['ECC_NIST_P521', 'rsa-aes-kwp-sha1', 'RSA_2048'],
    ['ECC_SECG_P256K1', 'rsa-oaep-sha1', 'RSA_2048'],
  ] as const)('%s by %s under %s', (spec, mechanism, wrapping) => {
    expect(routeProblem(spec, mechanism, wrapping)).toBeNull();
  });

  it.each([
    ['SYMMETRIC_DEFAULT', 'rsa-aes-kwp-sha256', 'RSA_4096', /private keys only/],
    ['HMAC_256', 'rsa-aes-kwp-sha1', 'RSA_2048', /private keys only/],
    ['RSA_2048', 'rsa-oaep-sha256', 'RSA_4096', /rsa-aes-kwp/],
    ['ECC_NIST_P521', 'rsa-oaep-sha1', 'RSA_2048', /241 bytes.*214 bytes.*RSA_3072/],
  ] as const)('not %s by %s under %s', (spec, mechanism, wrapping, reason) => {
    expect(routeProblem(spec, mechanism, wrapping)).toMatch(reason);
  });

  it.each([
    [256, 'rsa-oaep-sha1', true],
    [255, 'rsa-oaep-sha1', false],
    [256 + 40, 'rsa-aes-kwp-sha1', true],
    [256, 'rsa-aes-kwp-sha1', false],
    [256 + 41, 'rsa-aes-kwp-sha256', false],
    [6400, 'rsa-aes-kwp-sha256', false],
  ] as const)('%i bytes by %s: %s', (length, mechanism, isRight) => {
    expect(blobProblem(new Uint8Array(length).fill(200), mechanism, 'RSA_2048') === null).toBe(isRight);
  });
});

describe('expiry', () => {
  const now = Date.parse('2026-11-21T10:00:00.750Z');

  it.each([
    [undefined, null],
    ['never', null],
    ['90d', '2027-02-19T10:00:00.000Z'],
    ['12h', '2026-11-21T22:00:00.000Z'],
    ['2027-01-31T00:00:00+01:00', '2027-01-30T23:00:00.000Z'],
  ])('%s, in whole seconds', (text, on) => {
    expect(expiresOn(parseExpiry(text, now), now)?.toISOString() ?? null).toBe(on);
  });

  it.each([
    '0h',
    '366d',
    '2026-11-21T09:00:00Z',
    '2028-01-01T00:00:00Z',
    '2027-01-31',
    'soon',
    '1w',
    '2027-02-31T99:00:00Z',
  ])('not %s', (text) => {
    expect(() => parseExpiry(text, now)).toThrow(KeyferryError);
  });

  const material = (validTo: string | null) =>
    validTo === null
      ? { KeyId: 'k', ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' as const }
      : { KeyId: 'k', ExpirationModel: 'KEY_MATERIAL_EXPIRES' as const, ValidTo: new Date(validTo) };

  it.each([
    ['never', null, true],
    ['never', '2027-01-01T00:00:00Z', false],
    ['90d', null, false],
    ['90d', '2027-02-19T09:59:00Z', true],
    ['90d', '2027-02-17T10:00:00Z', false],
    ['1h', '2026-11-21T10:20:00Z', false],
    ['2027-01-31T00:00:00Z', '2027-01-31T00:00:00Z', true],
    ['2027-01-31T00:00:00Z', '2027-01-31T00:01:00Z', false],
  ])('asked %s, found %s: %s', (asked, found, isSame) => {
    expect(isExpiryAsAsked(material(found), parseExpiry(asked, now), now)).toBe(isSame);
  });
});

describe('policies', () => {
  const people = { account: '123456789012', partition: 'aws', administrators: ['arn:a'], users: ['arn:u'] };
  const statements = (usage: 'ENCRYPT_DECRYPT' | 'GENERATE_VERIFY_MAC') =>
    JSON.parse(wizardPolicy({ ...people, usage })).Statement as { Sid: string; Action: string[] | string }[];

  it('let the account, administrators and users do what the console lets them', () => {
    const [root, admin, use, grants] = statements('ENCRYPT_DECRYPT');
    expect(root).toMatchObject({ Action: 'kms:*', Principal: { AWS: ['arn:aws:iam::123456789012:root'] } });
    expect(admin?.Action).toEqual(expect.arrayContaining(['kms:ImportKeyMaterial', 'kms:Delete*', 'kms:Get*']));
    expect(use?.Action).toEqual(expect.arrayContaining(['kms:Decrypt', 'kms:GenerateDataKey*']));
    expect(grants).toMatchObject({ Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } } });
    expect(statements('GENERATE_VERIFY_MAC')[2]?.Action).toContain('kms:GenerateMac');
    expect(reviewPolicy(wizardPolicy({ ...people, usage: 'SIGN_VERIFY' }), people.account)).toEqual({
      problems: [],
      notes: [],
    });
  });

  const allow = (principal: unknown, action: unknown) => ({
    Effect: 'Allow',
    Principal: principal,
    Action: action,
    Resource: '*',
  });
  const root = { AWS: 'arn:aws:iam::123456789012:root' };

  it.each([
    ['no JSON', '{', /not JSON/],
    ['no statements', '{}', /no statements/],
    ['no statements that are some', '{"Statement":["x"]}', /no statements/],
    ['nobody may change it', JSON.stringify({ Statement: [allow(root, 'kms:Encrypt')] }), /lock its author out/],
    [
      'everything but that',
      JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: root, NotAction: 'kms:Put*' }] }),
      /lock its author out/,
    ],
    [
      'all are denied',
      JSON.stringify({
        Statement: [allow(root, 'kms:*'), { Effect: 'Deny', Principal: '*', Action: 'kms:PutKeyPolicy' }],
      }),
      /lock its author out/,
    ],
    ['too long', JSON.stringify({ Statement: [allow(root, 'kms:*')], Id: 'x'.repeat(40_000) }), /32 KiB/],
  ])('with a problem: %s', (_name, text, problem) => {
    expect(reviewPolicy(text, '123456789012').problems).toEqual([expect.stringMatching(problem)]);
  });

  it('with a note where only KMS knows whether the caller is among them', () => {
    const named = JSON.stringify({ Statement: [allow({ AWS: 'arn:aws:iam::123456789012:role/x' }, ['kms:put*'])] });
    expect(reviewPolicy(named, '123456789012')).toEqual({
      problems: [],
      notes: [expect.stringContaining('refuses it')],
    });
    const wide = JSON.stringify({ Statement: allow(root, 'kms:?utKeyPolicy') });
    expect(reviewPolicy(wide, '123456789012')).toEqual({ problems: [], notes: [] });
  });
});

describe('tags', () => {
  it('mark attempt, source and label; a label that no tag holds stays out', () => {
    const own = { attempt: 'a1', source: 's1', label: labelHex('payments 1') };
    expect(ownTags(own)).toEqual({ 'keyferry:attempt': 'a1', 'keyferry:source': 's1', 'keyferry:label': 'payments 1' });
    for (const label of [labelHex('a*b'), labelHex('x'.repeat(257)), 'ff', '']) {
      expect(ownTags({ attempt: 'a1', source: null, label })).toEqual({ 'keyferry:attempt': 'a1' });
    }
  });

  it('tell sources apart by name and check value', () => {
    const digest = sourceDigest(sourceKey());
    expect(digest).toMatch(/^[0-9a-f]{32}$/);
    expect(sourceDigest(sourceKey())).toBe(digest);
    const others = [sourceKey({ label: 'x' }), sourceKey({ id: '0b' }), sourceKey({ kcv: null })].map(sourceDigest);
    expect(new Set([digest, ...others]).size).toBe(4);
  });

  it('of a playbook are checked', () => {
    expect(tagProblems({ team: 'payments', 'cost-centre': '12:3' })).toEqual([]);
    expect(tagProblems({ 'AWS:x': '' })).toHaveLength(1);
    expect(tagProblems({ 'keyferry:x': '' })).toHaveLength(1);
    expect(tagProblems({ '': '' })).toHaveLength(1);
    expect(tagProblems({ a: 'x'.repeat(257) })).toHaveLength(1);
    expect(tagProblems(Object.fromEntries(Array.from({ length: 48 }, (_, at) => [`t${at}`, '']))).join()).toContain(
      '48 tags',
    );
  });
});

describe('trust', () => {
  it.each([
    ['kms.eu-west-1.amazonaws.com', true, 'hardware'],
    ['kms.cn-north-1.amazonaws.com.cn:443', true, 'hardware'],
    ['kms.eu-west-1.api.aws', true, 'hardware'],
    ['kms-fips.us-gov-west-1.amazonaws.com', true, 'hardware'],
    ['vpce-0a1b-c2d3.kms.eu-west-1.vpce.amazonaws.com', true, 'hardware'],
    ['kms.eusc-de-east-1.api.amazonwebservices.eu', true, 'hardware'],
    ['kms.us-isob-east-1.sc2s.sgov.gov', true, 'hardware'],
    // Anybody can have an address under the domains of AWS.
    ['a1b2c3.execute-api.eu-west-1.amazonaws.com', true, 'software'],
    ['kms.execute-api.eu-west-1.amazonaws.com', true, 'software'],
    ['ec2-203-0-113-1.eu-west-1.compute.amazonaws.com', true, 'software'],
    ['kms.eu-west-1.amazonaws.com.cn', true, 'software'],
    ['kms.eu-west-1.on.aws', true, 'software'],
    ['kms.eu-west-1.amazonaws.com', false, 'software'],
    ['localhost:4566', true, 'software'],
    ['kms.amazonaws.com.evil.example', true, 'software'],
    ['evilamazonaws.com', true, 'software'],
  ])('%s, TLS %s: %s', (host, isEncrypted, trust) => {
    expect(trustOf({ host, isEncrypted })).toBe(trust);
  });

  it('is software before anything was asked', () => {
    expect(trustOf(null)).toBe('software');
  });
});

describe('what errors mean', () => {
  const asked = (error: unknown, operation: OperationName) =>
    asKmsError(error, { device: 'account', operation, what: 'do it', endpoint: 'kms.example', region: 'eu-west-1' });
  const answered = (name: string, message = '', status = 400) =>
    Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });
  const network = (code: string) => Object.assign(new Error('socket'), { code, $metadata: { attempts: 1 } });

  it.each([
    ['KMSInternalException', 'device-busy', 'outcome-unknown'],
    ['DependencyTimeoutException', 'device-busy', 'outcome-unknown'],
    ['TimeoutError', 'device-busy', 'outcome-unknown'],
    ['SomethingNew', 'device-refused', 'device-refused'],
    ['SyntaxError', 'device-unreachable', 'device-unreachable'],
  ])('%s leaves a changing call unknown, and no other', (name, reading, changing) => {
    expect(asked(answered(name), 'DescribeKey')).toMatchObject({ code: reading, outcome: 'not-applied' });
    expect(asked(answered(name), 'CreateKey')).toMatchObject({ code: changing, outcome: 'unknown' });
  });

  it.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EWHATEVER', 'HPE_INVALID_CONSTANT'])(
    '%s may have been carried out',
    (code) => {
      expect(asked(network(code), 'ImportKeyMaterial')).toMatchObject({ outcome: 'unknown' });
      expect(asked(network(code), 'ListKeys')).toMatchObject({ outcome: 'not-applied' });
    },
  );

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT'])('%s never arrived', (code) => {
    expect(asked(network(code), 'CreateKey')).toMatchObject({ code: 'device-unreachable', outcome: 'not-applied' });
  });

  it.each([
    ['ThrottlingException', 'device-busy'],
    ['NotFoundException', 'key-not-found'],
    ['DisabledException', 'key-not-permitted'],
    ['KMSInvalidStateException', 'device-refused'],
    ['InvalidKeyUsageException', 'key-not-permitted'],
    ['UnsupportedOperationException', 'capability-missing'],
    ['UnknownOperationException', 'capability-missing'],
    ['ValidationException', 'argument-invalid'],
    ['TagException', 'argument-invalid'],
    ['NotAuthorized', 'permission-missing'],
    ['NotAuthorizedException', 'permission-missing'],
    ['InvalidAction', 'capability-missing'],
    ['ValidationError', 'argument-invalid'],
    ['RequestExpired', 'credentials-refused'],
    ['InvalidSignatureException', 'credentials-refused'],
    ['CredentialsProviderError', 'credentials-refused'],
  ])('%s: by its name, whatever the status', (name, code) => {
    for (const status of [400, 404, 409]) {
      expect(asked(answered(name, '', status), 'CreateKey')).toMatchObject({
        code,
        outcome: 'not-applied',
        native: { name },
      });
    }
  });

  it('passes on what KMS says of parameters, without control characters, and nothing beside material', () => {
    const error = answered('ValidationException', 'Value \u001b[31m at keySpec');
    expect(String((asked(error, 'CreateKey') as Error).message)).toContain('("Value  [31m at keySpec")');
    expect(String((asked(error, 'ImportKeyMaterial') as Error).message)).not.toContain('keySpec');
    expect(
      String((asked(answered('ValidationException', 'UnknownError'), 'CreateKey') as Error).message),
    ).not.toContain('Unknown');
  });

  it('leaves a bug a bug', () => {
    const bug = new TypeError('x is not a function');
    expect(asked(bug, 'CreateKey')).toBe(bug);
    const wrapped = Object.assign(new TypeError('x'), { $metadata: { attempts: 1 } });
    expect(asked(wrapped, 'CreateKey')).toBe(wrapped);
    expect(asked('text', 'CreateKey')).toBe('text');
  });
});
