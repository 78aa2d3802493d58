/** Devices on the screen: what each is, how far to trust it, what it can do, or why it cannot be used. */
import type { DeviceDescription, DeviceSettings } from '../../adapters/adapter.ts';
import type { KeyferryError } from '../../errors/keyferry-error.ts';
import type { Screen } from '../screen.ts';
import { resultLines } from '../screen.ts';
import { visible } from '../terminal/display-width.ts';
import { count } from '../terminal/quantities.ts';
import type { Styles } from '../terminal/styles.ts';
import { failureText } from './failure-view.ts';

export interface DeviceLine {
  readonly settings: DeviceSettings;
  /** null: it could not be opened, and `error` says why. */
  readonly description: DeviceDescription | null;
  readonly error: KeyferryError | null;
}

export interface DevicesView {
  show(lines: readonly DeviceLine[]): Promise<void>;
}

export function devicesView(screen: Screen, isJson: boolean): DevicesView {
  return isJson ? new DevicesJson(screen) : new DevicesHuman(screen);
}

export class DevicesJson implements DevicesView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(lines: readonly DeviceLine[]): Promise<void> {
    const devices = lines.map(({ settings, description, error }) => ({
      name: settings.name,
      adapter: settings.adapter,
      driver: settings.driver,
      reachable: description !== null,
      trust: description?.trust ?? null,
      serial: description?.serial ?? null,
      label: description?.label ?? null,
      manufacturer: description?.manufacturer ?? null,
      model: description?.model ?? null,
      firmware: description?.firmware || null,
      capabilities: description?.capabilities ?? null,
      error: error === null ? null : { code: error.code, message: error.message, hint: error.hint },
    }));
    await this.#screen.result(JSON.stringify({ devices }));
  }
}

export class DevicesHuman implements DevicesView {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async show(lines: readonly DeviceLine[]): Promise<void> {
    if (lines.length === 0) await this.#screen.result('The devices file names no device.');
    for (const line of lines) await resultLines(this.#screen, deviceText(line, this.#screen.styles));
  }
}

function deviceText({ settings, description, error }: DeviceLine, styles: Styles): string[] {
  const heading = `${styles.bold(visible(settings.name))}  ${settings.adapter} by ${settings.driver}`;
  if (description === null) {
    const lines = error === null ? [] : failureText(error, styles).split('\n');
    return [`${heading}  ${styles.red('cannot be used')}`, ...lines.map((line) => `  ${line}`), ''];
  }
  const trust =
    description.trust === 'hardware' ? styles.green('hardware') : styles.yellow(description.trust.toUpperCase());
  const { capabilities } = description;
  const firmware = description.firmware === '' ? '' : `, firmware ${description.firmware}`;
  const facts: readonly (readonly [string, string])[] = [
    ['token', `"${visible(description.label)}", serial ${visible(description.serial)}`],
    ['device', visible(`${description.manufacturer} ${description.model}${firmware}`)],
    ['wraps with', capabilities.wrap.join(', ') || 'nothing'],
    ['unwraps with', capabilities.unwrap.join(', ') || 'nothing'],
    ['makes', capabilities.generate.join(', ') || 'nothing'],
    ['compares by', capabilities.fingerprints.join(', ') || 'nothing'],
    [
      'room for',
      capabilities.capacity === null ? 'the device does not say' : `${count(capabilities.capacity)} more keys`,
    ],
    ['sessions', `${count(capabilities.sessions)}${capabilities.uniqueIds ? '; object ids must be unique' : ''}`],
  ];
  const rates = Object.entries(capabilities.rates).map(([action, perSecond]) => `${action} ${perSecond}/s`);
  const shown = rates.length === 0 ? facts : [...facts, ['limits', rates.join(', ')] as const];
  return [`${heading}  ${trust}`, ...shown.map(([name, value]) => `  ${styles.dim(name.padEnd(12))} ${value}`), ''];
}
