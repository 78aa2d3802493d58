/** The vendors' tools that `keyferry console` plays, by the name under which they are started. What they do is loaded when one is opened. */
import type { Console, ConsoleOptions } from './console.ts';

interface ConsoleTool {
  readonly summary: string;
  load(): Promise<(options: ConsoleOptions) => Console>;
}

export const CONSOLE_TOOLS: Readonly<Record<string, ConsoleTool>> = {
  key_mgmt_util: {
    summary: 'keys of a CloudHSM cluster, as a crypto user',
    load: async () => (await import('./key-mgmt-util/open-key-mgmt-util.ts')).openKeyMgmtUtil,
  },
  cloudhsm_mgmt_util: {
    summary: 'users, sharing and quorum of a CloudHSM cluster, HSM by HSM',
    load: async () => (await import('./cloudhsm-mgmt-util/open-cloudhsm-mgmt-util.ts')).openCloudhsmMgmtUtil,
  },
  'cloudhsm-cli': {
    summary: 'users, sharing and quorum in the tool of Client SDK 5, in JSON',
    load: async () => (await import('./cloudhsm-cli/open-cloudhsm-cli.ts')).openCloudhsmCli,
  },
};
