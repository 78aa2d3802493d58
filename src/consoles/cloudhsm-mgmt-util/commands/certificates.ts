/** getCert, in server mode: the certificates of one HSM (user guide, `cloudhsm_mgmt_util-getCert`). The simulator's own: its root vouches for nothing. */
import type { HsmCertificates } from '../../../adapters/cloudhsm/cluster/cluster.ts';
import { Misuse } from '../../command.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import { writeNamedFile } from '../files.ts';

/** null: there is none here. Numbers and names are the guide's. */
const KINDS: Readonly<Record<string, { readonly name: string; pem(certificates: HsmCertificates): string | null }>> = {
  '1': { name: 'manufacturer root certificate', pem: ({ root }) => root },
  '2': { name: 'manufacturer hardware certificate', pem: ({ chain }) => chain[1] ?? null },
  '4': { name: 'customer root certificate', pem: () => null },
  '8': { name: 'cluster certificate, signed by the customer root', pem: () => null },
  '16': { name: 'cluster certificate, chained to the manufacturer root', pem: ({ chain }) => chain[0] ?? null },
};

export const getCert = cmuCommand({
  name: 'getCert',
  usage: `<file> <${Object.keys(KINDS).join('|')}>`,
  summary: 'in server mode, write a certificate of this HSM to a file',
  words: [2, 2],
  async run(cmu, words) {
    const [node] = cmu.servers;
    if (cmu.onlyServer === null || node === undefined) {
      throw new Misuse('getCert is of one HSM: enter server mode first (server <number>).');
    }
    const number = wordAt(words, 1);
    const kind = KINDS[number];
    if (kind === undefined)
      throw new Misuse(`"${number}" is no kind of certificate: ${Object.keys(KINDS).join(', ')}.`);
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
