/** Against requests that real clients signed, and against a signer of the test's own. */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HttpRequest } from '../../../../../src/adapters/kms/simulator/http-exchange.ts';
import {
  type HttpResponse,
  openKmsService,
  type SignatureMode,
} from '../../../../../src/adapters/kms/simulator/kms-service.ts';
import { textOf } from '../../../../support/kms-service-client.ts';

interface Recorded {
  readonly requests: readonly {
    readonly client: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }[];
}
const RECORDED = JSON.parse(
  readFileSync(new URL('../../../../vectors/kms-signed-requests.json', import.meta.url), 'utf8'),
) as Recorded;
const NOW = Date.UTC(2026, 10, 22, 7, 35, 30);
const MINUTE_MS = 60_000;

async function answerTo(
  request: Partial<HttpRequest>,
  { mode = 'full', nowMs = NOW }: { mode?: SignatureMode; nowMs?: number } = {},
): Promise<string> {
  const service = await openKmsService({ stateDir: null, region: 'eu-west-1', signatures: mode, clock: () => nowMs });
  const response: HttpResponse = await service.respond({
    method: 'POST',
    path: '/',
    headers: {},
    body: Buffer.from('{}'),
    ...request,
  });
  return response.status === 200 ? 'ok' : JSON.parse(textOf(response)).__type;
}

describe.each(RECORDED.requests)('a request of $client', ({ headers, body }) => {
  const request = { headers, body: Buffer.from(body) };

  it('is taken', async () => {
    expect(await answerTo(request)).toBe('ok');
  });

  it('is refused with another body, target or host', async () => {
    expect(await answerTo({ ...request, body: Buffer.from(body.replace('}', ' }')) })).toBe(
      'InvalidSignatureException',
    );
    expect(await answerTo({ ...request, headers: { ...headers, host: 'kms.eu-west-1.amazonaws.com' } })).toBe(
      'InvalidSignatureException',
    );
    expect(await answerTo({ ...request, headers: { ...headers, 'x-amz-target': 'TrentService.GenerateRandom' } })).toBe(
      'InvalidSignatureException',
    );
  });

  it('is refused 16 minutes too late or too early', async () => {
    for (const minutes of [-16, 16])
      expect(await answerTo(request, { nowMs: NOW + minutes * MINUTE_MS })).toBe('InvalidSignatureException');
    expect(await answerTo(request, { nowMs: NOW + 14 * MINUTE_MS })).toBe('ok');
  });

  it('is refused in another Region', async () => {
    const service = await openKmsService({ stateDir: null, region: 'us-east-1', signatures: 'full', clock: () => NOW });
    const response = await service.respond({ method: 'POST', path: '/', ...request });
    expect(JSON.parse(textOf(response)).__type).toBe('InvalidSignatureException');
  });

  it('is refused with other credentials', async () => {
    for (const [credentials, expected] of [
      [{ AKIAIOSFODNN7EXAMPLE: 'another secret' }, 'InvalidSignatureException'],
      [{ AKIAOTHER: 'secret' }, 'UnrecognizedClientException'],
    ] as const) {
      const service = await openKmsService({
        stateDir: null,
        region: 'eu-west-1',
        signatures: 'full',
        clock: () => NOW,
        credentials,
      });
      const response = await service.respond({ method: 'POST', path: '/', ...request });
      expect(JSON.parse(textOf(response)).__type).toBe(expected);
    }
  });
});

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** After the steps of the signing documentation, with what a test wants to get wrong. */
function signed({
  date = '20261122T073500Z',
  service = 'kms',
  names = ['content-type', 'host', 'x-amz-date', 'x-amz-target'],
} = {}): Partial<HttpRequest> {
  const body = '{"Limit":5}';
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host: '127.0.0.1:8765',
    'x-amz-date': date,
    'x-amz-target': 'TrentService.ListKeys',
  };
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
  const canonical = `POST\n/\n\n${lines}\n${names.join(';')}\n${hash(body)}`;
  const day = date.slice(0, 8);
  const scope = `${day}/eu-west-1/${service}/aws4_request`;
  const key = hmac(hmac(hmac(hmac(`AWS4${SECRET}`, day), 'eu-west-1'), service), 'aws4_request');
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash(canonical)}`).toString('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { headers, body: Buffer.from(body) };
}

describe('a request that the test signs', () => {
  it('is taken', async () => {
    expect(await answerTo(signed())).toBe('ok');
  });

  it.each([
    ['another service', { service: 's3' }, 'InvalidSignatureException'],
    ['a date that is none', { date: '2026-11-22T07:35:00Z' }, 'IncompleteSignatureException'],
    ['a date that cannot be', { date: '20261399T073500Z' }, 'IncompleteSignatureException'],
    ['the host left out', { names: ['content-type', 'x-amz-date', 'x-amz-target'] }, 'InvalidSignatureException'],
  ])('with %s is refused', async (_what, change, expected) => {
    expect(await answerTo(signed(change))).toBe(expected);
  });

  it('is refused when the header says another hash of the body than it has', async () => {
    const request = signed();
    const headers = { ...request.headers, 'x-amz-content-sha256': '0'.repeat(64) };
    expect(await answerTo({ ...request, headers })).toBe('InvalidSignatureException');
  });

  it.each([
    ['no header', undefined, 'MissingAuthenticationTokenException'],
    ['a bearer token', 'Bearer x', 'IncompleteSignatureException'],
    ['no fields', 'AWS4-HMAC-SHA256 ', 'IncompleteSignatureException'],
    [
      'a scope too short',
      'AWS4-HMAC-SHA256 Credential=A/20261122, SignedHeaders=host, Signature=00',
      'IncompleteSignatureException',
    ],
    [
      'a signature too short',
      'AWS4-HMAC-SHA256 Credential=A/20261122/eu-west-1/kms/aws4_request, SignedHeaders=host;x-amz-date, Signature=00',
      'IncompleteSignatureException',
    ],
  ])('%s: %s in modes format and full, taken in mode off', async (_what, authorization, expected) => {
    const { authorization: _own, ...rest } = signed().headers ?? {};
    const headers = authorization === undefined ? rest : { ...rest, authorization };
    for (const mode of ['format', 'full'] as const) expect(await answerTo({ headers }, { mode })).toBe(expected);
    expect(await answerTo({ headers }, { mode: 'off' })).toBe('ok');
  });

  it('in mode format is taken with a wrong signature, at any time', async () => {
    const request = signed();
    const authorization = (request.headers?.authorization ?? '').replace(/[0-9a-f]{64}$/, 'a'.repeat(64));
    const wrong = { ...request, headers: { ...request.headers, authorization } };
    expect(await answerTo(wrong, { mode: 'format', nowMs: NOW + 90 * MINUTE_MS })).toBe('ok');
    expect(await answerTo(wrong)).toBe('InvalidSignatureException');
  });
});
