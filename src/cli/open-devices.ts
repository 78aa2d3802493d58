/** Opens the devices of a command, all at once, and closes all of them on every way out, a signal included. */
import type { BoundDevice, DeviceSettings } from '../adapters/adapter.ts';
import { loadAdapters } from '../adapters/registry.ts';
import { resolveSecret, secretSettingOf } from '../devices/secrets.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { openHome } from '../home/home.ts';
import { promptSecret } from './prompt.ts';
import type { CommonOptions, Shell } from './shell.ts';

/** How one device is opened; the commands' tests give their own. */
export type OpenDevice = (role: string, settings: DeviceSettings) => Promise<BoundDevice>;

export interface OpenOptions {
  readonly options: CommonOptions;
  /** Sessions that may work at once on each device. */
  readonly sessions: number;
}

export async function deviceOpener(shell: Shell, { options, sessions }: OpenOptions): Promise<OpenDevice> {
  // Which PINs were refused stands there: whoever could change that could have a token locked.
  await openHome(options.home);
  // One question at a time, however many devices open at once.
  let asked: Promise<unknown> = Promise.resolve();
  const ask = (label: string) => {
    const answer = asked.then(() => promptSecret(shell.io, shell.interrupts, label));
    asked = answer.catch(() => undefined);
    return answer;
  };
  return async (role, settings) => {
    const adapter = (await loadAdapters((name) => name === settings.adapter))[settings.adapter];
    if (adapter === undefined) throw new Error(`no adapter "${settings.adapter}" behind checked settings`);
    const device = await adapter.open(settings, {
      home: options.home,
      retryPin: options.retryPin,
      sessions,
      secret: (setting) =>
        resolveSecret(secretSettingOf(settings, setting), {
          env: shell.io.env,
          prompt: (question) => ask(`${question} (${setting} of ${settings.name})`),
        }).catch((error: unknown) => {
          throw named(error, settings, setting);
        }),
    });
    return { role, settings, description: await device.describe(), device };
  };
}

/** Several devices may have a secret each: which one could not be had. */
function named(error: unknown, { name }: DeviceSettings, setting: string): unknown {
  if (!(error instanceof KeyferryError) || error.device !== undefined) return error;
  return new KeyferryError(error.code, `Device ${name}, ${setting}: ${error.message}`, {
    ...error.toRecord(),
    device: name,
    cause: error,
  });
}

export interface OpenedDevices {
  readonly devices: ReadonlyMap<string, BoundDevice>;
  close(): Promise<void>;
}

/** A device that several roles are bound to is opened once. Rejects with the first failure, the others told in its message. */
export async function openDevices(
  shell: Shell,
  bound: ReadonlyMap<string, DeviceSettings>,
  open: OpenDevice,
): Promise<OpenedDevices> {
  const byName = new Map<string, Promise<BoundDevice>>();
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    release();
    const settled = await Promise.allSettled(byName.values());
    await Promise.allSettled(settled.map((each) => (each.status === 'fulfilled' ? each.value.device.close() : null)));
  };
  const release = shell.interrupts.onInterrupt(close);

  for (const [role, settings] of bound) {
    if (!byName.has(settings.name)) byName.set(settings.name, open(role, settings));
  }
  const settled = await Promise.allSettled(byName.values());
  const failures = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  if (failures.length > 0) {
    await close();
    throw joined(failures);
  }
  const devices = new Map<string, BoundDevice>();
  for (const [role, settings] of bound) {
    const opened = await byName.get(settings.name);
    if (opened !== undefined) devices.set(role, { ...opened, role });
  }
  return { devices, close };
}

/** A bug goes first; of several errors the first is thrown and the others stand in its message. */
function joined(failures: readonly unknown[]): unknown {
  const bug = failures.find((failure) => !(failure instanceof KeyferryError));
  if (bug !== undefined) return bug;
  const [first, ...others] = failures.filter((failure) => failure instanceof KeyferryError);
  if (first === undefined || others.length === 0) return first;
  const messages = new Set([first, ...others].map((failure) => failure.message));
  return new KeyferryError(first.code, [...messages].join('\nAlso: '), {
    ...first.toRecord(),
    diagnostics: first.diagnostics,
    cause: first,
  });
}
