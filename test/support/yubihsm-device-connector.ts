/** A simulated YubiHSM as the client's connector, without HTTP between them. */
import {
  type Connector,
  ConnectorFailure,
  parseConnectorStatus,
} from '../../src/adapters/yubihsm/connector/connector.ts';
import { DroppedReply } from '../../src/adapters/yubihsm/simulator/faults.ts';
import type { SimulatedYubiHsm } from '../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';

export function connectorOf(device: SimulatedYubiHsm): Connector {
  return {
    async status() {
      const status = parseConnectorStatus(device.status('127.0.0.1', 0));
      if (status === null) throw new Error('the simulated connector has no status');
      return status;
    },
    async send(message) {
      try {
        return await device.exchange(message);
      } catch (error) {
        if (!(error instanceof DroppedReply)) throw error;
        throw new ConnectorFailure('gave no answer', { code: 'device-lost', wasSent: true, cause: error });
      }
    },
    close: async () => undefined,
  };
}
