/**
 * The partitions of AWS: what their ARNs say and under which domains they serve KMS. As in the endpoint rules of the AWS SDK:
 * https://github.com/aws/aws-sdk-js-v3/blob/main/packages-internal/core/src/submodules/client/util-endpoints/lib/aws/partitions.json
 */
interface Partition {
  /** Second part of every ARN. */
  readonly id: string;
  /** Of the names of its Regions. */
  readonly prefix: string;
  readonly domains: readonly string[];
}

const AWS: Partition = { id: 'aws', prefix: '', domains: ['amazonaws.com', 'api.aws'] };

const OTHERS: readonly Partition[] = [
  { id: 'aws-cn', prefix: 'cn-', domains: ['amazonaws.com.cn', 'api.amazonwebservices.com.cn'] },
  { id: 'aws-us-gov', prefix: 'us-gov-', domains: ['amazonaws.com', 'api.aws'] },
  { id: 'aws-eusc', prefix: 'eusc-', domains: ['amazonaws.eu', 'api.amazonwebservices.eu'] },
  { id: 'aws-iso', prefix: 'us-iso-', domains: ['c2s.ic.gov', 'api.aws.ic.gov'] },
  { id: 'aws-iso-b', prefix: 'us-isob-', domains: ['sc2s.sgov.gov', 'api.aws.scloud'] },
  { id: 'aws-iso-e', prefix: 'eu-isoe-', domains: ['cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'] },
  { id: 'aws-iso-f', prefix: 'us-isof-', domains: ['csp.hci.ic.gov', 'api.aws.hci.ic.gov'] },
];

export const partitionOf = (region: string): Partition => OTHERS.find(({ prefix }) => region.startsWith(prefix)) ?? AWS;

/** `kms.eu-west-1.amazonaws.com`, also its FIPS and dual-stack forms, and `vpce-…` for one in a network of the customer's. */
export function isEndpointOf(host: string): boolean {
  const [, region = '', domain = ''] =
    /^(?:[a-z0-9-]+\.)?kms(?:-fips)?\.([a-z]+(?:-[a-z]+)+-[0-9]+)\.(?:vpce\.)?([a-z0-9.-]+)$/.exec(host) ?? [];
  return partitionOf(region).domains.includes(domain);
}
