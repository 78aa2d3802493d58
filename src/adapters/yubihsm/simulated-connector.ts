/** The connector of a simulated device in this process: the same bytes, no socket. */
import type { Connector, ConnectorStatus } from './connector/connector.ts';
import { ConnectorFailure, parseConnectorStatus } from './connector/connector.ts';
import { DroppedReply } from './simulator/faults.ts';
import type { SimulatedYubiHsm } from './simulator/simulated-yubihsm.ts';

export class SimulatedConnector implements Connector {
  readonly #device: SimulatedYubiHsm;

  constructor(device: SimulatedYubiHsm) {
    this.#device = device;
  }

  async status(): Promise<ConnectorStatus> {
    const status = parseConnectorStatus(this.#device.status('127.0.0.1', 0));
    if (status === null) throw new Error('the simulated connector has no status');
    return status;
  }

  async send(message: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#device.exchange(message);
    } catch (cause) {
      if (!(cause instanceof DroppedReply)) throw cause;
      throw new ConnectorFailure('the connection to the connector broke off', {
        code: 'device-lost',
        wasSent: true,
        cause,
      });
    }
  }

  close(): Promise<void> {
    return this.#device.close();
  }
}
