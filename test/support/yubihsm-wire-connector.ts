/** A connector in process whose replies can be altered, lost or delayed on their way. */
import { type Connector, ConnectorFailure } from '../../src/adapters/yubihsm/connector/connector.ts';
import { type Login, passwordLogin } from '../../src/adapters/yubihsm/session/login.ts';
import { openSession } from '../../src/adapters/yubihsm/session/open-session.ts';
import type { Session } from '../../src/adapters/yubihsm/session/session.ts';
import { Secret } from '../../src/keys/secret.ts';
import type { WireDevice } from './yubihsm-wire-device.ts';

/** What happens to a reply: other bytes, or null for none at all. */
export type OnReply = (reply: Buffer, message: Buffer) => Uint8Array | null;

export class WireConnector implements Connector {
  readonly device: WireDevice;
  readonly tags: (string | undefined)[] = [];
  readonly timeouts: (number | undefined)[] = [];
  onReply: OnReply = (reply) => reply;
  isReachable = true;

  constructor(device: WireDevice) {
    this.device = device;
  }

  async status(): Promise<{ status: string; serial: null; version: string }> {
    return { status: 'OK', serial: null, version: '3.0.7' };
  }

  async send(
    message: Uint8Array,
    options: { readonly sessionTag?: string; readonly timeoutMs?: number } = {},
  ): Promise<Uint8Array> {
    if (!this.isReachable) {
      throw new ConnectorFailure('the connector cannot be reached', { code: 'device-unreachable', wasSent: false });
    }
    this.tags.push(options.sessionTag);
    this.timeouts.push(options.timeoutMs);
    await Promise.resolve();
    const reply = this.onReply(this.device.exchange(message), Buffer.from(message));
    if (reply === null) throw new ConnectorFailure('the connection broke off', { code: 'device-lost', wasSent: true });
    return new Uint8Array(reply);
  }

  async close(): Promise<void> {
    this.isReachable = false;
  }
}

export const factoryLogin = (password = 'password'): Promise<Login> => passwordLogin(1, new Secret(password));

export async function openWireSession(
  connector: Connector,
  options: { readonly login?: Login; readonly messageLimit?: number; readonly now?: () => number } = {},
): Promise<Session> {
  return openSession({
    peer: { connector, device: 'token' },
    login: options.login ?? (await factoryLogin()),
    messageLimit: options.messageLimit ?? 2048,
    ...(options.now === undefined ? {} : { now: options.now }),
  });
}
