/** `demo`: the main job from end to end on simulated devices, each step with the command that does it. Leaves its folder to explore. */

import { join } from 'node:path';
import { loadDevicesFile } from '../../devices/devices-file.ts';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { verifyRun } from '../../workflows/verify-run.ts';
import { adaptersInFile } from '../adapters-in-file.ts';
import type { BoundPlaybook } from '../bound-playbook.ts';
import { bindPlaybook, readPlaybook } from '../bound-playbook.ts';
import { namedDevice } from '../named-device.ts';
import { canAsk, confirm } from '../prompt.ts';
import { readRun } from '../recorded-run.ts';
import type { Screen } from '../screen.ts';
import { createScreen } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import { freshFolder, readStarter, writeStarter } from '../starter-files.ts';
import { planView } from '../views/plan-view.ts';
import { countVerified, verifyView } from '../views/verify-view.ts';
import { isBlocked, planFor } from './plan.ts';
import { start } from './run.ts';
import { fillDevice } from './simulator-fill.ts';

export interface DemoOptions {
  readonly yes: boolean;
  readonly dir: string;
}

export async function demo(shell: Shell, options: CommonOptions & DemoOptions): Promise<number> {
  const question = 'Run the plan on the simulated devices?';
  // Without a terminal the answer is known before a folder is made.
  if (!options.yes && !canAsk(shell.io)) await confirm(shell.io, question);

  const dir = await freshFolder(options.dir);
  const guide = new Guide(createScreen(shell.io), options.json);
  await guide.step(`A folder to play in: ${dir}`, [`keyferry init ${dir}`, `cd ${dir}`]);
  const { playbook } = await writeStarter(dir);
  const starter = await readStarter();
  const inDemo: CommonOptions = {
    ...options,
    devices: join(dir, 'devices.yaml'),
    home: join(dir, '.keyferry'),
    device: {},
  };

  const fills = [
    ...starter.fill.map((request) => ({ device: starter.source, request })),
    ...starter.foreign.map((request) => ({ device: starter.target, request })),
  ];
  await guide.step(
    'Keys to move on the simulated source, a quarter of them not extractable, and keys of others on both devices',
    fills.map(
      ({ device, request }) =>
        `keyferry simulator fill ${device} --count ${request.count} --type ${request.type} --prefix ${request.prefix} --nonextractable-share ${request.nonextractableShare}`,
    ),
  );
  const file = loadDevicesFile({ path: inDemo.devices, adapters: await adaptersInFile(inDemo.devices) });
  for (const { device, request } of fills)
    await fillDevice(shell, inDemo, { settings: namedDevice(file, device), request });

  const bound = await bindPlaybook(shell, await readPlaybook(join(dir, playbook)), {
    options: inDemo,
    concurrency: null,
  });
  try {
    return await migrate(shell, { bound, guide, playbook, options: { ...options, ...inDemo }, question, dir });
  } finally {
    await bound.close();
  }
}

interface Migration {
  readonly bound: BoundPlaybook;
  readonly guide: Guide;
  readonly playbook: string;
  readonly options: CommonOptions & DemoOptions;
  readonly question: string;
  readonly dir: string;
}

async function migrate(shell: Shell, { bound, guide, playbook, options, question, dir }: Migration): Promise<number> {
  await guide.step('The plan: what would happen to every key, and why', [`keyferry plan ${playbook}`]);
  const plan = await planFor(shell, bound, { home: options.home, fingerprint: true, json: options.json });
  try {
    if (!options.json) await planView(createScreen(shell.io), { isJson: false, allItems: false }).show(plan);
    if (isBlocked(plan.head))
      throw new KeyferryError('plan-blocked', 'The plan of the demo is blocked; nothing was changed.');
    if (!options.yes) await confirm(shell.io, question);
    await guide.step('The run: interrupt it if you like, and go on with keyferry resume', [`keyferry run ${playbook}`]);
    const { total, move, skip, block, duplicate } = plan.head.summary;
    let isVerified = true;
    const ready = { bound, plan, stale: new Map<number, string>(), appeared: [] };
    const result = await start(
      shell,
      ready,
      { home: options.home, json: options.json, carried: options.carried },
      async ({ run, error }) => {
        if (error !== null || !options.json) return {};
        const verified = await verifyAgain(run, bound, options.home);
        isVerified = verified.different === 0;
        return { plan: { total, move, skip, block, duplicate }, verified, dir };
      },
    );
    if (result.exitCode !== 0) return result.exitCode;
    if (!options.json) {
      await guide.step('Every key compared with its source once more', [`keyferry verify ${result.run}`]);
      const view = verifyView(createScreen(shell.io), false);
      const counts = await readRun(options.home, result.run, (journal) =>
        view.show(result.run, verifyRun({ journal, playbook: bound.playbook, devices: bound.devices })),
      );
      isVerified = counts.different === 0;
      const { over } = bound.playbook;
      await guide.end([
        `cd ${dir}`,
        ...(over?.kind === 'keys' ? [`keyferry keys ${over.from}`] : []),
        'keyferry status --items',
        'keyferry report --format csv',
        `keyferry graph ${playbook}`,
      ]);
    }
    return isVerified ? 0 : 5;
  } finally {
    await plan.dispose();
  }
}

async function verifyAgain(run: string, bound: BoundPlaybook, home: string) {
  return await readRun(home, run, (journal) =>
    countVerified(verifyRun({ journal, playbook: bound.playbook, devices: bound.devices })),
  );
}

/** Numbers the steps and shows the commands that do them by hand. */
class Guide {
  readonly #screen: Screen;
  readonly #isSilent: boolean;
  #number = 0;

  constructor(screen: Screen, isSilent: boolean) {
    this.#screen = screen;
    this.#isSilent = isSilent;
  }

  async step(title: string, commands: readonly string[]): Promise<void> {
    if (this.#isSilent) return;
    this.#number += 1;
    const { styles } = this.#screen;
    await this.#screen.result(`\n${styles.bold(styles.cyan(`${this.#number}. ${title}`))}`);
    for (const command of commands) await this.#screen.result(styles.dim(`   $ ${command}`));
  }

  async end(commands: readonly string[]): Promise<void> {
    const { styles } = this.#screen;
    await this.#screen.result(`\n${styles.bold('Try next:')}`);
    for (const command of commands) await this.#screen.result(`   $ ${command}`);
  }
}
