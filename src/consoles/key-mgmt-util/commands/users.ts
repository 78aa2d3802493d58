/** listUsers and Error2String: both without a login. */
import { Misuse } from '../../command.ts';
import { KMU_USER_HEADER, kmuUserRow } from '../../user-table.ts';
import { flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';
import { RETURN_TEXTS } from '../return-codes.ts';

export const listUsers = kmuCommand({
  name: 'listUsers',
  summary: 'list the users of the HSMs',
  flags: {},
  async run(k) {
    const call = 'Cfm3ListUsers';
    const node = k.upNodes[0];
    if (node === undefined) {
      k.refused(call, { words: 'no HSM of the cluster answers' });
      return;
    }
    const users = await k.call(call, () => node.users());
    k.terminal.line();
    k.lines(`\tNumber Of Users found ${users.length}`, '', KMU_USER_HEADER);
    k.lines(...users.map((user, index) => kmuUserRow(user, index + 1)));
    k.returned(call);
  },
});

export const error2String = kmuCommand({
  name: 'Error2String',
  summary: 'say what a return code means',
  flags: { r: flag.text.required('0x…') },
  run(k, flags) {
    const given = flags.neededText('r');
    if (!/^(?:0x)?[0-9a-f]{1,8}$/i.test(given)) throw new Misuse('-r takes a hexadecimal number.');
    const code = Number.parseInt(given.replace(/^0x/i, ''), 16);
    const meaning = RETURN_TEXTS.get(code);
    k.paragraph(
      meaning === undefined
        ? `keyferry does not know what the vendor's tool says for ${code.toString(16)}.`
        : `Error Code ${code.toString(16)} maps to ${meaning}`,
    );
  },
});
