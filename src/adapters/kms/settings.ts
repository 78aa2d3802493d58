/** What a devices file says of an AWS KMS device. Credentials are never in it: the AWS SDK finds them as every AWS program does. */
import { parseDuration } from '../../schema/duration.ts';
import { type Field, type ObjectShape, optional, path, required, withDefault } from '../../schema/shape.ts';
import type { DeviceSettings, OpenContext } from '../adapter.ts';
import type { Settle } from './connection.ts';
import { DEFAULT_QUOTAS } from './quotas.ts';
import { KMS_FAULTS_SHAPE } from './simulator/faults.ts';

const REGION = { kind: 'string', pattern: '^[a-z]{2,4}(-[a-z]+)+-[0-9]$', description: 'region: eu-west-1' } as const;
const ACCOUNT = { kind: 'string', pattern: '^[0-9]{12}$' } as const;

const SHARED: Readonly<Record<string, Field>> = {
  quotas: optional({
    kind: 'map',
    of: { kind: 'number' },
    keyPattern: '^[A-Z][A-Za-z]+$',
    description: 'calls per second by operation, where they are not the default quotas of AWS; 0: no limit',
  }),
  'settle-reads': optional({ kind: 'integer', minimum: 1, description: 'agreeing reads until an absence is believed' }),
  'settle-interval': optional({ kind: 'duration', description: 'time between those reads' }),
  sessions: optional({ kind: 'integer', minimum: 1, maximum: 1024, description: 'requests at once' }),
};

export const AWS_DRIVER: ObjectShape = {
  kind: 'object',
  fields: {
    region: required(REGION),
    profile: optional({ kind: 'string', description: 'profile of the AWS configuration files' }),
    endpoint: optional({
      kind: 'string',
      pattern: '^https?://',
      description: 'another endpoint than that of the region; one that is not AWS counts as software',
    }),
    account: optional({ ...ACCOUNT, description: 'account number, where the endpoint does not tell' }),
    timeout: optional({ kind: 'duration', description: 'a request that takes longer is given up' }),
    ...SHARED,
  },
};

export const SIMULATED_KMS_DRIVER: ObjectShape = {
  kind: 'object',
  fields: {
    state: optional(path('folder that keeps the keys, in clear; absent: they live as long as the process')),
    region: withDefault(REGION, 'eu-west-1'),
    account: optional({ ...ACCOUNT, description: 'account number' }),
    signatures: optional({ kind: 'enum', values: ['off', 'format', 'full'], description: 'how requests are checked' }),
    tokens: optional({
      kind: 'enum',
      values: ['strict', 'lenient'],
      description: 'strict: only the newest import token of a key, once',
    }),
    rates: optional({
      kind: 'enum',
      values: ['ignore', 'enforce'],
      description: 'enforce: answers ThrottlingException above the quotas',
    }),
    'wrapping-keys': optional({
      kind: 'integer',
      minimum: 1,
      maximum: 1000,
      description: 'wrapping keys of each size, used in turn; absent: a new one each time, as the real service',
    }),
    faults: optional(KMS_FAULTS_SHAPE),
    'fault-seed': optional({ kind: 'integer', minimum: 0, description: 'seed of faults that come with a probability' }),
    ...SHARED,
  },
};

type Values = Readonly<Record<string, unknown>>;

const DEFAULT_SESSIONS = 32;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_SETTLE: Readonly<Record<'aws' | 'simulated', Settle>> = {
  aws: { reads: 5, intervalMs: 3000 },
  // Two reads keep the rule alive without waiting for nobody.
  simulated: { reads: 2, intervalMs: 10 },
};

export const readText = (values: Values, name: string): string | undefined =>
  typeof values[name] === 'string' ? values[name] : undefined;
export const readNumber = (values: Values, name: string): number | undefined =>
  typeof values[name] === 'number' ? values[name] : undefined;

export const readRegion = (values: Values): string => readText(values, 'region') ?? 'eu-west-1';

export function readSettle({ values, driver }: Pick<DeviceSettings, 'values' | 'driver'>): Settle {
  const usual = DEFAULT_SETTLE[driver === 'simulated' ? 'simulated' : 'aws'];
  return {
    reads: readNumber(values, 'settle-reads') ?? usual.reads,
    intervalMs: parseDuration(readText(values, 'settle-interval') ?? '') ?? usual.intervalMs,
  };
}

export const readTimeoutMs = (values: Values): number =>
  parseDuration(readText(values, 'timeout') ?? '') ?? DEFAULT_TIMEOUT_MS;

export const readSessions = (values: Values, context: Pick<OpenContext, 'sessions'>): number =>
  Math.min(context.sessions, readNumber(values, 'sessions') ?? DEFAULT_SESSIONS);

/** Calls per second by operation; what the devices file says wins. */
export function readRates(values: Values): Readonly<Record<string, number>> {
  const given = typeof values.quotas === 'object' && values.quotas !== null ? values.quotas : {};
  const all = { ...DEFAULT_QUOTAS, ...given } as Readonly<Record<string, number>>;
  return Object.fromEntries(Object.entries(all).filter(([, perSecond]) => perSecond > 0));
}
