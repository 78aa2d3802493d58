/** Attestations that hold, and every way in which one does not. */
import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type AttestationQuestion,
  checkAttestation,
  type ShownKey,
} from '../../../../../src/adapters/cloudhsm/attest/check-attestation.ts';
import { AttestationRefusal, checkChain, readRoot } from '../../../../../src/adapters/cloudhsm/attest/check-chain.ts';
import type { ClusterIdentity } from '../../../../../src/adapters/cloudhsm/attest/simulated-identity.ts';
import { type Attestation, encodeStatement } from '../../../../../src/adapters/cloudhsm/attest/statement.ts';
import {
  bent,
  DAY_MS,
  hsmOf,
  identityOf,
  issuedByHsm,
  NOW_MS,
  question,
  SHOWN,
  STATEMENT,
  signedBy,
  stated,
} from '../../../../support/attestation-fixtures.ts';

let identity: ClusterIdentity;
let foreign: ClusterIdentity;

beforeAll(async () => {
  [identity, foreign] = await Promise.all([identityOf(), identityOf()]);
});

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof AttestationRefusal) return error.message;
    throw error;
  }
  return 'not refused';
}

const ask = (answer: Attestation, changes: Partial<AttestationQuestion> = {}): string =>
  refusal(() => checkAttestation(answer, question(identity.root, changes)));

const chainOf = (node: number): readonly string[] => hsmOf(identity, node).chain;

describe('an attestation that holds', () => {
  test('gives the statement and a hash over the whole chain', () => {
    const { statement, chainSha256 } = checkAttestation(stated(identity), question(identity.root));
    expect(statement).toEqual(STATEMENT);
    const root = new X509Certificate(identity.root);
    expect(chainSha256).toBe(checkChain(chainOf(3), root, NOW_MS).sha256);
    expect(chainSha256).not.toBe(checkChain(chainOf(4), root, NOW_MS).sha256);
  });

  test('of a key whose check value the device does not show', () => {
    expect(ask(stated(identity), { shown: { ...SHOWN, kcv: null } })).toBe('not refused');
  });

  test('names no vendor in its certificates', () => {
    for (const pem of [identity.root, ...chainOf(3)]) {
      expect(new X509Certificate(pem).subject).toContain('keyferry simulator - not a vendor certificate');
    }
  });
});

describe('a chain is refused', () => {
  const withChain = (chain: readonly string[]): string => ask({ ...stated(identity), chain });

  test('that leads to a foreign root of the same name', () => {
    expect(ask(stated(foreign))).toMatch(/signature on the certificate of .*manufacturing" is not that of the pinned/);
  });

  test('whose intermediate is missing', () => {
    expect(withChain(chainOf(3).slice(0, 1))).toMatch(/issued by .*manufacturing", which is neither in the chain nor/);
  });

  test('that is in the wrong order', () => {
    expect(withChain([...chainOf(3)].reverse())).toMatch(/was issued by .*root", not by .*HSM 3"/);
  });

  test('whose intermediate is another of the same name', () => {
    expect(withChain([chainOf(3)[0] ?? '', hsmOf(foreign, 3).chain[1] ?? ''])).toMatch(
      /signature on the certificate of .*HSM 3" is not that of .*manufacturing"/,
    );
  });

  test('that is empty, too long, or no certificate', () => {
    expect(withChain([])).toBe('there is no certificate');
    expect(withChain(Array.from({ length: 6 }, () => chainOf(3)[0] ?? ''))).toMatch(/too many/);
    expect(withChain(['nonsense', ...chainOf(3)])).toMatch(/no certificate/);
  });

  test('in which an HSM issued a certificate', () => {
    expect(withChain(issuedByHsm(identity, 4))).toMatch(/HSM 4" may not issue|was issued by .*HSM 4"/);
  });

  test('that begins with an authority', () => {
    expect(withChain(chainOf(3).slice(1))).toMatch(/authority's, not an HSM's/);
  });

  test('with a byte changed in the signature or the content of a certificate', () => {
    const [leaf = '', issuer = ''] = chainOf(3);
    expect(withChain([bent(leaf, (der) => der.length - 1), issuer])).toMatch(/signature on the certificate/);
    expect(withChain([bent(leaf, (der) => der.indexOf('HSM 3') + 4), issuer])).toMatch(/signature on the certificate/);
  });

  test.each([
    ['expired', NOW_MS + 21 * 365 * DAY_MS, /HSM 3" expired on/],
    ['of tomorrow', NOW_MS - 2 * DAY_MS, /HSM 3" is not valid before/],
  ])('that is %s', (_what, nowMs, reason) => {
    expect(ask(stated(identity), { nowMs })).toMatch(reason);
  });

  test('whose root has expired while the HSM has not', async () => {
    const old = await identityOf(NOW_MS - 31 * 365 * DAY_MS);
    const root = new X509Certificate(old.root);
    expect(refusal(() => checkChain([old.root], root, NOW_MS))).toMatch(/root" expired on/);
  });

  test('when the pinned root is no root', () => {
    const [leaf = '', issuer = ''] = chainOf(3);
    expect(refusal(() => readRoot(leaf))).toMatch(/not a certificate of an authority/);
    expect(refusal(() => readRoot(issuer))).toMatch(/issued by somebody else/);
    expect(refusal(() => readRoot(bent(identity.root, (der) => der.length - 1)))).toMatch(/issued by somebody else/);
    expect(refusal(() => readRoot(''))).toMatch(/no certificate/);
  });
});

describe('a statement is refused', () => {
  test('that was altered after it was signed', () => {
    const altered = encodeStatement({ ...STATEMENT, extractable: true });
    expect(ask({ ...stated(identity), statement: altered })).toMatch(/signature on the statement/);
  });

  test('with a byte changed in its signature, or none', () => {
    const { signature, ...rest } = stated(identity);
    const changed = signature.map((byte, at) => (at === 9 ? byte ^ 1 : byte));
    expect(ask({ ...rest, signature: changed })).toMatch(/signature on the statement/);
    expect(ask({ ...rest, signature: new Uint8Array(0) })).toMatch(/signature on the statement/);
  });

  test('with the certificate of another HSM of the cluster', () => {
    expect(ask({ ...stated(identity), chain: chainOf(4) })).toMatch(/signature on the statement/);
  });

  test('that another HSM signed, in its own name or in that of this one', () => {
    expect(ask(stated(identity, { node: 4 }))).toMatch(/of another HSM/);
    expect(ask(signedBy(identity, 4, encodeStatement(STATEMENT)))).toMatch(/of another HSM/);
    expect(ask(stated(identity, { cluster: 'cluster-other' }))).toMatch(/of another HSM/);
  });

  test('that was made for an earlier question', () => {
    expect(ask(stated(identity), { nonce: new Uint8Array(32) })).toMatch(/another question/);
    expect(ask(stated(identity, { nonce: '' }))).toMatch(/another question/);
  });

  test.each([
    ['no JSON', 'nonsense'],
    ['another value', '[]'],
    ['not in its one form', ` ${Buffer.from(encodeStatement(STATEMENT)).toString()}`],
    ['of another format', Buffer.from(encodeStatement(STATEMENT)).toString().replace('attestation-1', 'attestation-2')],
    ['with a field more', JSON.stringify({ ...STATEMENT, format: 'keyferry-simulated-attestation-1', more: 1 })],
    ['with a field of another type', Buffer.from(encodeStatement(STATEMENT)).toString().replace('786433', '"786433"')],
  ])('that is signed and %s', (_what, text) => {
    expect(ask(signedBy(identity, 3, new TextEncoder().encode(text)))).toMatch(/no statement about a key/);
  });

  const others: ShownKey = {
    serial: 'SIM9999',
    firmware: '5.1',
    handle: 786_434,
    class: 'private',
    type: 'des3',
    kcv: 'ffffff',
    spkiSha256: 'ab',
    local: false,
    extractable: true,
    sensitive: false,
    neverExtractable: false,
  };
  test.each(Object.keys(others) as (keyof ShownKey)[])('whose %s is not what the device shows', (name) => {
    expect(ask(stated(identity), { shown: { ...SHOWN, [name]: others[name] } })).toMatch(/in the statement, and .* as/);
  });
});
