/** A process of its own that works on a cluster's state: makes keys and users, one after the other, until it is done or killed. */
import { aCluster, logIn, makeAes, officer, PASSWORD } from './cluster-fixtures.ts';

const [stateDir = '', name = '', count = '0'] = process.argv.slice(2);

const cluster = await aCluster({ stateDir });
const client = logIn(cluster);
process.stdout.write('ready\n');
for (let i = 0; i < Number(count); i += 1) {
  const handle = cluster.keyHandle(client.session, await makeAes(client));
  for (const node of cluster.nodes) {
    const session = officer(node);
    session.createUser('CU', `${name}_${i}`, PASSWORD);
    session.logout();
  }
  process.stdout.write(`${handle}\n`);
}
await cluster.close();
