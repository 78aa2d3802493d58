/** Certificates of an HSM by the numbers of both tools' getCert (user guide, getCert). The simulator's own: its root vouches for nothing. */
import type { HsmCertificates } from '../adapters/cloudhsm/cluster/cluster.ts';

export interface CertificateKind {
  readonly name: string;
  /** null: there is none here. */
  pem(certificates: HsmCertificates): string | null;
}

export const CERTIFICATE_KINDS: Readonly<Record<string, CertificateKind>> = {
  '1': { name: 'manufacturer root certificate', pem: ({ root }) => root },
  '2': { name: 'manufacturer hardware certificate', pem: ({ chain }) => chain[1] ?? null },
  '4': { name: 'customer root certificate', pem: () => null },
  '8': { name: 'cluster certificate, signed by the customer root', pem: () => null },
  '16': { name: 'cluster certificate, chained to the manufacturer root', pem: ({ chain }) => chain[0] ?? null },
};
