/**
 * What each error byte of the device means for a run, in one table: the error code, the words, and whether a changing command that ended with
 * it can have changed the device. It speaks of errors inside a session only: they are authenticated. Yubico documents names, not effects;
 * where a name leaves it open the outcome is unknown.
 */
import type { ErrorCode, ErrorScope } from '../../../errors/codes.ts';
import { type CallOutcome, KeyferryError } from '../../../errors/keyferry-error.ts';
import { DEVICE_ERROR, deviceErrorName } from '../wire/device-errors.ts';
import type { CallContext } from './call-context.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly outcome: Exclude<CallOutcome, 'applied'>;
  readonly words: string;
  readonly scope?: ErrorScope;
  readonly hint?: string;
}

const refused = (words: string, details: Partial<Omit<Meaning, 'words'>> = {}): Meaning => ({
  code: 'device-refused',
  outcome: 'not-applied',
  words,
  ...details,
});
const unclear = (words: string, scope?: ErrorScope): Meaning => ({
  code: 'outcome-unknown',
  outcome: 'unknown',
  words,
  ...(scope === undefined ? {} : { scope }),
});

const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [
    DEVICE_ERROR['invalid-command'],
    refused('its firmware does not have the command', {
      code: 'capability-missing',
      hint: 'keyferry devices shows the firmware; choose a route that it can do.',
    }),
  ],
  [DEVICE_ERROR['invalid-data'], refused('it does not accept the values, or a wrapped object could not be opened')],
  [DEVICE_ERROR['invalid-session'], refused('the session is not valid', { code: 'device-busy' })],
  [DEVICE_ERROR['authentication-failed'], refused('what was to be opened is not authentic, or of another key')],
  [DEVICE_ERROR['sessions-full'], refused('it has no session left', { code: 'device-busy' })],
  [DEVICE_ERROR['session-failed'], refused('the session could not be made', { code: 'device-busy' })],
  [DEVICE_ERROR['storage-failed'], unclear('its storage failed or is full', 'run')],
  [DEVICE_ERROR['wrong-length'], refused('a value does not have the length that it expects')],
  [
    DEVICE_ERROR['insufficient-permissions'],
    refused('a capability or a domain is missing', {
      code: 'key-not-permitted',
      hint: 'Compare the capabilities of the authentication key, of the object and (delegated) of the wrap key.',
    }),
  ],
  [
    DEVICE_ERROR['log-full'],
    refused('its audit log is full and force-audit is on', {
      scope: 'run',
      hint: 'Read the log, keep it, and set the log index; then try again',
    }),
  ],
  [
    DEVICE_ERROR['object-not-found'],
    refused("there is no such object in the session's domains", { code: 'key-not-found' }),
  ],
  [DEVICE_ERROR['invalid-id'], refused('an object cannot have this id')],
  [DEVICE_ERROR['ssh-ca-constraint-violation'], refused('the template of the SSH certificate forbids it')],
  [DEVICE_ERROR['invalid-otp'], refused('the one-time password is not valid')],
  [
    DEVICE_ERROR['demo-mode'],
    refused('it is in demo mode and must be unplugged and plugged in again', { scope: 'run' }),
  ],
  [DEVICE_ERROR['object-exists'], refused('an object of this type and id is there already')],
  [
    DEVICE_ERROR['algorithm-disabled'],
    refused('the algorithm is switched off on this device', { code: 'capability-missing' }),
  ],
  [DEVICE_ERROR['command-unexecuted'], unclear('it says that the command did not end')],
]);

export function deviceRefusal(error: number, context: CallContext): KeyferryError {
  const meaning = MEANINGS.get(error) ?? unclear('it gave an error of its own');
  const isReading = context.effect === 'read';
  const outcome = isReading ? 'not-applied' : meaning.outcome;
  // A read that failed for no stated reason changed nothing and may simply be done again.
  const code = isReading && meaning.code === 'outcome-unknown' ? 'device-busy' : meaning.code;
  const name = deviceErrorName(error);
  const changed = outcome === 'unknown' ? ' The device may have changed.' : '';
  return new KeyferryError(
    code,
    `${context.device}: could not ${context.operation}: ${meaning.words} (${name}).${changed}`,
    {
      outcome,
      device: context.device,
      operation: context.operation,
      native: { name, value: error },
      ...(meaning.scope === undefined ? {} : { scope: meaning.scope }),
      ...(meaning.hint === undefined ? {} : { hint: meaning.hint }),
    },
  );
}
