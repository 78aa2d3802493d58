/**
 * The operations of AWS KMS that keyferry calls, and what repeating one would do. The types are the SDK's; the SDK itself is loaded by
 * client.ts alone. https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html
 */
import type {
  CreateAliasCommandInput,
  CreateAliasCommandOutput,
  CreateGrantCommandInput,
  CreateGrantCommandOutput,
  CreateKeyCommandInput,
  CreateKeyCommandOutput,
  DecryptCommandInput,
  DecryptCommandOutput,
  DeleteAliasCommandInput,
  DeleteAliasCommandOutput,
  DeleteImportedKeyMaterialCommandInput,
  DeleteImportedKeyMaterialCommandOutput,
  DeriveSharedSecretCommandInput,
  DeriveSharedSecretCommandOutput,
  DescribeKeyCommandInput,
  DescribeKeyCommandOutput,
  DisableKeyCommandInput,
  DisableKeyCommandOutput,
  EnableKeyCommandInput,
  EnableKeyCommandOutput,
  EncryptCommandInput,
  EncryptCommandOutput,
  GenerateDataKeyWithoutPlaintextCommandInput,
  GenerateDataKeyWithoutPlaintextCommandOutput,
  GenerateMacCommandInput,
  GenerateMacCommandOutput,
  GetParametersForImportCommandInput,
  GetParametersForImportCommandOutput,
  GetPublicKeyCommandInput,
  GetPublicKeyCommandOutput,
  ImportKeyMaterialCommandInput,
  ImportKeyMaterialCommandOutput,
  ListAliasesCommandInput,
  ListAliasesCommandOutput,
  ListKeysCommandInput,
  ListKeysCommandOutput,
  ListResourceTagsCommandInput,
  ListResourceTagsCommandOutput,
  RevokeGrantCommandInput,
  RevokeGrantCommandOutput,
  ScheduleKeyDeletionCommandInput,
  ScheduleKeyDeletionCommandOutput,
  SignCommandInput,
  SignCommandOutput,
  UpdateAliasCommandInput,
  UpdateAliasCommandOutput,
  VerifyCommandInput,
  VerifyCommandOutput,
  VerifyMacCommandInput,
  VerifyMacCommandOutput,
} from '@aws-sdk/client-kms';

interface Exchange<Input, Output> {
  readonly input: Input;
  readonly output: Output;
}

export interface KmsOperations {
  readonly CreateAlias: Exchange<CreateAliasCommandInput, CreateAliasCommandOutput>;
  readonly CreateGrant: Exchange<CreateGrantCommandInput, CreateGrantCommandOutput>;
  readonly CreateKey: Exchange<CreateKeyCommandInput, CreateKeyCommandOutput>;
  readonly Decrypt: Exchange<DecryptCommandInput, DecryptCommandOutput>;
  readonly DeleteAlias: Exchange<DeleteAliasCommandInput, DeleteAliasCommandOutput>;
  readonly DeleteImportedKeyMaterial: Exchange<
    DeleteImportedKeyMaterialCommandInput,
    DeleteImportedKeyMaterialCommandOutput
  >;
  readonly DeriveSharedSecret: Exchange<DeriveSharedSecretCommandInput, DeriveSharedSecretCommandOutput>;
  readonly DescribeKey: Exchange<DescribeKeyCommandInput, DescribeKeyCommandOutput>;
  readonly DisableKey: Exchange<DisableKeyCommandInput, DisableKeyCommandOutput>;
  readonly EnableKey: Exchange<EnableKeyCommandInput, EnableKeyCommandOutput>;
  readonly Encrypt: Exchange<EncryptCommandInput, EncryptCommandOutput>;
  readonly GenerateDataKeyWithoutPlaintext: Exchange<
    GenerateDataKeyWithoutPlaintextCommandInput,
    GenerateDataKeyWithoutPlaintextCommandOutput
  >;
  readonly GenerateMac: Exchange<GenerateMacCommandInput, GenerateMacCommandOutput>;
  readonly GetParametersForImport: Exchange<GetParametersForImportCommandInput, GetParametersForImportCommandOutput>;
  readonly GetPublicKey: Exchange<GetPublicKeyCommandInput, GetPublicKeyCommandOutput>;
  readonly ImportKeyMaterial: Exchange<ImportKeyMaterialCommandInput, ImportKeyMaterialCommandOutput>;
  readonly ListAliases: Exchange<ListAliasesCommandInput, ListAliasesCommandOutput>;
  readonly ListKeys: Exchange<ListKeysCommandInput, ListKeysCommandOutput>;
  readonly ListResourceTags: Exchange<ListResourceTagsCommandInput, ListResourceTagsCommandOutput>;
  readonly RevokeGrant: Exchange<RevokeGrantCommandInput, RevokeGrantCommandOutput>;
  readonly ScheduleKeyDeletion: Exchange<ScheduleKeyDeletionCommandInput, ScheduleKeyDeletionCommandOutput>;
  readonly Sign: Exchange<SignCommandInput, SignCommandOutput>;
  readonly UpdateAlias: Exchange<UpdateAliasCommandInput, UpdateAliasCommandOutput>;
  readonly Verify: Exchange<VerifyCommandInput, VerifyCommandOutput>;
  readonly VerifyMac: Exchange<VerifyMacCommandInput, VerifyMacCommandOutput>;
}

export type OperationName = keyof KmsOperations;
export type Input<N extends OperationName> = KmsOperations[N]['input'];
export type Output<N extends OperationName> = KmsOperations[N]['output'];

const CHANGING: ReadonlySet<OperationName> = new Set([
  'CreateAlias',
  'CreateGrant',
  'CreateKey',
  'DeleteAlias',
  'DeleteImportedKeyMaterial',
  'DisableKey',
  'EnableKey',
  'ImportKeyMaterial',
  'RevokeGrant',
  'ScheduleKeyDeletion',
  'UpdateAlias',
]);

/** After a lost reply of one of these, nobody knows whether KMS changed. No operation of KMS has an idempotency token. */
export const isChanging = (operation: OperationName): boolean => CHANGING.has(operation);

/** What the SDK may repeat by itself. GetParametersForImport is harmless, but each call spends four seconds of its quota. */
export const isRepeatable = (operation: OperationName): boolean =>
  !isChanging(operation) && operation !== 'GetParametersForImport';

/** These carry key material or data, so what a service says in a refusal is not passed on. */
const CONFIDENTIAL: ReadonlySet<OperationName> = new Set([
  'Decrypt',
  'DeriveSharedSecret',
  'Encrypt',
  'ImportKeyMaterial',
]);

export const isConfidential = (operation: OperationName): boolean => CONFIDENTIAL.has(operation);
