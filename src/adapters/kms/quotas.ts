/**
 * Default request quotas, calls per second of one account in one region. They can be raised, so the devices file can say others. The
 * shared quota of cryptographic operations differs by region and is far above what a migration needs.
 * https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
 */
import type { OperationName } from './operations.ts';

export const DEFAULT_QUOTAS: Readonly<Partial<Record<OperationName, number>>> = {
  CreateAlias: 5,
  CreateGrant: 50,
  CreateKey: 5,
  DeleteAlias: 15,
  DeleteImportedKeyMaterial: 5,
  DescribeKey: 2000,
  DisableKey: 5,
  EnableKey: 5,
  GetParametersForImport: 0.25,
  GetPublicKey: 2000,
  ImportKeyMaterial: 5,
  ListAliases: 500,
  ListKeys: 500,
  ListResourceTags: 2000,
  RevokeGrant: 30,
  ScheduleKeyDeletion: 15,
  UpdateAlias: 5,
};
