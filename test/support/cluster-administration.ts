/** A device over a simulated cluster and its administration by the simulated tool, without a devices file. */

import type { ActionCall, ActionResult, Device } from '../../src/adapters/adapter.ts';
import { type AdminTool, ToolFailure } from '../../src/adapters/cloudhsm/admin/admin-tool.ts';
import { administeredDevice } from '../../src/adapters/cloudhsm/admin/administered-device.ts';
import { Administration, type NodeAgreement } from '../../src/adapters/cloudhsm/admin/administration.ts';
import { clusterAgreement } from '../../src/adapters/cloudhsm/admin/cluster-agreement.ts';
import { simulatedTool } from '../../src/adapters/cloudhsm/admin/simulator/simulated-tool.ts';
import type { SimulatedCluster } from '../../src/adapters/cloudhsm/cluster/cluster.ts';
import { CLOUDHSM_PROFILE } from '../../src/adapters/cloudhsm/profile.ts';
import { CKU } from '../../src/adapters/pkcs11/constants.ts';
import { openPkcs11Device } from '../../src/adapters/pkcs11/open-device.ts';
import { Secret } from '../../src/keys/secret.ts';
import { PASSWORD } from './cluster-fixtures.ts';
import { temporaryHome } from './pkcs11-devices.ts';

export const SETTLE = { reads: 2, intervalMs: 1 } as const;

export interface AdministeredOptions {
  /** Crypto user. Default user4. */
  readonly user?: string;
  /** null: no administration by an admin. Default officer1. */
  readonly admin?: string | null;
  readonly adminPassword?: string;
  /** Replaces the tool. */
  readonly tool?: AdminTool;
  readonly home?: string;
  readonly nodes?: NodeAgreement | null;
}

export async function administered(cluster: SimulatedCluster, options: AdministeredOptions = {}): Promise<Device> {
  const { user = 'user4', admin = 'officer1', adminPassword = PASSWORD, home = temporaryHome() } = options;
  const pin = new Secret(`${user}:${PASSWORD}`);
  const module = cluster.module();
  module.C_Initialize();
  const [slot] = module.C_GetSlotList(true);
  const device = await openPkcs11Device({
    name: 'cluster',
    adapter: 'cloudhsm',
    driver: 'simulated',
    module,
    profile: { ...CLOUDHSM_PROFILE, settle: SETTLE },
    selector: { slot: Number(slot) },
    pin: async () => pin,
    sessions: 4,
    trust: 'simulated',
    login: { login: async (own, session, _token, secret) => own.C_Login(session, CKU.USER, secret.reveal()) },
    onClose: () => module.close(),
  });
  const { serial } = await device.describe();
  return administeredDevice({
    device,
    name: 'cluster',
    lacking: '',
    admin: new Administration({
      device: 'cluster',
      serial,
      tool: options.tool ?? simulatedTool(cluster),
      pins: { 'crypto-user': pin, admin: admin === null ? null : new Secret(`${admin}:${adminPassword}`) },
      home,
      retryPin: false,
      settle: SETTLE,
      nodes: options.nodes === undefined ? clusterAgreement(cluster) : options.nodes,
    }),
  });
}

/** As the engine does it: what to expect first, then the call. */
export async function perform(
  device: Device,
  action: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<ActionResult> {
  return await device.perform(await intent(device, action, args));
}

/** The call as its intent records it. */
export async function intent(
  device: Device,
  action: string,
  args: Readonly<Record<string, unknown>>,
): Promise<ActionCall> {
  const call = { action, args };
  const creates = ['create-user', 'register-quorum-key', 'generate-key', 'unwrap-key'];
  if (!creates.includes(action)) return call;
  return { ...call, expectation: (await device.expect(call, null)).expectation };
}

/** Answers as the tool does, but loses the answers of these commands, after they were carried out. */
export const silentAfter = (tool: AdminTool, ...commands: readonly string[]): AdminTool => ({
  async run(args, options) {
    const data = await tool.run(args, options);
    if (commands.some((command) => args.join(' ').startsWith(command))) throw new ToolFailure('signal SIGKILL', true);
    return data;
  },
});

/** During this command the second HSM goes down, between its login and its turn. */
export function failingAt(cluster: SimulatedCluster, command: string): AdminTool {
  const tool = simulatedTool(cluster);
  return {
    async run(args, options) {
      if (args.join(' ').startsWith(command)) cluster.fail(4, 1);
      return await tool.run(args, options);
    },
  };
}
