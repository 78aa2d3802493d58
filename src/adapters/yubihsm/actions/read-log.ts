/**
 * read-log and acknowledge-log: the device's own audit log as evidence, each entry checked to follow the one before (Yubico, "Logs"). Reading
 * leaves the log as it is; acknowledging gives its places free, after which the device no longer has the entries.
 */
import { optional, required, withDefault } from '../../../schema/shape.ts';
import { done, note } from '../../actions/action.ts';
import {
  readBooleanIfGiven,
  readInteger,
  readIntegerIfGiven,
  readTextIfGiven,
  shape,
} from '../../actions/arguments.ts';
import type { Finding, OutputSpec, Violation } from '../../adapter.ts';
import { getLogEntries } from '../commands/get-log-entries.ts';
import { setLogIndex } from '../commands/set-log-index.ts';
import { idText } from '../objects/object-id.ts';
import { EVIDENCE_COMMANDS, sessionLacks } from '../objects/permissions.ts';
import { COMMAND, commandName } from '../wire/command-codes.ts';
import { deviceErrorName } from '../wire/device-errors.ts';
import {
  type DeviceLog,
  encodeLogEntry,
  followsInLog,
  LOG_DIGEST_BYTES,
  type LogEntry,
  logDigest,
  NO_OBJECT,
} from '../wire/log-entry.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { blocks, type YubiHsmAction } from './action.ts';

const kept = (type: OutputSpec['type'], description: string): OutputSpec => ({
  type,
  lifetime: 'permanent',
  description,
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const objectText = (id: number): string => (id === NO_OBJECT ? '' : idText(id));

/** A reply's code is its command's with the highest bit set; anything else in its place is an error byte. */
const resultText = ({ command, result }: LogEntry): string =>
  result === (command | 0x80) ? 'ok' : deviceErrorName(result);

/** Boots and resets are entries without a command: all zeros, or all ones. */
function commandText({ command, length }: LogEntry): string {
  if (command === 0xff && length === 0xffff) return 'reset';
  return command === 0 && length === 0 ? 'boot' : commandName(command);
}

const lineOf = (entry: LogEntry) => ({
  number: entry.number,
  command: commandText(entry),
  length: entry.length,
  session_key: objectText(entry.sessionKey),
  target: objectText(entry.targetKey),
  second: objectText(entry.secondKey),
  result: resultText(entry),
  tick: entry.tick,
  raw: hex(encodeLogEntry(entry).subarray(0, -LOG_DIGEST_BYTES)),
  digest: hex(entry.digest),
});

/** Firmware from 2.3.1 on records next to nothing unless it is told to: better known before a run than after it. */
async function unrecorded(hsm: YubiHsm): Promise<readonly Finding[]> {
  const audited = await hsm.auditedCommands();
  if (audited === null) return [];
  const missing = EVIDENCE_COMMANDS.filter((name) => !audited.has(COMMAND[name]));
  if (missing.length === 0) return [];
  const isAll = missing.length === EVIDENCE_COMMANDS.length;
  const what = isAll ? 'anything that makes, moves or destroys objects' : missing.join(', ');
  return [note(`the audit log of ${hsm.name} does not record ${what} (option command-audit)`)];
}

const mismatch = (message: string): Violation => ({ code: 'verification-failed', message });

/** Where the chain breaks, and what the log had no room for. */
function violationsOf(hsm: YubiHsm, log: DeviceLog, after: string | undefined): readonly Violation[] {
  const found: Violation[] = [];
  const { entries, unloggedBoots, unloggedAuthentications } = log;
  for (const [index, entry] of entries.entries()) {
    const previous = entries[index - 1];
    if (previous !== undefined && !followsInLog(entry, previous)) {
      found.push(
        mismatch(`the audit log of ${hsm.name} is broken: entry ${entry.number} does not follow ${previous.number}.`),
      );
    }
  }
  if (after !== undefined && !continues(entries, after)) {
    found.push(mismatch(`the audit log of ${hsm.name} does not go on from the digest ${after}: entries are missing.`));
  }
  if (unloggedBoots + unloggedAuthentications > 0) {
    const what = `${unloggedBoots} boots and ${unloggedAuthentications} logins`;
    found.push(mismatch(`${hsm.name} did not log ${what}, for its log was full.`));
  }
  return found;
}

/** Either the entry with that digest is still there, or the first one follows it. */
function continues(entries: readonly LogEntry[], after: string): boolean {
  const [first] = entries;
  if (first === undefined) return false;
  const digest = Buffer.from(after, 'hex');
  return entries.some((entry) => hex(entry.digest) === after) || hex(logDigest(first, digest)) === hex(first.digest);
}

interface SinceLast {
  /** Where the entries begin that were not read yet. */
  readonly start: number;
  /** Entries that the device wrote over before anybody had read them. */
  readonly missing: number;
  readonly violations: readonly Violation[];
}

/** Against what this process read last: the same entry must be there unchanged, or the first one follow it. */
function sinceLast(hsm: YubiHsm, { entries }: DeviceLog): SinceLast {
  const { lastLogEntry: last } = hsm;
  const [first] = entries;
  if (last === null || first === undefined) return { start: 0, missing: 0, violations: [] };
  const at = entries.findIndex(({ number }) => number === last.number);
  const replaced = mismatch(
    `the audit log of ${hsm.name} does not go on from entry ${last.number}, which was read before.`,
  );
  if (at >= 0) {
    const isSame = hex(entries[at]?.digest ?? new Uint8Array(0)) === hex(last.digest);
    return { start: at + 1, missing: 0, violations: isSame ? [] : [replaced] };
  }
  const missing = (first.number - last.number - 1) & 0xffff;
  return { start: 0, missing, violations: missing > 0 || followsInLog(first, last) ? [] : [replaced] };
}

export const readLog: YubiHsmAction = {
  spec: {
    name: 'read-log',
    summary: "Read the device's audit log and check that its entries follow each other",
    // Evidence must be in the journal, where only outputs of changing steps are kept. It changes nothing and is safe to repeat.
    effect: 'change',
    input: shape({
      after: optional({
        kind: 'string',
        pattern: '^[0-9a-f]{32}$',
        description: 'last_digest of an earlier read-log: the log must go on from there',
      }),
      from: optional({ kind: 'integer', minimum: 0, maximum: 65_535, description: 'Keep entries from this number on' }),
      'only-new': withDefault(
        {
          kind: 'boolean',
          description: 'Keep only what this process has not read yet; after a crash, everything again',
        },
        false,
      ),
    }),
    outputs: {
      entries: kept('list', 'The entries, oldest first'),
      count: kept('int', 'How many'),
      first_number: kept('int', 'Number of the first, -1 where there is none'),
      last_number: kept('int', 'Number of the last, -1 where there is none'),
      first_digest: kept('string', 'Digest of the first, hex'),
      last_digest: kept('string', 'Digest of the last, hex: it stands for all before it'),
      missing: kept(
        'int',
        'Entries since the last reading of this process that the device wrote over before they were read',
      ),
    },
  },
  async preview(hsm, calls) {
    const lacking = sessionLacks(hsm, 'get-log-entries');
    if (lacking !== null) return calls.map(() => blocks(lacking));
    const found = await unrecorded(hsm);
    // The step that reads the whole log has said it.
    return calls.map((args) => (readBooleanIfGiven(args, 'only-new') === true ? [] : found));
  },
  async perform(hsm, { args }) {
    const log = await hsm.call(getLogEntries, undefined, 'read the audit log');
    const from = readIntegerIfGiven(args, 'from');
    const since = sinceLast(hsm, log);
    const start = readBooleanIfGiven(args, 'only-new') === true ? since.start : 0;
    const at = from === undefined ? start : log.entries.findIndex(({ number }) => number === from);
    const entries = at < 0 ? [] : log.entries.slice(at);
    const [first, last] = [entries[0], entries.at(-1)];
    const violations = [...violationsOf(hsm, log, readTextIfGiven(args, 'after')), ...since.violations];
    if (at < 0) violations.push(mismatch(`the audit log of ${hsm.name} has no entry ${from} any more.`));
    hsm.lastLogEntry = log.entries.at(-1) ?? hsm.lastLogEntry;
    return done(
      {
        entries: entries.map(lineOf),
        count: entries.length,
        first_number: first?.number ?? -1,
        last_number: last?.number ?? -1,
        first_digest: hex(first?.digest ?? new Uint8Array(0)),
        last_digest: hex(last?.digest ?? new Uint8Array(0)),
        missing: since.missing,
      },
      violations,
    );
  },
  async reconcile() {
    return { state: 'absent' };
  },
};

export const acknowledgeLog: YubiHsmAction = {
  spec: {
    name: 'acknowledge-log',
    summary: 'Give places of the audit log free, up to an entry that was read; the device forgets them',
    effect: 'change',
    pointOfNoReturn: true,
    input: shape({
      number: required({ kind: 'integer', minimum: 0, maximum: 65_535, description: 'last_number of read-log' }),
    }),
    outputs: {},
  },
  async preview(hsm, calls) {
    return calls.map(() => blocks(sessionLacks(hsm, 'get-log-entries')));
  },
  async perform(hsm, { args }) {
    const number = readInteger(args, 'number');
    await hsm.call(setLogIndex, { number }, `give the audit log free up to entry ${number}`);
    return done({});
  },
  // Doing it again with the same number takes nothing more.
  async reconcile() {
    return { state: 'absent' };
  },
};
