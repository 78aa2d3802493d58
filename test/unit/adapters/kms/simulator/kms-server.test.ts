import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { KmsFault } from '../../../../../src/adapters/kms/simulator/faults.ts';
import { type KmsServer, serveKms } from '../../../../../src/adapters/kms/simulator/kms-server.ts';
import { aKmsService, type KmsUnderTest } from '../../../../support/kms-service-client.ts';

const open: KmsServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function served(...faults: KmsFault[]): Promise<{ readonly url: string; readonly kms: KmsUnderTest }> {
  const kms = await aKmsService({ faults: { faults } });
  const server = await serveKms(kms.service, { port: 0, headersTimeoutMs: 200, requestTimeoutMs: 400 });
  open.push(server);
  return { url: server.url, kms };
}

const post = (url: string, operation: string, body = '{}'): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'x-amz-target': `TrentService.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
    body,
  });

/** Sends bytes and gives what comes back until the connection ends. */
function raw(url: string, ...parts: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

describe('the served simulator', () => {
  it('answers over HTTP as it does in process', async () => {
    const { url, kms } = await served();
    const { KeyMetadata } = (await (await post(url, 'CreateKey')).json()) as { KeyMetadata: { KeyId: string } };
    expect((await kms.call('DescribeKey', { KeyId: KeyMetadata.KeyId })).KeyMetadata).toEqual(KeyMetadata);
    const empty = await post(url, 'DisableKey', JSON.stringify({ KeyId: KeyMetadata.KeyId }));
    expect([empty.status, await empty.text(), empty.headers.get('content-length')]).toEqual([200, '', '0']);
    expect(empty.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('listens on the loopback address only', async () => {
    expect((await served()).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('ends the connection where a fault says so', async () => {
    const { url, kms } = await served({ operation: 'CreateKey', kind: 'lose-reply', nth: 1 });
    await expect(post(url, 'CreateKey')).rejects.toThrow();
    expect((await kms.call('ListKeys')).Keys).toHaveLength(1);
    expect((await post(url, 'CreateKey')).status).toBe(200);
  });

  it('refuses a port that is taken', async () => {
    const { url, kms } = await served();
    const port = Number(new URL(url).port);
    await expect(serveKms(kms.service, { port })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('in use'),
    });
  });
});

describe('odd requests', () => {
  it.each([
    ['GET', (url: string) => fetch(url), 405],
    ['PUT', (url: string) => fetch(url, { method: 'PUT', body: 'x' }), 405],
    ['no target', (url: string) => fetch(url, { method: 'POST', body: '{}' }), 400],
    ['no JSON', (url: string) => post(url, 'ListKeys', 'x'), 400],
    ['a body without end', (url: string) => post(url, 'ListKeys', 'x'.repeat(3 << 20)), 413],
    [
      'a header as large as a book',
      (url: string) => fetch(url, { method: 'POST', headers: { a: 'x'.repeat(60_000) } }),
      431,
    ],
  ])('%s', async (_what, act, status) => {
    const { url } = await served();
    const answer = await act(url).then(
      (response) => response.status,
      () => 'connection ended',
    );
    // A client that is still sending when the refusal comes may meet the end of the connection first.
    expect(status === 413 ? [413, 'connection ended'] : [status]).toContain(answer);
    expect((await post(url, 'ListKeys')).status).toBe(200);
  });

  it('noise instead of HTTP', async () => {
    const { url } = await served();
    expect(await raw(url, '\x16\x03\x01\x02\x00 not http\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    expect((await post(url, 'ListKeys')).status).toBe(200);
  });

  it('a client that never finishes is left', async () => {
    const { url } = await served();
    const started = performance.now();
    const [headers, body] = await Promise.all([
      raw(url, 'POST / HTTP/1.1\r\nHost: x\r\n'),
      raw(url, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n', '{'),
    ]);
    expect(headers).toMatch(/^HTTP\/1\.1 408/);
    expect(body).toMatch(/^HTTP\/1\.1 408/);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect((await post(url, 'ListKeys')).status).toBe(200);
  });

  it('a client that goes away in the middle changes nothing', async () => {
    const { url, kms } = await served();
    const gone = connect(Number(new URL(url).port), '127.0.0.1');
    gone.write(
      'POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: TrentService.CreateKey\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    gone.destroy();
    expect((await post(url, 'ListKeys')).status).toBe(200);
    expect((await kms.call('ListKeys')).Keys).toEqual([]);
  });
});
