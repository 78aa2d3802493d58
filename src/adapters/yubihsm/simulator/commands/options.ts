/** Options of the device: force-audit, command-audit, algorithm-toggle (firmware 2.2). There is no FIPS option: this is no FIPS device. */
import { COMMAND } from '../../wire/command-codes.ts';
import { isFirmwareAtLeast } from '../../wire/frame.ts';
import type { ByteReader } from '../../wire/reader.ts';
import { auditSettings } from '../audit-settings.ts';
import type { CommandContext } from '../command-context.ts';
import type { Change, Setting } from '../device-state.ts';
import { algorithmsOf } from '../firmware.ts';
import { refuse } from '../refusal.ts';
import { type CommandHandler, NOTHING } from './command.ts';

const OPTION = { forceAudit: 1, commandAudit: 3, algorithmToggle: 4 } as const;
const ON = 1;
const FIXED = 2;

const SETTINGS: readonly Setting[] = [0, ON, FIXED];

function readSetting(request: ByteReader, current: Setting): Setting {
  const setting = request.u8();
  if (!SETTINGS.includes(setting)) refuse('invalid-data');
  // Fixed means fixed until the next reset.
  if (current === FIXED && setting !== FIXED) refuse('invalid-data');
  return setting;
}

function auditChanges(request: ByteReader, context: CommandContext): readonly Change[] {
  const settings = new Map(auditSettings(context.state, context.firmware));
  const changes: Change[] = [];
  while (request.remaining > 0) {
    const command = request.u8();
    const current = settings.get(command);
    if (current === undefined) return refuse('invalid-data');
    const setting = readSetting(request, current);
    settings.set(command, setting);
    changes.push({ kind: 'command-audit', command, setting });
  }
  return changes;
}

const algorithmSettings = ({ state, firmware }: CommandContext): readonly (readonly [number, Setting])[] =>
  algorithmsOf(firmware).map((algorithm) => [algorithm, state.algorithmSettings.get(algorithm) ?? ON]);

/** Only on a fresh device, one with nothing but the factory's authentication key, so that no object loses its algorithm. */
function algorithmChanges(request: ByteReader, context: CommandContext): readonly Change[] {
  if (context.state.objects.size > 1) refuse('insufficient-permissions');
  const settings = new Map(algorithmSettings(context));
  const changes: Change[] = [];
  while (request.remaining > 0) {
    const algorithm = request.u8();
    const current = settings.get(algorithm);
    if (current === undefined) return refuse('invalid-data');
    const setting = readSetting(request, current);
    settings.set(algorithm, setting);
    changes.push({ kind: 'algorithm', algorithm, setting });
  }
  return changes;
}

const hasToggle = (context: CommandContext): boolean => isFirmwareAtLeast(context.firmware, 2, 2);

const setOption: CommandHandler = {
  code: COMMAND['set-option'],
  capability: 'set-option',
  run: (request, context) => {
    const option = request.u8();
    if (request.u16() !== request.remaining || request.remaining === 0) refuse('wrong-length');
    if (option === OPTION.forceAudit) {
      context.changes.push({ kind: 'force-audit', setting: readSetting(request, context.state.forceAudit) });
    } else if (option === OPTION.commandAudit) {
      context.changes.push(...auditChanges(request, context));
    } else if (option === OPTION.algorithmToggle && hasToggle(context)) {
      context.changes.push(...algorithmChanges(request, context));
    } else {
      refuse('invalid-data');
    }
    request.end();
    return NOTHING;
  },
};

const getOption: CommandHandler = {
  code: COMMAND['get-option'],
  capability: 'get-option',
  run: (request, context) => {
    const option = request.u8();
    request.end();
    if (option === OPTION.forceAudit) return Uint8Array.of(context.state.forceAudit);
    if (option === OPTION.commandAudit) {
      return Uint8Array.from([...auditSettings(context.state, context.firmware)].flat());
    }
    if (option !== OPTION.algorithmToggle || !hasToggle(context)) return refuse('invalid-data');
    return Uint8Array.from(algorithmSettings(context).flat());
  },
};

export const OPTION_COMMANDS: readonly CommandHandler[] = [setOption, getOption];
