/**
 * A YubiHSM 2 in software: what stands behind Yubico's connector, bytes in and bytes out. Every client speaks to it as to the device. What it
 * leaves out is listed in docs/yubihsm-simulator.md.
 */
import { randomInt } from 'node:crypto';
import { makeIdentity } from './attestation.ts';
import { Device } from './device.ts';
import { factoryReset } from './factory.ts';
import { FaultPlanner, type YubiHsmFaultPlan } from './faults.ts';
import { type FirmwareLevel, firmwareOf } from './firmware.ts';
import { StateStore } from './state-file.ts';

export interface SimulatedYubiHsmOptions {
  /** Folder that keeps the objects, in clear; null: they live as long as this process. */
  readonly stateDir: string | null;
  /** Of a device that has no state yet; absent: a random one. */
  readonly serial?: number;
  /** Default 2.4. */
  readonly firmware?: FirmwareLevel;
  readonly faults?: YubiHsmFaultPlan;
  /** Milliseconds, for sessions that expire and ticks of the log; default: the monotonic clock. */
  readonly clock?: () => number;
  /** 8 bytes that the device begins a session with; random but in tests with recorded messages. */
  readonly challenge?: () => Uint8Array;
}

export interface SimulatedYubiHsm {
  /** One message in, one out. Rejects with DroppedReply where a planned fault loses the message or its reply. */
  exchange(message: Uint8Array): Promise<Uint8Array>;
  /** Body of `GET /connector/status`. */
  status(address: string, port: number): string;
  /** Eight digits, as Yubico prints them. */
  readonly serial: string;
  /** DER: the simulator's root, which issued the certificate of the device's attestation key. */
  readonly attestationRoot: Uint8Array;
  /** Waits for messages under way. The state folder is free afterwards. */
  close(): Promise<void>;
}

const FIRST_SERIAL = 90_000_000;
const LAST_SERIAL = 99_999_999;
const CONNECTOR_VERSION = '3.0.7';

/** @throws KeyferryError `device-busy` when another process has the state folder open, `simulator-state` when it is damaged. */
export async function openSimulatedYubiHsm(options: SimulatedYubiHsmOptions): Promise<SimulatedYubiHsm> {
  const store = new StateStore();
  if (options.stateDir !== null) await store.open(options.stateDir);
  try {
    return start(store, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function start(store: StateStore, options: SimulatedYubiHsmOptions): SimulatedYubiHsm {
  const firmware = firmwareOf(options.firmware ?? '2.4');
  const device = new Device({
    store,
    firmware,
    faults: new FaultPlanner(options.faults),
    clock: options.clock ?? (() => performance.now()),
    challenge: options.challenge,
  });
  const known = store.state.identity;
  const identity = known ?? makeIdentity(options.serial ?? randomInt(FIRST_SERIAL, LAST_SERIAL + 1), firmware);
  if (known === undefined) store.commit([{ kind: 'identity', identity }, ...factoryReset()]);
  else device.boot();
  const serial = String(identity.serial).padStart(8, '0');
  return {
    serial,
    attestationRoot: identity.attestationRoot,
    exchange: (message) => device.exchange(message),
    status: (address, port) =>
      [
        ...['status=OK', `serial=${serial}`, `version=${CONNECTOR_VERSION}`],
        ...[`pid=${process.pid}`, `address=${address}`, `port=${port}`, ''],
      ].join('\n'),
    close: async () => {
      await device.idle();
      await store.close();
    },
  };
}
