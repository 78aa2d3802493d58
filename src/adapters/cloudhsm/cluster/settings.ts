/**
 * Settings of a devices-file entry that make the simulated driver a cluster of HSMs. Without them it is one HSM with one user, as before.
 * A cluster is born with the users that the entry names, all with the simulator's own password unless pin: says another.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { Secret } from '../../../keys/secret.ts';
import { type Field, optional, withDefault } from '../../../schema/shape.ts';
import type { ModuleRequest, SourcedModule } from '../../pkcs11/simulated-driver.ts';
import { CLOUDHSM_PIN, type HsmType } from '../simulator/personality.ts';
import { type ClusterOptions, HsmRefusal, type SimulatedCluster } from './cluster.ts';
import { CLUSTER_FILE } from './cluster-store.ts';
import { openCluster } from './open-cluster.ts';

const NAME = { kind: 'string', pattern: '^[A-Za-z0-9_]{1,31}$' } as const;
const NAMES = { kind: 'list', of: NAME } as const;

export const CLUSTER_FIELDS: Readonly<Record<string, Field>> = {
  nodes: optional({
    kind: 'union',
    description: 'HSMs of a simulated cluster that has no state yet: how many, or each by id and address',
    of: [
      { kind: 'integer', minimum: 1, maximum: 28 },
      {
        kind: 'list',
        of: {
          kind: 'object',
          fields: {
            id: { shape: { kind: 'integer', minimum: 0, maximum: 8191 }, required: true },
            address: { shape: { kind: 'string' }, required: true },
          },
        },
      },
    ],
  }),
  'key-availability-check': withDefault(
    { kind: 'boolean', description: 'a key must be on two HSMs of the cluster before it is used' },
    true,
  ),
  'create-object-minimum-nodes': optional({
    kind: 'integer',
    minimum: 1,
    maximum: 28,
    description: 'keys are created on a simulated cluster only while so many of its HSMs answer',
  }),
  officers: optional({
    ...NAMES,
    description:
      'officers of a simulated cluster that has no state yet, beside admin; the same in every entry of the cluster',
  }),
  'crypto-users': optional({
    ...NAMES,
    description: 'crypto users of a simulated cluster that has no state yet; the same in every entry of the cluster',
  }),
  user: optional({ ...NAME, description: 'the crypto user to be, where no pin is given; absent: crypto_user' }),
  admin: optional({ ...NAME, description: 'the officer to be, where no admin-pin is given; absent: admin' }),
};

/** The officer that a cluster from a devices file is born with. */
const SIMULATED_PASSWORD = 'simulated-password';
const OFFICER = { type: 'PCO', name: 'admin', password: SIMULATED_PASSWORD } as const;

type Values = Readonly<Record<string, unknown>>;

/** Named in the devices file, or the state folder holds one. */
export function isCluster(values: Values): boolean {
  if (values.nodes !== undefined) return true;
  return typeof values.state === 'string' && existsSync(join(values.state, CLUSTER_FILE));
}

/** What `openCluster` takes for that entry. `pin`: `user:password` of the crypto user of a cluster that has no state yet. */
export function clusterOptions(
  values: Values,
  given: { readonly hsmType: HsmType; readonly pin: string | undefined },
): ClusterOptions {
  const [name = '', ...password] = (given.pin ?? simulatedPins(values).user.reveal()).split(':');
  const owner = { type: 'CU', name, password: password.join(':') } as const;
  const named = (type: 'CO' | 'CU', setting: string) =>
    namesIn(values[setting]).map((each) =>
      each === name ? owner : { type, name: each, password: SIMULATED_PASSWORD },
    );
  const cryptoUsers = named('CU', 'crypto-users');
  return {
    stateDir: typeof values.state === 'string' ? values.state : null,
    nodes: nodesOf(values.nodes),
    users: [OFFICER, ...named('CO', 'officers'), ...cryptoUsers, ...(cryptoUsers.includes(owner) ? [] : [owner])],
    hsmType: given.hsmType,
    checksAvailability: values['key-availability-check'] !== false,
    ...(typeof values['create-object-minimum-nodes'] === 'number'
      ? { createObjectMinimumNodes: values['create-object-minimum-nodes'] }
      : {}),
  };
}

function nodesOf(given: unknown): ClusterOptions['nodes'] {
  if (Array.isArray(given)) return given as ClusterOptions['nodes'];
  const count = typeof given === 'number' ? given : 1;
  return Array.from({ length: count }, (_, server) => ({ id: server + 1, address: `10.0.${server + 1}.10` }));
}

const namesIn = (given: unknown): readonly string[] => (Array.isArray(given) ? given.map(String) : []);

/** Who the entry means where it gives no PIN. */
export function simulatedPins(values: Values): { readonly user: Secret; readonly admin: Secret } {
  const admin = typeof values.admin === 'string' ? values.admin : OFFICER.name;
  return {
    user: new Secret(typeof values.user === 'string' ? `${values.user}:${SIMULATED_PASSWORD}` : CLOUDHSM_PIN),
    admin: new Secret(`${admin}:${SIMULATED_PASSWORD}`),
  };
}

/** The module of a cluster's crypto user. Closing it closes the cluster. */
export async function openClusterModule(
  request: ModuleRequest,
  values: Values,
  hsmType: HsmType,
): Promise<SourcedModule & { readonly cluster: SimulatedCluster }> {
  const { label, pin, defects, faults, cryptoWorkers } = request;
  const cluster = await openCluster({
    ...clusterOptions(values, { hsmType, pin }),
    defects,
    ...(label === undefined ? {} : { label }),
  }).catch((error: unknown) => {
    if (!(error instanceof HsmRefusal)) throw error;
    throw new KeyferryError('argument-invalid', `${request.name}: ${error.message}`, { device: request.name });
  });
  const module = cluster.module({ faults, ...(cryptoWorkers === undefined ? {} : { cryptoWorkers }) });
  const { user } = simulatedPins(values);
  return { cluster, module, serial: cluster.serial, pin: user.reveal(), close: () => cluster.close() };
}
