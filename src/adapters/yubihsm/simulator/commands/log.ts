/** Reading the audit log, and giving its places free up to an entry that was read. */
import { COMMAND } from '../../wire/command-codes.ts';
import { encodeDeviceLog } from '../../wire/log-entry.ts';
import { refuse } from '../refusal.ts';
import { type CommandHandler, NOTHING } from './command.ts';

const getLogEntries: CommandHandler = {
  code: COMMAND['get-log-entries'],
  capability: 'get-log-entries',
  run: (request, { state }) => {
    request.end();
    const { unloggedBoots, unloggedAuthentications, log: entries } = state;
    return encodeDeviceLog({ unloggedBoots, unloggedAuthentications, entries });
  },
};

const setLogIndex: CommandHandler = {
  code: COMMAND['set-log-index'],
  capability: 'get-log-entries',
  run: (request, { state, changes }) => {
    const number = request.u16();
    request.end();
    if (!state.log.some((entry) => entry.number === number)) refuse('invalid-data');
    changes.push({ kind: 'log-read', number });
    return NOTHING;
  },
};

export const LOG_COMMANDS: readonly CommandHandler[] = [getLogEntries, setLogIndex];
