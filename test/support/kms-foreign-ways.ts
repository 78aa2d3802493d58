/** In what services that speak the documented protocol of AWS KMS differ, and what they say when they refuse. */

export interface ForeignWays {
  /** HTTP statuses of the published model, or 400 for whatever the client did wrong. */
  readonly statuses: 'published' | 'all-400';
  /** The places that the AWS JSON protocol allows: `__type` or `code` of the body, or a header; with a namespace or an address, or bare. */
  readonly errorName: 'short' | 'namespaced' | 'addressed' | 'code' | 'header-only' | 'namespaced-header';
  readonly errorText: 'message' | 'Message' | 'none';
  readonly hasMaterialIds: boolean;
  readonly hasPredefinedAliases: boolean;
  readonly wantsExpirationModel: boolean;
  readonly refusesFractions: boolean;
  /** `newest-once`: an older token is worth nothing, nor is one that was used. */
  readonly tokens: 'newest-once' | 'any';
  readonly comparesMaterial: boolean;
  /** Most entries of a list; null: as many as are asked for. */
  readonly pageSize: number | null;
  /** A program that tags every key, and another order of the tags. */
  readonly tagsByOthers: boolean;
  readonly keepsTags: boolean;
  readonly keepsOrigin: boolean;
  readonly saysAlgorithms: boolean;
  readonly fractionsOfSeconds: boolean;
  readonly unknownMembers: boolean;
  /** Reads of a key that show what was before a change. */
  readonly lag: number;
  readonly unknownOperations: readonly string[];
  readonly unsupportedOperations: readonly string[];
  readonly unsupportedAlgorithms: readonly string[];
  readonly closesConnections: boolean;
  readonly delayMs: number;
  readonly region: string;
  readonly partition: string;
  /** Which of the two names of a key's spec a description has. */
  readonly specNamed: 'KeySpec' | 'CustomerMasterKeySpec';
  /** Nothing but what a key is for: everything else of a description is optional. */
  readonly bareDescriptions: boolean;
  /** The newest first, and pages without anything before those that have something. */
  readonly oddPages: boolean;
  /** Looks that show an alias where it was before a change. */
  readonly aliasLag: number;
  /** Reads that show a new key as it is being created; until then it takes no material. */
  readonly creatingReads: number;
  /** ListAliases with a key id gives the aliases of all keys. */
  readonly listsEveryAlias: boolean;
  /** Descriptions say when material ends, but not by which model. */
  readonly saysExpirationModel: boolean;
  readonly brokenPublicKeys: boolean;
  /** Keys whose policy does not let the caller read them. */
  readonly deniedKeys: ReadonlySet<string>;
}

export const USUAL_WAYS: ForeignWays = {
  statuses: 'all-400',
  errorName: 'short',
  errorText: 'message',
  hasMaterialIds: true,
  hasPredefinedAliases: true,
  wantsExpirationModel: false,
  refusesFractions: false,
  tokens: 'any',
  comparesMaterial: true,
  pageSize: null,
  tagsByOthers: false,
  keepsTags: true,
  keepsOrigin: true,
  saysAlgorithms: true,
  fractionsOfSeconds: false,
  unknownMembers: false,
  lag: 0,
  unknownOperations: [],
  unsupportedOperations: [],
  unsupportedAlgorithms: [],
  closesConnections: false,
  delayMs: 0,
  region: 'eu-west-1',
  partition: 'aws',
  specNamed: 'KeySpec',
  bareDescriptions: false,
  oddPages: false,
  aliasLag: 0,
  creatingReads: 0,
  listsEveryAlias: false,
  saysExpirationModel: true,
  brokenPublicKeys: false,
  deniedKeys: new Set(),
};

/** What the service says instead of doing it. */
export class ForeignRefusal extends Error {
  readonly published: number;

  constructor(name: string, text: string, published = 400) {
    super(text);
    this.name = name;
    this.published = published;
  }
}
