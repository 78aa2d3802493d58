/**
 * What each firmware level of the YubiHSM 2 has. Commands and algorithms of later levels do not exist on earlier ones: the command is
 * answered with invalid command, the algorithm with invalid data. Patch levels are those of devices that users wrote about.
 */
import { ALGORITHM } from '../wire/algorithms.ts';
import { COMMAND } from '../wire/command-codes.ts';
import { type FirmwareVersion, isFirmwareAtLeast } from '../wire/frame.ts';

export const FIRMWARE_LEVELS = ['2.0', '2.1', '2.2', '2.3', '2.4', '2.5'] as const;
export type FirmwareLevel = (typeof FIRMWARE_LEVELS)[number];

const PATCH: Readonly<Record<FirmwareLevel, number>> = { '2.0': 0, '2.1': 2, '2.2': 0, '2.3': 1, '2.4': 1, '2.5': 0 };

export function firmwareOf(level: FirmwareLevel): FirmwareVersion {
  const [major, minor] = level.split('.').map(Number);
  return { major: major ?? 2, minor: minor ?? 0, patch: PATCH[level] };
}

interface Since {
  readonly minor: number;
  readonly from: number;
  readonly to: number;
}

const COMMANDS_SINCE: readonly Since[] = [
  { minor: 1, from: COMMAND['change-authentication-key'], to: COMMAND['change-authentication-key'] },
  { minor: 3, from: COMMAND['get-device-public-key'], to: COMMAND['get-device-public-key'] },
  { minor: 3, from: COMMAND['put-symmetric-key'], to: COMMAND['encrypt-cbc'] },
  { minor: 4, from: COMMAND['put-public-wrap-key'], to: COMMAND['import-rsa-wrapped'] },
];

const ALGORITHMS_SINCE: readonly Since[] = [
  { minor: 2, from: ALGORITHM['rsa-pkcs1-decrypt'], to: ALGORITHM['rsa-pkcs1-decrypt'] },
  { minor: 3, from: ALGORITHM['ecp256-yubico-authentication'], to: ALGORITHM['aes-cbc'] },
  { minor: 4, from: ALGORITHM['aes-kwp'], to: ALGORITHM['aes-kwp'] },
];

const exists = (code: number, table: readonly Since[], firmware: FirmwareVersion): boolean =>
  table.every(({ minor, from, to }) => code < from || code > to || isFirmwareAtLeast(firmware, 2, minor));

export const hasCommand = (firmware: FirmwareVersion, code: number): boolean => exists(code, COMMANDS_SINCE, firmware);

export const hasAlgorithm = (firmware: FirmwareVersion, algorithm: number): boolean =>
  algorithm >= 1 && algorithm <= ALGORITHM['aes-kwp'] && exists(algorithm, ALGORITHMS_SINCE, firmware);

export const algorithmsOf = (firmware: FirmwareVersion): readonly number[] =>
  Object.values(ALGORITHM).filter((algorithm) => hasAlgorithm(firmware, algorithm));
