/** What HTTP statuses and socket errors of a connector mean, in words, and whether the device may have had the message. */
import { ConnectorFailure } from './connector.ts';

interface Circumstances {
  readonly timeoutMs: number;
  /** The answer had begun, or the request certainly went out. */
  readonly wasSent?: boolean;
}

/** The connection was never made, so nothing can have reached the device. */
const NEVER_CONNECTED: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its host name is not known',
  EAI_AGAIN: 'its host name could not be looked up',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  EADDRNOTAVAIL: 'its address cannot be used from here',
  ETIMEDOUT: 'its host does not answer',
  EACCES: 'the connection was not allowed',
  EPERM: 'the connection was not allowed',
};

const START_HINT = 'Start yubihsm-connector, check the url and the firewall, then try again';

const isTlsCode = (code: string): boolean =>
  /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO|HOSTNAME_MISMATCH)/.test(code);

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

export function failureOfTransport(error: unknown, url: URL, circumstances: Circumstances): ConnectorFailure {
  if (error instanceof ConnectorFailure) return error;
  const code = codeOf(error);
  const reason = NEVER_CONNECTED[code];
  if (reason !== undefined && circumstances.wasSent !== true) {
    return new ConnectorFailure(`the connector at ${url.href} cannot be reached: ${reason} (${code})`, {
      code: 'device-unreachable',
      wasSent: false,
      hint: START_HINT,
      cause: error,
    });
  }
  if (isTlsCode(code) && circumstances.wasSent !== true) {
    return new ConnectorFailure(`the connector at ${url.href} could not be trusted or does not speak TLS (${code})`, {
      code: 'device-unreachable',
      wasSent: false,
      hint: "Check that the url says http or https as the connector does, and give its authority's certificate.",
      cause: error,
    });
  }
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return new ConnectorFailure(`the connector at ${url.href} gave no answer within ${circumstances.timeoutMs} ms`, {
      code: 'device-lost',
      wasSent: true,
      cause: error,
    });
  }
  const cause = code === '' ? 'an unreadable answer' : code;
  return new ConnectorFailure(`the connection to the connector at ${url.href} broke off (${cause})`, {
    code: 'device-lost',
    wasSent: true,
    cause: error,
  });
}

/** null: 200. Statuses are those of Yubico's connector 3; its body is text that may be shown. */
export function failureOfStatus(status: number, body: Uint8Array, url: URL): ConnectorFailure | null {
  switch (status) {
    case 200:
      return null;
    case 400:
      return new ConnectorFailure(`the connector at ${url.href} did not take the message (HTTP 400)`, {
        code: 'device-refused',
        wasSent: false,
        hint: 'See that the url leads to yubihsm-connector itself and not to a proxy that changes messages.',
      });
    case 403:
      return new ConnectorFailure(`the connector at ${url.href} does not answer under this host name (HTTP 403)`, {
        code: 'device-unreachable',
        wasSent: false,
        hint: 'Add the host name to the connector’s allow-list, or use one that is on it.',
      });
    case 404:
    case 405:
      return new ConnectorFailure(`what answers at ${url.href} is not a YubiHSM connector (HTTP ${status})`, {
        code: 'device-unreachable',
        wasSent: false,
        hint: 'Correct the url of the device; the connector listens on port 12345 unless it was told otherwise.',
      });
    case 500:
      return new ConnectorFailure(
        `the connector at ${url.href} could not talk to the YubiHSM${excerpt(body)} (HTTP 500)`,
        {
          code: 'device-lost',
          wasSent: true,
          hint: 'See that the YubiHSM is plugged in and that no other program holds it, then try again',
        },
      );
    default:
      return new ConnectorFailure(`what answers at ${url.href} gave HTTP ${status}`, {
        code: 'device-lost',
        wasSent: true,
      });
  }
}

/** One line of printable text at most: it comes from outside. */
function excerpt(body: Uint8Array): string {
  const [line = ''] = Buffer.from(body.subarray(0, 120))
    .toString('latin1')
    .split(/[\r\n]/);
  const text = line.replace(/[^\x20-\x7e]/g, '').trim();
  return text === '' ? '' : `: ${text}`;
}
