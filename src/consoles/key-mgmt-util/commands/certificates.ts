/** getCert. The guide's syntax says -t and its example -s; the example is followed. Of the first HSM that answers. */

import { CERTIFICATE_KINDS } from '../../certificate-kinds.ts';
import { Misuse } from '../../command.ts';
import { writeFileFor } from '../files.ts';
import { flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';

export const getCert = kmuCommand({
  name: 'getCert',
  summary: 'write a certificate of the HSMs to a file',
  flags: {
    f: flag.text.required('file'),
    s: flag.text.required(`certificate: ${Object.keys(CERTIFICATE_KINDS).join(', ')}`),
  },
  async run(k, flags) {
    const call = 'Cfm3GetCert';
    // The guide wants a login for it.
    const { user } = k.loggedIn;
    const number = flags.neededText('s');
    const kind = CERTIFICATE_KINDS[number];
    if (kind === undefined) {
      throw new Misuse(`-s ${number}: there are the certificates ${Object.keys(CERTIFICATE_KINDS).join(', ')}.`);
    }
    const [node] = k.upNodes;
    if (node === undefined) {
      k.refused(call, { words: 'no HSM of the cluster answers' });
      return;
    }
    const pem = kind.pem(await k.call(call, () => node.certificates()));
    if (pem === null) {
      k.refused(call, { words: `nobody has claimed this simulated cluster, so it has no ${kind.name}` });
      return;
    }
    const path = flags.neededText('f');
    writeFileFor(k, path, pem);
    k.margin(`${call}() returned 0 :HSM Return: SUCCESS`);
    k.terminal.note(
      `The ${kind.name} that ${user} got is the simulator's own, of HSM ${node.id}; it vouches for nothing.`,
    );
  },
});
