/** info, getHSMInfo, and server mode: `server 0` … `exit`. */
import { Misuse, numberOf } from '../../command.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import type { CmuSession } from '../cmu-session.ts';
import { onEachServer } from '../on-each-server.ts';

const WIDTHS = [8, 24, 17, 7, 16, 17, 0] as const;

const cells = (texts: readonly string[]): string =>
  texts
    .map((text, column) => text.padEnd(WIDTHS[column] ?? 0))
    .join('')
    .trimEnd();

export function serverOf(cmu: CmuSession, word: string): CmuSession['servers'][number] {
  const number = numberOf(word, 'The server');
  const node = cmu.cluster.nodes.find(({ server }) => server === number);
  if (node !== undefined) return node;
  const known = cmu.cluster.nodes.map(({ server }) => server).join(', ');
  throw new Misuse(`There is no server ${number}; there are ${known}.`);
}

export const info = cmuCommand({
  name: 'info',
  usage: 'server <number>',
  summary: 'show the connection to an HSM',
  words: [2, 2],
  run(cmu, words) {
    if (words[0] !== 'server') throw new Misuse('info server <number>');
    const node = serverOf(cmu, wordAt(words, 1));
    const { login } = cmu;
    const isLoggedIn = login?.sessions.has(node.server) === true && node.isUp;
    cmu.line(cells(['Id', 'Name', 'Hostname', 'Port', 'State', 'Partition', 'LoginState']));
    cmu.line(
      cells([
        ...[String(node.server), node.address, node.address, '2225', node.isUp ? 'Connected' : 'Not connected'],
        ...[`hsm-simulated-${node.id}`, isLoggedIn ? `Logged in as '${login.user}(${login.type})'` : 'Not logged in'],
      ]),
    );
  },
});

export const getHsmInfo = cmuCommand({
  name: 'getHSMInfo',
  usage: '',
  summary: 'show what the HSMs are',
  words: [0, 0],
  run(cmu) {
    cmu.line(`Getting HSM Info on ${cmu.servers.length} nodes`);
    onEachServer(cmu, 'getHSMInfo', (node) => {
      cmu.line(`\t\t*** Server ${node.server} HSM Info ***`);
      cmu.line();
      cmu.line('\tLabel                :cavium');
      // A simulated HSM must not pass for the vendor's hardware.
      cmu.line('\tModel                :keyferry simulator');
      cmu.line('\tFIPS state           :2 [FIPS mode with single factor authentication]');
      cmu.line();
    });
  },
});

export const server = cmuCommand({
  name: 'server',
  usage: '<number>',
  summary: 'send what follows to one HSM only, until exit',
  words: [1, 1],
  run(cmu, words) {
    const node = serverOf(cmu, wordAt(words, 0));
    if (!node.isUp) throw new Misuse(`Server ${node.server} does not answer.`);
    cmu.onlyServer = node.server;
    cmu.line("Server is in 'E2' mode...");
  },
});

export const exitServer = cmuCommand({
  name: 'exit',
  usage: '',
  summary: 'leave server mode',
  words: [0, 0],
  run(cmu) {
    if (cmu.onlyServer === null) throw new Misuse('You are in no server mode; quit ends the tool.');
    cmu.onlyServer = null;
  },
});
