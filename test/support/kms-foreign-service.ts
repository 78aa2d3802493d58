/**
 * A key management service on loopback that speaks the documented protocol of AWS KMS and is nobody's simulator: written from the API
 * reference alone, with switches for what services in the wild do differently. It counts what it is asked and keeps every key in sight.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ForeignKey, newForeignKey } from './kms-foreign-keys.ts';
import { FOREIGN_OPERATIONS, type ForeignDesk } from './kms-foreign-operations.ts';
import { ForeignRefusal, type ForeignWays, USUAL_WAYS } from './kms-foreign-ways.ts';

export interface ForeignService {
  readonly url: string;
  readonly keys: Map<string, ForeignKey>;
  /** Name → key id. */
  readonly aliases: Map<string, string>;
  /** Operation → how often it was asked for. */
  readonly asked: Map<string, number>;
  /** Ends the connection after the nth call of an operation was carried out; its answer is lost. */
  loseAnswer(operation: string, nth: number): void;
  close(): Promise<void>;
}

export async function openForeignKms(
  given: Partial<ForeignWays> = {},
  keys: readonly ForeignKey[] = [],
): Promise<ForeignService> {
  const ways = { ...USUAL_WAYS, ...given };
  const desk: ForeignDesk = { ways, keys: new Map(), aliases: new Map(), tokens: new Map(), behind: new Map() };
  for (const key of keys) desk.keys.set(key.id, key);
  if (ways.hasPredefinedAliases) {
    const managed = newForeignKey({ manager: 'AWS', origin: 'AWS_KMS', state: 'Enabled' });
    desk.keys.set(managed.id, managed);
    desk.aliases.set('alias/aws/s3', managed.id);
  }
  const asked = new Map<string, number>();
  const lost = new Set<string>();

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request);
    if (ways.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, ways.delayMs));
    if (ways.closesConnections) response.setHeader('connection', 'close');
    response.setHeader('content-type', 'application/x-amz-json-1.1').setHeader('x-amzn-requestid', randomUUID());
    const operation = `${request.headers['x-amz-target']}`.replace('TrentService.', '');
    const nth = (asked.get(operation) ?? 0) + 1;
    asked.set(operation, nth);
    try {
      const answer = carryOut(desk, operation, request, body);
      if (lost.delete(`${operation} ${nth}`)) request.socket.destroy();
      // Operations without members in their answer have no body at all.
      response.end(answer === null ? '' : JSON.stringify(ways.unknownMembers ? { ...answer, Novelty: {} } : answer));
    } catch (error) {
      if (error instanceof ForeignRefusal) refuse(response, error, ways);
      else throw error;
    }
  };

  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys: desk.keys,
    aliases: desk.aliases,
    asked,
    loseAnswer: (operation, nth) => void lost.add(`${operation} ${nth}`),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function carryOut(desk: ForeignDesk, operation: string, request: IncomingMessage, body: string): object | null {
  const { ways } = desk;
  if (!/^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\//.test(request.headers.authorization ?? '')) {
    throw new ForeignRefusal('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  const handle = FOREIGN_OPERATIONS[operation];
  if (handle === undefined || ways.unknownOperations.includes(operation)) {
    throw new ForeignRefusal('UnknownOperationException', '');
  }
  if (ways.unsupportedOperations.includes(operation)) {
    throw new ForeignRefusal('UnsupportedOperationException', `${operation} is not supported here`);
  }
  return handle(desk, JSON.parse(body) as Readonly<Record<string, never>>);
}

function refuse(response: ServerResponse, { name, message, published }: ForeignRefusal, ways: ForeignWays): void {
  response.statusCode = ways.statuses === 'published' ? published : 400;
  const namespaced = `com.amazonaws.kms#${name}`;
  const addressed = `${name}:http://internal.amazon.com/`;
  const text = ways.errorText === 'none' ? {} : { [ways.errorText]: message };
  const said: Readonly<Record<ForeignWays['errorName'], object>> = {
    short: { __type: name },
    namespaced: { __type: namespaced },
    addressed: { __type: addressed },
    code: { code: name },
    'header-only': {},
    'namespaced-header': {},
  };
  if (ways.errorName === 'header-only') response.setHeader('x-amzn-errortype', addressed);
  if (ways.errorName === 'namespaced-header') response.setHeader('x-amzn-errortype', namespaced);
  response.end(JSON.stringify({ ...said[ways.errorName], ...text }));
}
