/**
 * AWS Signature Version 4 for the one kind of request that KMS takes (POST /, no query). The hash of the body is worked out here: what
 * x-amz-content-sha256 claims is only compared. Errors have the real service's names and texts.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from './http-exchange.ts';
import { refuse } from './service-error.ts';

const ALGORITHM = 'AWS4-HMAC-SHA256';
const SERVICE = 'kms';
const MAX_SKEW_MS = 15 * 60_000;

export interface SignatureRules {
  readonly mode: 'off' | 'format' | 'full';
  readonly region: string;
  /** Access key id → secret access key. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly nowMs: number;
}

/** What AWS's documentation uses as an example. */
export const EXAMPLE_CREDENTIALS: Readonly<Record<string, string>> = {
  AKIAIOSFODNN7EXAMPLE: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

interface Authorization {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** Throws ServiceError `MissingAuthenticationTokenException`, `IncompleteSignatureException`, `UnrecognizedClientException`, `InvalidSignatureException`. */
export function requireSignature(request: HttpRequest, rules: SignatureRules): void {
  if (rules.mode === 'off') return;
  const given = readAuthorization(request.headers.authorization);
  const timestamp = request.headers['x-amz-date'] ?? '';
  const sentMs =
    readTimestamp(timestamp) ??
    refuse('IncompleteSignatureException', `Date must be in ISO-8601 'basic format'. Got '${timestamp}'.`);
  requireScope(given, timestamp, rules.region);
  for (const name of ['host', 'x-amz-date'])
    if (!given.signedHeaders.includes(name))
      refuse('InvalidSignatureException', `'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
  if (rules.mode === 'format') return;
  const known = Object.hasOwn(rules.credentials, given.accessKeyId) ? rules.credentials[given.accessKeyId] : undefined;
  const secret =
    known ?? refuse('UnrecognizedClientException', 'The security token included in the request is invalid.');
  requireFresh(timestamp, sentMs, rules.nowMs);
  const claimed = request.headers['x-amz-content-sha256'];
  const bodyHash = sha256(request.body);
  const expected = signatureOf(request, given, { timestamp, bodyHash, secret });
  const isRight = timingSafeEqual(Buffer.from(sha256(expected)), Buffer.from(sha256(given.signature)));
  if (!isRight || (claimed !== undefined && claimed !== bodyHash))
    refuse(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    );
}

function readAuthorization(header: string | undefined): Authorization {
  if (header === undefined || header === '')
    return refuse('MissingAuthenticationTokenException', 'Missing Authentication Token');
  if (!header.startsWith(`${ALGORITHM} `))
    return refuse('IncompleteSignatureException', `Unsupported AWS 'algorithm': expected ${ALGORITHM}.`);
  const fields = new Map(
    header
      .slice(ALGORITHM.length)
      .split(',')
      .map((part) => {
        const equals = part.indexOf('=');
        return [part.slice(0, equals).trim(), part.slice(equals + 1).trim()] as const;
      }),
  );
  const field = (name: string): string =>
    fields.get(name) ?? refuse('IncompleteSignatureException', `Authorization header requires '${name}' parameter.`);
  const scope = field('Credential').split('/');
  const [accessKeyId, date, region, service, end] = scope;
  if (scope.length !== 5 || end !== 'aws4_request' || !accessKeyId || !date || !region || !service)
    return refuse('IncompleteSignatureException', 'Credential must have exactly 5 slash-delimited elements.');
  const signedHeaders = field('SignedHeaders').split(';');
  const signature = field('Signature');
  if (!/^[0-9a-f]{64}$/.test(signature))
    return refuse('IncompleteSignatureException', 'Signature must be 64 lower-case hex digits.');
  return { accessKeyId, date, region, service, signedHeaders, signature };
}

/** `20261121T233026Z`; null for anything else. */
function readTimestamp(text: string): number | null {
  const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second] = parts;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? null : ms;
}

function requireScope({ date, region, service }: Authorization, timestamp: string, ownRegion: string): void {
  const wrong = (what: string): never => refuse('InvalidSignatureException', `Credential should be scoped to ${what}.`);
  if (service !== SERVICE) wrong(`correct service: '${SERVICE}'`);
  if (region !== ownRegion) wrong(`a valid region: '${ownRegion}'`);
  if (!timestamp.startsWith(date)) wrong('the date of the request');
}

function requireFresh(timestamp: string, sentMs: number, nowMs: number): void {
  const now = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  if (sentMs < nowMs - MAX_SKEW_MS)
    refuse('InvalidSignatureException', `Signature expired: ${timestamp} is now earlier than ${now} - 15 min.`);
  if (sentMs > nowMs + MAX_SKEW_MS)
    refuse('InvalidSignatureException', `Signature not yet current: ${timestamp} is still later than ${now} + 15 min.`);
}

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: Uint8Array | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

interface SigningFacts {
  readonly timestamp: string;
  readonly bodyHash: string;
  readonly secret: string;
}

function signatureOf(
  request: HttpRequest,
  given: Authorization,
  { timestamp, bodyHash, secret }: SigningFacts,
): string {
  const headers = given.signedHeaders.map(
    (name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`,
  );
  const canonical = [request.method, '/', '', headers.join(''), given.signedHeaders.join(';'), bodyHash].join('\n');
  const scope = `${given.date}/${given.region}/${given.service}/aws4_request`;
  const toSign = [ALGORITHM, timestamp, scope, sha256(canonical)].join('\n');
  const key = [given.region, given.service, 'aws4_request'].reduce(
    (derived, part) => hmac(derived, part),
    hmac(`AWS4${secret}`, given.date),
  );
  return hmac(key, toSign).toString('hex');
}
