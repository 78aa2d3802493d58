/** `simulator serve kms`: from the command's options to a service on a port. */

import { serveKms } from '../adapters/kms/simulator/kms-server.ts';
import { openKmsService, type SignatureMode } from '../adapters/kms/simulator/kms-service.ts';
import { EXAMPLE_CREDENTIALS } from '../adapters/kms/simulator/signature-v4.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Served, ServeRequest } from './served.ts';

const DEFAULT_REGION = 'eu-west-1';
const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d+$/;

export async function serveSimulatedKms({ port, stateDir, options, env }: ServeRequest): Promise<Served> {
  const region = options.region ?? DEFAULT_REGION;
  if (!REGION.test(region)) throw new KeyferryError('usage', `"${region}" is no AWS Region, like ${DEFAULT_REGION}.`);
  const signatures = signatureMode(options.signatures ?? 'format');
  const credentials = credentialsOf(env);
  const service = await openKmsService({ stateDir, region, signatures, credentials });
  try {
    const server = await serveKms(service, { port });
    return {
      facts: {
        url: server.url,
        region,
        account: service.account,
        signatures,
        accessKeyId: Object.keys(credentials)[0],
      },
      note: `Simulated: AWS KMS of ${region}, account ${service.account}. Keys in it are not protected.`,
      close: async () => {
        await server.close();
        await service.close();
      },
    };
  } catch (error) {
    await service.close();
    throw error;
  }
}

function signatureMode(text: string): SignatureMode {
  if (text === 'off' || text === 'format' || text === 'full') return text;
  throw new KeyferryError('usage', `"${text}" is no way to check signatures: off, format or full.`);
}

/** What the environment gives to AWS clients, else the pair of AWS's documentation. */
function credentialsOf({
  AWS_ACCESS_KEY_ID: id,
  AWS_SECRET_ACCESS_KEY: secret,
}: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return id && secret ? { [id]: secret } : EXAMPLE_CREDENTIALS;
}
