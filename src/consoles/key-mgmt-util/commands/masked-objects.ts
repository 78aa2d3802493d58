/** extractMaskedObject and insertMaskedObject: keys, also those that cannot be exported, between a cluster and its clones. */

import { checkServers, onEnoughServers } from '../creation.ts';
import { readFileFor, writeFileFor } from '../files.ts';
import { flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';

export const extractMaskedObject = kmuCommand({
  name: 'extractMaskedObject',
  summary: 'write a key to a file that only this cluster and its clones can open',
  flags: { o: flag.number.required('key handle'), out: flag.text.required('file') },
  async run(k, flags) {
    const call = 'Cfm3ExtractMaskedObject';
    const out = flags.neededText('out');
    const masked = await k.call(call, () => k.anyNode.extractMasked(flags.neededNumber('o')));
    writeFileFor(k, out, masked);
    k.margin(`Object was masked and written to file "${out}"`);
    k.returned(call);
  },
});

export const insertMaskedObject = kmuCommand({
  name: 'insertMaskedObject',
  summary: 'make a key of what extractMaskedObject wrote',
  flags: {
    f: flag.text.required('file'),
    min_srv: flag.number.optional('number of servers'),
    timeout: flag.number.optional('seconds'),
  },
  async run(k, flags) {
    const call = 'Cfm3InsertMaskedObject';
    const { session } = k.loggedIn;
    checkServers(k, flags);
    const masked = new Uint8Array(readFileFor(k, flags.neededText('f')));
    const { handle, lostSharers } = await k.call(call, () =>
      onEnoughServers(k, flags, async () => k.cluster.insertMasked(session, masked)),
    );
    k.returned(call);
    k.lines(`\tNew Key Handle: ${handle}`);
    k.status();
    if (lostSharers.length > 0) {
      k.terminal.note(
        `The key ${handle} was shared with ${lostSharers.join(', ')} too; there is no such crypto user any more.`,
      );
    }
  },
});
