/** Lets the SDK talk to the simulated service without a socket: requests go in signed and serialised, as they would go out on the wire. */
import type { KMSClientConfig } from '@aws-sdk/client-kms';
import type { KmsService } from './simulator/kms-service.ts';

interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (typeof body === 'string') return Buffer.from(body, 'utf8');
  return new Uint8Array(0);
}

export function inProcessHandler(service: Pick<KmsService, 'respond'>): NonNullable<KMSClientConfig['requestHandler']> {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request: SdkRequest) {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
      );
      const { method, path } = request;
      const { status, ...answer } = await service.respond({ method, path, headers, body: bytesOf(request.body) });
      return { response: { statusCode: status, headers: { ...answer.headers }, body: answer.body } };
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy() {},
  } as NonNullable<KMSClientConfig['requestHandler']>;
}
