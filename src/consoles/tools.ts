/**
 * The vendors' tools that `keyferry console` plays, by the name under which they are started. Help lists them, so what they do and the
 * simulators they run over are loaded when one is opened.
 */
import type { Console, ConsoleOptions } from './console.ts';
import type { ConsoleDevice, ConsoleGround } from './console-device.ts';

export interface OpenedTool {
  /** What it runs over, in words: `a cluster of 2 HSMs`. */
  readonly over: string;
  console(parts: Pick<ConsoleOptions, 'edition' | 'terminal'>): Console;
  /** May be called twice. */
  close(): Promise<void>;
}

interface ConsoleTool {
  readonly summary: string;
  readonly ground: () => Promise<ConsoleGround>;
  /** Opens what it runs over; null: something in memory, that ends with it. Rejects with `simulator-state` and the like. */
  open(device: ConsoleDevice | null): Promise<OpenedTool>;
}

const onCluster = (summary: string, load: () => Promise<(options: ConsoleOptions) => Console>): ConsoleTool => ({
  summary,
  ground: async () => (await import('./cluster-of-device.ts')).CLUSTER_GROUND,
  async open(device) {
    const openTool = await load();
    const { openClusterOf } = await import('./cluster-of-device.ts');
    const cluster = await openClusterOf(device);
    return {
      over: `a cluster of ${cluster.nodes.length} HSMs`,
      console: (parts) => openTool({ cluster, ...parts }),
      close: () => cluster.close(),
    };
  },
});

export const CONSOLE_TOOLS: Readonly<Record<string, ConsoleTool>> = {
  key_mgmt_util: onCluster(
    'keys of a CloudHSM cluster, as a crypto user',
    async () => (await import('./key-mgmt-util/open-key-mgmt-util.ts')).openKeyMgmtUtil,
  ),
  cloudhsm_mgmt_util: onCluster(
    'users, sharing and quorum of a CloudHSM cluster, HSM by HSM',
    async () => (await import('./cloudhsm-mgmt-util/open-cloudhsm-mgmt-util.ts')).openCloudhsmMgmtUtil,
  ),
  'cloudhsm-cli': onCluster(
    'keys, users, sharing and quorum in the tool of Client SDK 5, in JSON',
    async () => (await import('./cloudhsm-cli/open-cloudhsm-cli.ts')).openCloudhsmCli,
  ),
  luna_client: {
    summary: 'vtl and cmu of a CloudHSM Classic (Luna) client: slots, public keys',
    ground: async () => (await import('./luna-client/classic-ground.ts')).CLASSIC_GROUND,
    async open(device) {
      const { openClassicOf } = await import('./luna-client/classic-of-device.ts');
      const { openLunaClient } = await import('./luna-client/open-luna-client.ts');
      const { module, over, close } = await openClassicOf(device);
      return { over, console: ({ terminal }) => openLunaClient({ module, terminal }), close };
    },
  },
};
