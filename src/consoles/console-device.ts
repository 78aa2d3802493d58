/** What a console runs over, as the devices file names it. Which kind of device a tool takes is the tool's to say. */
import type { DeviceSettings } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Secret } from '../keys/secret.ts';

export interface ConsoleDevice {
  readonly settings: DeviceSettings;
  /** Undefined where the devices file has none. */
  readonly pin: Secret | undefined;
}

/** A kind of simulated device that consoles run over. */
export interface ConsoleGround {
  /** `a simulated cluster`, and several of them. */
  readonly one: string;
  readonly several: string;
  /** How a devices file names one. */
  readonly hint: string;
  fits(settings: DeviceSettings): boolean;
}

/** Throws `not-simulated`; `usage` for a device of another kind. */
export function requireGround(ground: ConsoleGround, settings: DeviceSettings): void {
  const { name, adapter, driver } = settings;
  if (driver !== 'simulated') {
    throw new KeyferryError('not-simulated', `Device "${name}" is real (driver ${driver}); it was not opened.`, {
      hint: "For a real device use the vendor's own tool.",
    });
  }
  if (ground.fits(settings)) return;
  throw new KeyferryError(
    'usage',
    `Device "${name}" (${adapter}) is not ${ground.one}, which this console runs over.`,
    {
      hint: ground.hint,
    },
  );
}
