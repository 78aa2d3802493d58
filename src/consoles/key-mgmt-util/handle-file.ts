/**
 * The "fake PEM" of getCaviumPrivKey: a file that names a private key in the HSMs and holds nothing of it. The vendor's layout is in no
 * document; this one is our own, under a label that no TLS program takes for a key. It names the cluster too: handles are each cluster's own.
 */
const LABEL = 'SIMULATED HSM KEY HANDLE';
const MAGIC = 'keyferry handle 1';
const LINE = 64;

export interface NamedKey {
  readonly cluster: string;
  readonly handle: number;
}

export function handleFile({ cluster, handle }: NamedKey): string {
  const body = Buffer.from([MAGIC, cluster, String(handle)].join('\n'), 'utf8').toString('base64');
  const lines = body.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return [`-----BEGIN ${LABEL}-----`, ...lines, `-----END ${LABEL}-----`, ''].join('\n');
}

/** null: it is none of ours. */
export function readHandleFile(text: string): NamedKey | null {
  const [, body] = new RegExp(`-----BEGIN ${LABEL}-----\\s([A-Za-z0-9+/=\\s]+)-----END ${LABEL}-----`).exec(text) ?? [];
  if (body === undefined) return null;
  const [magic, cluster, handle] = Buffer.from(body, 'base64').toString('utf8').split('\n');
  if (magic !== MAGIC || cluster === undefined || !/^\d{1,10}$/.test(handle ?? '')) return null;
  return { cluster, handle: Number(handle) };
}
