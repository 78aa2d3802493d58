/**
 * The seam to AWS KMS: one call per operation, by the real SDK. The SDK is loaded here and only when a device is opened. Two clients, for
 * the SDK by itself sends CreateKey again after a lost reply: reads are repeated by the SDK, everything else goes out once.
 */
import type { KMSClientConfig } from '@aws-sdk/client-kms';
import { type Input, isRepeatable, type OperationName, type Output } from './operations.ts';

export interface KmsTransport {
  call<N extends OperationName>(operation: N, input: Input<N>): Promise<Output<N>>;
  /** Host and scheme of the last request, null before the first: what the SDK's own configuration made of it. */
  readonly asked: { readonly host: string; readonly isEncrypted: boolean } | null;
  /** Of the AWS configuration files; absent: the SDK's own choice. */
  readonly profile?: string;
  close(): Promise<void>;
}

export interface ClientOptions {
  readonly config: KMSClientConfig;
  /** Ends what is behind the client. */
  readonly onClose?: () => Promise<void>;
}

const READ_ATTEMPTS = 3;
/** Without one the SDK writes what it thinks of the environment on the console, between a command's own output. */
const QUIET = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

interface SentRequest {
  readonly hostname?: string;
  readonly port?: number;
  readonly protocol?: string;
}

export async function openTransport({ config, onClose }: ClientOptions): Promise<KmsTransport> {
  const sdk = await import('@aws-sdk/client-kms');
  const repeating = new sdk.KMSClient({ logger: QUIET, ...config, maxAttempts: READ_ATTEMPTS });
  const once = new sdk.KMSClient({ logger: QUIET, ...config, maxAttempts: 1 });
  let asked: KmsTransport['asked'] = null;
  for (const client of [repeating, once]) {
    client.middlewareStack.add(
      (next) => async (args) => {
        const { hostname = '', port, protocol } = args.request as SentRequest;
        asked = { host: port === undefined ? hostname : `${hostname}:${port}`, isEncrypted: protocol === 'https:' };
        return await next(args);
      },
      { step: 'finalizeRequest', name: 'keyferryAskedHost' },
    );
  }
  return {
    ...(typeof config.profile === 'string' ? { profile: config.profile } : {}),
    get asked() {
      return asked;
    },
    async call<N extends OperationName>(operation: N, input: Input<N>): Promise<Output<N>> {
      // The SDK names the class of each operation's command after it.
      const Command = sdk[`${operation}Command`] as unknown as new (input: Input<N>) => unknown;
      const client = isRepeatable(operation) ? repeating : once;
      return (await client.send(new Command(input) as never)) as Output<N>;
    },
    async close() {
      repeating.destroy();
      once.destroy();
      await onClose?.();
    },
  };
}
