/** vtl listSlots: the partitions and HA groups that this client sees (Thales Luna documentation, managing HA groups). */
import { Misuse } from '../../command.ts';
import { isGroup, type LunaCommand } from '../luna-client.ts';

/** The documentation's copy has lost its white space, so the widths are ours. */
const WIDTHS = [10, 24, 24, 24] as const;

const row = (...cells: readonly string[]): string =>
  cells
    .map((cell, at) => cell.padEnd(WIDTHS[at] ?? 0))
    .join('')
    .trimEnd();

export const listSlots: LunaCommand = {
  name: 'vtl listSlots',
  usage: '',
  summary: 'list the slots: partitions, and an HA group after them',
  run(client, words) {
    if (words.length > 0) throw new Misuse('vtl listSlots takes nothing more.');
    const slots = client.slots();
    const { terminal } = client;
    terminal.line(`Number of slots: ${slots.length}`);
    terminal.line('The following slots were found:');
    terminal.line(row('Slot #', 'Description', 'Label', 'Serial #', 'Status'));
    for (const token of slots) {
      const description = isGroup(token) ? 'HA Virtual Card Slot' : 'LunaNet Slot';
      terminal.line(row(`slot #${token.slot}`, description, token.label, token.serial, 'Present'));
    }
  },
};
