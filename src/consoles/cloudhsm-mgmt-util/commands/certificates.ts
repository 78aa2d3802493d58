/** getCert, in server mode: the certificates of one HSM (user guide, `cloudhsm_mgmt_util-getCert`). The simulator's own: its root vouches for nothing. */
import { CERTIFICATE_KINDS } from '../../certificate-kinds.ts';
import { Misuse } from '../../command.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import { writeNamedFile } from '../files.ts';

export const getCert = cmuCommand({
  name: 'getCert',
  usage: `<file> <${Object.keys(CERTIFICATE_KINDS).join('|')}>`,
  summary: 'in server mode, write a certificate of this HSM to a file',
  words: [2, 2],
  async run(cmu, words) {
    const [node] = cmu.servers;
    if (cmu.onlyServer === null || node === undefined) {
      throw new Misuse('getCert is of one HSM: enter server mode first (server <number>).');
    }
    const number = wordAt(words, 1);
    const kind = CERTIFICATE_KINDS[number];
    if (kind === undefined)
      throw new Misuse(`"${number}" is no kind of certificate: ${Object.keys(CERTIFICATE_KINDS).join(', ')}.`);
    if (!node.isUp) throw new Misuse(`Server ${node.server} does not answer.`);
    const pem = kind.pem(await node.certificates());
    if (pem === null) {
      cmu.line(`In keyferry's words: nobody has claimed this simulated cluster, so it has no ${kind.name}.`);
      return;
    }
    writeNamedFile(wordAt(words, 0), new Uint8Array(Buffer.from(pem, 'utf8')));
    cmu.line('getCert Success');
    cmu.terminal.note(`The ${kind.name} is the simulator's own; it vouches for nothing but the simulation.`);
  },
});
