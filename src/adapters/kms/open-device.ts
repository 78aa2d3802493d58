/** Opens an account and region as a Device: the same code for AWS and for the simulated service, which the SDK reaches in this process. */
import type { KMSClientConfig } from '@aws-sdk/client-kms';
import type { FingerprintMethod } from '../../keys/fingerprint.ts';
import type { Device, DeviceDescription, DeviceSettings, OpenContext, Trust } from '../adapter.ts';
import { type KmsTransport, openTransport } from './client.ts';
import { KmsConnection } from './connection.ts';
import { KmsDevice } from './device.ts';
import { FINGERPRINTS } from './fingerprints.ts';
import { checkEndpoint, findAccount, missingOperations, trustOf } from './identity.ts';
import { inProcessHandler } from './in-process-handler.ts';
import { IMPORT_MECHANISMS } from './routes.ts';
import { readNumber, readRates, readRegion, readSessions, readSettle, readText, readTimeoutMs } from './settings.ts';
import { type KmsFault, readKmsFaults } from './simulator/faults.ts';

interface Opened {
  readonly transport: KmsTransport;
  /** Of the aws driver what the devices file says; null: nothing. */
  readonly account: string | null;
  readonly driver: 'simulated' | 'aws';
}

export async function openKmsDevice(settings: DeviceSettings, context: OpenContext): Promise<Device> {
  const opened = settings.driver === 'simulated' ? await openSimulated(settings) : await openAws(settings, context);
  try {
    const { values, name } = settings;
    const region = readRegion(values);
    const { transport, driver } = opened;
    const account =
      driver === 'simulated'
        ? opened.account
        : await findAccount({ device: name, region, account: opened.account, transport });
    const trust = driver === 'simulated' ? driver : trustOf(transport.asked);
    const lacks = trust === 'software' ? await missingOperations(transport) : NOTHING;
    const connection = new KmsConnection({
      name,
      serial: `aws:${account ?? 'unknown'}:${region}`,
      account,
      region,
      settle: readSettle(settings),
      parallel: readSessions(values, context),
      transport,
      comparison: trust === 'software' ? 'unknown' : 'documented',
    });
    return new KmsDevice(connection, describe({ settings, context, trust, lacks }, connection));
  } catch (error) {
    await opened.transport.close();
    throw error;
  }
}

async function openAws({ values, name }: DeviceSettings, context: OpenContext): Promise<Opened> {
  const region = readRegion(values);
  const endpoint = readText(values, 'endpoint');
  const profile = readText(values, 'profile');
  checkEndpoint(name, endpoint, region);
  const requestTimeout = readTimeoutMs(values);
  const config: KMSClientConfig = {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(profile === undefined ? {} : { profile }),
    requestHandler: {
      connectionTimeout: Math.min(requestTimeout, 10_000),
      requestTimeout,
      throwOnRequestTimeout: true,
      // More calls than that wait here.
      httpsAgent: { maxSockets: readSessions(values, context) },
      httpAgent: { maxSockets: readSessions(values, context) },
    },
  };
  return { transport: await openTransport({ config }), account: readText(values, 'account') ?? null, driver: 'aws' };
}

async function openSimulated({ values }: DeviceSettings): Promise<Opened> {
  const { openKmsService } = await import('./simulator/kms-service.ts');
  const accessKeyId = 'KEYFERRYSIMULATED';
  const secretAccessKey = 'of the simulated service';
  const account = readText(values, 'account');
  const seed = readNumber(values, 'fault-seed');
  const poolSize = readNumber(values, 'wrapping-keys');
  const service = await openKmsService({
    stateDir: readText(values, 'state') ?? null,
    region: readRegion(values),
    signatures: (readText(values, 'signatures') ?? 'full') as 'off' | 'format' | 'full',
    credentials: { [accessKeyId]: secretAccessKey },
    faults: { faults: faultsOf(values.faults), ...(seed === undefined ? {} : { seed }) },
    rates: readText(values, 'rates') === 'enforce' ? 'enforce' : 'ignore',
    quotas: readRates(values),
    tokens: readText(values, 'tokens') === 'lenient' ? 'lenient' : 'strict',
    ...(account === undefined ? {} : { account }),
    ...(poolSize === undefined ? {} : { poolSize }),
  });
  const config: KMSClientConfig = {
    region: service.region,
    credentials: { accessKeyId, secretAccessKey },
    // Said, so that no environment variable sends the name of another host.
    endpoint: `https://kms.${service.region}.amazonaws.com`,
    requestHandler: inProcessHandler(service),
  };
  const transport = await openTransport({ config, onClose: () => service.close() });
  return { transport, account: service.account, driver: 'simulated' };
}

const faultsOf = (given: unknown): readonly KmsFault[] =>
  Array.isArray(given) ? readKmsFaults(given as readonly Readonly<Record<string, unknown>>[]) : [];

interface Described {
  readonly settings: DeviceSettings;
  readonly context: OpenContext;
  readonly trust: Trust;
  readonly lacks: ReadonlySet<string>;
}

const NOTHING: ReadonlySet<string> = new Set();
const NEEDED_FOR: Readonly<Partial<Record<FingerprintMethod, string>>> = {
  mac: 'GenerateMac',
  'public-key': 'GetPublicKey',
};

const MAKERS: Readonly<Record<Trust, Pick<DeviceDescription, 'manufacturer' | 'model'>>> = {
  simulated: { manufacturer: 'keyferry simulator', model: 'AWS KMS (simulated)' },
  software: { manufacturer: 'unknown', model: 'service with the API of AWS KMS, not of Amazon' },
  hardware: { manufacturer: 'Amazon Web Services', model: 'AWS KMS' },
};

function describe(
  { settings: { name, adapter, driver, values }, context, trust, lacks }: Described,
  { serial, account, region, settle }: KmsConnection,
): DeviceDescription {
  const unknown = 'account unknown: the endpoint does not tell it; say account: in the devices file';
  return {
    name,
    adapter,
    driver,
    trust,
    serial,
    label: account === null ? `${region}, ${unknown}` : `account ${account} in ${region}`,
    ...MAKERS[trust],
    firmware: '',
    capabilities: {
      wrap: [],
      unwrap: IMPORT_MECHANISMS,
      generate: [],
      fingerprints: FINGERPRINTS.filter((method) => !lacks.has(NEEDED_FOR[method] ?? '')),
      uniqueIds: false,
      sessions: readSessions(values, context),
      capacity: null,
      settle,
      rates: readRates(values),
    },
  };
}
