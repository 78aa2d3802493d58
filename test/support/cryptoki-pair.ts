/**
 * One sequence of calls on two modules at once: the simulated one and SoftHSM. Objects are named by their number in the sequence, since
 * each module has handles of its own. Every answer is compared; `differences` collects what does not agree.
 */
import { CKA, CKR, CKU, ckrName } from '../../src/adapters/pkcs11/constants.ts';
import {
  type Attribute,
  type Cryptoki,
  CryptokiError,
  type Handle,
  type Mechanism,
} from '../../src/adapters/pkcs11/cryptoki.ts';

export interface Side {
  readonly module: Cryptoki;
  readonly slot: bigint;
  readonly pin: string;
}

interface Answer<T> {
  readonly refusal: number;
  readonly value: T | null;
}

export interface Disagreement {
  readonly call: string;
  readonly ours: number;
  readonly softHsm: number;
  readonly text: string;
}

const SHOWN_BOOLEANS = [
  ...['TOKEN', 'PRIVATE', 'MODIFIABLE', 'SENSITIVE', 'EXTRACTABLE', 'ALWAYS_SENSITIVE', 'NEVER_EXTRACTABLE', 'LOCAL'],
  ...[
    'ENCRYPT',
    'DECRYPT',
    'SIGN',
    'VERIFY',
    'WRAP',
    'UNWRAP',
    'DERIVE',
    'TRUSTED',
    'CLASS',
    'KEY_TYPE',
    'LABEL',
    'ID',
  ],
] as const;
const SHOWN = SHOWN_BOOLEANS.map((name) => CKA[name as keyof typeof CKA]);

async function answer<T>(act: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { refusal: CKR.OK, value: await act() };
  } catch (error) {
    if (error instanceof CryptokiError) return { refusal: error.value, value: null };
    throw error;
  }
}

function answerNow<T>(act: () => T): Answer<T> {
  try {
    return { refusal: CKR.OK, value: act() };
  } catch (error) {
    if (error instanceof CryptokiError) return { refusal: error.value, value: null };
    throw error;
  }
}

const hexOf = (bytes: Uint8Array | null): string => (bytes === null ? '-' : Buffer.from(bytes).toString('hex'));

export class ModulePair {
  readonly disagreements: Disagreement[] = [];
  /** Every call with both answers: what a failing sequence did. */
  readonly trace: string[] = [];
  readonly #sides: readonly [Side, Side];
  readonly #isAllowed: (call: string, ours: number, softHsm: number) => boolean;
  #sessions: [Handle, Handle] = [0n, 0n];
  /** Handles on both sides; null after the modules disagreed about the object. */
  readonly #objects: ([Handle, Handle] | null)[] = [];

  constructor(ours: Side, softHsm: Side, isAllowed: (call: string, ours: number, softHsm: number) => boolean) {
    this.#sides = [ours, softHsm];
    this.#isAllowed = isAllowed;
  }

  get count(): number {
    return this.#objects.length;
  }

  async open(): Promise<void> {
    this.#sessions = [
      this.#sides[0].module.C_OpenSession(this.#sides[0].slot),
      this.#sides[1].module.C_OpenSession(this.#sides[1].slot),
    ];
  }

  /** Closing the only session ends the session objects and the login. */
  close(): void {
    this.#sides.forEach((side, index) => {
      side.module.C_CloseSession(this.#sessions[index] ?? 0n);
    });
  }

  async #both<T>(
    call: string,
    what: string,
    act: (module: Cryptoki, session: Handle, side: 0 | 1) => T | Promise<T>,
  ): Promise<readonly [Answer<T>, Answer<T>]> {
    const ours = await answer(() => act(this.#sides[0].module, this.#sessions[0], 0));
    const theirs = await answer(() => act(this.#sides[1].module, this.#sessions[1], 1));
    this.trace.push(`${call} ${what}: ${ckrName(ours.refusal)} | ${ckrName(theirs.refusal)}`);
    if (!this.#isAllowed(call, ours.refusal, theirs.refusal))
      this.#disagree(call, ours.refusal, theirs.refusal, 'the answers differ');
    return [ours, theirs];
  }

  #disagree(call: string, ours: number, softHsm: number, text: string): void {
    this.disagreements.push({
      call,
      ours,
      softHsm,
      text: `${call}: ${text}: ours ${ckrName(ours)}, SoftHSM ${ckrName(softHsm)}`,
    });
  }

  #handle(object: number, side: 0 | 1): Handle {
    // A handle far beyond what SoftHSM counts to stands for objects that are not there.
    return this.#objects[object]?.[side] ?? 0x7ffffff0n;
  }

  /** An object that only one side made is destroyed there. */
  #keep(made: readonly [Answer<Handle>, Answer<Handle>]): void {
    const [ours, theirs] = made;
    if (ours.value !== null && theirs.value !== null) this.#objects.push([ours.value, theirs.value]);
    else if (ours.value !== null) this.#sides[0].module.C_DestroyObject(this.#sessions[0], ours.value);
    else if (theirs.value !== null) this.#sides[1].module.C_DestroyObject(this.#sessions[1], theirs.value);
  }

  async login(pin?: string): Promise<void> {
    await this.#both('C_Login', pin ?? '', (module, session, side) =>
      module.C_Login(session, CKU.USER, pin ?? this.#sides[side].pin),
    );
  }

  async logout(): Promise<void> {
    await this.#both('C_Logout', '', (module, session) => module.C_Logout(session));
  }

  async create(attributes: readonly Attribute[]): Promise<void> {
    this.#keep(
      await this.#both('C_CreateObject', textOf(attributes), (module, session) =>
        module.C_CreateObject(session, attributes),
      ),
    );
  }

  async generate(mechanism: number, attributes: readonly Attribute[]): Promise<void> {
    this.#keep(
      await this.#both('C_GenerateKey', textOf(attributes), (module, session) =>
        module.C_GenerateKey(session, { type: mechanism }, attributes),
      ),
    );
  }

  async change(object: number, attributes: readonly Attribute[]): Promise<void> {
    const act = (module: Cryptoki, session: Handle, side: 0 | 1): void =>
      module.C_SetAttributeValue(session, this.#handle(object, side), attributes);
    const [ours, theirs] = await this.#both('C_SetAttributeValue', `${object} ${textOf(attributes)}`, act);
    // SoftHSM keeps what it changed before the attribute that it refused; ours changes all or nothing.
    const isPartial = ours.refusal !== CKR.OK && attributes.length > 1;
    if (ours.refusal === theirs.refusal && !isPartial) return;
    this.#sides.forEach((side, index) => {
      const handle = this.#handle(object, index === 0 ? 0 : 1);
      const { refusal } = answerNow(() => side.module.C_DestroyObject(this.#sessions[index] ?? 0n, handle));
      if (refusal !== CKR.OK && refusal !== CKR.OBJECT_HANDLE_INVALID) throw new Error(ckrName(refusal));
    });
    this.#objects[object] = null;
  }

  async destroy(object: number): Promise<void> {
    await this.#both('C_DestroyObject', `${object}`, (module, session, side) =>
      module.C_DestroyObject(session, this.#handle(object, side)),
    );
  }

  async read(object: number): Promise<void> {
    const act = (module: Cryptoki, session: Handle, side: 0 | 1): string =>
      module
        .C_GetAttributeValue(session, this.#handle(object, side), SHOWN)
        .map((reading, index) => `${SHOWN_BOOLEANS[index]}=${hexOf(reading.value)}`)
        .join(' ');
    const [ours, theirs] = await this.#both('C_GetAttributeValue', `${object}`, act);
    if (ours.value !== theirs.value)
      this.#disagree('C_GetAttributeValue', 0, 0, `ours ${ours.value}\nSoftHSM ${theirs.value}\n`);
  }

  async find(attributes: readonly Attribute[]): Promise<void> {
    const found = async (side: 0 | 1): Promise<string> => {
      const handles = this.#sides[side].module.findObjects(this.#sessions[side], attributes);
      const numbers = handles.map((handle) => this.#objects.findIndex((object) => object?.[side] === handle));
      // SoftHSM leaves an empty object behind when it refuses a template; the simulated module must not.
      return (side === 0 ? numbers : numbers.filter((number) => number >= 0)).sort().join(',');
    };
    const [ours, theirs] = [await found(0), await found(1)];
    if (ours !== theirs) this.#disagree('C_FindObjects', 0, 0, `ours found ${ours}, SoftHSM ${theirs}`);
  }

  /** `kind` ends in the same bytes on both sides only for keys that were created from the same value. */
  async use(
    call: 'encrypt' | 'decrypt' | 'sign',
    mechanism: Mechanism,
    object: number,
    data: Uint8Array,
  ): Promise<void> {
    const name = { encrypt: 'C_Encrypt', decrypt: 'C_Decrypt', sign: 'C_Sign' }[call];
    const act = (module: Cryptoki, session: Handle, side: 0 | 1): Promise<Uint8Array> =>
      module[call](session, mechanism, this.#handle(object, side), data);
    await this.#both(name, `${object} ${data.length} bytes`, act);
  }

  /** Wraps on each side and unwraps there; `damage` changes the wrapped key in between. */
  async transport(parts: {
    readonly mechanism: Mechanism;
    readonly wrappingKey: number;
    readonly unwrappingKey: number;
    readonly key: number;
    readonly damage: 'none' | 'flip' | 'cut';
    readonly attributes: readonly Attribute[];
  }): Promise<void> {
    const { mechanism, damage } = parts;
    const [ours, theirs] = await this.#both(
      'C_WrapKey',
      `0x${mechanism.type.toString(16)} ${parts.key} under ${parts.wrappingKey}`,
      (module, session, side) =>
        module.C_WrapKey(session, mechanism, this.#handle(parts.wrappingKey, side), this.#handle(parts.key, side)),
    );
    const blobs = [damaged(ours.value, damage), damaged(theirs.value, damage)] as const;
    const act = (module: Cryptoki, session: Handle, side: 0 | 1): Promise<Handle> =>
      module.C_UnwrapKey(session, mechanism, this.#handle(parts.unwrappingKey, side), blobs[side], parts.attributes);
    if (ours.refusal === theirs.refusal)
      this.#keep(
        await this.#both('C_UnwrapKey', `${damage} under ${parts.unwrappingKey} ${textOf(parts.attributes)}`, act),
      );
  }
}

const NAMES = new Map<number, string>(Object.entries(CKA).map(([name, type]) => [type, name]));
const textOf = (attributes: readonly Attribute[]): string =>
  attributes.map(({ type, value }) => `${NAMES.get(type)}=${hexOf(value).slice(0, 32)}`).join(' ');

function damaged(wrapped: Uint8Array | null, damage: 'none' | 'flip' | 'cut'): Uint8Array {
  const blob = Buffer.from(wrapped ?? Buffer.alloc(40));
  if (damage === 'flip') blob[9] = (blob[9] ?? 0) ^ 1;
  return damage === 'cut' ? blob.subarray(0, blob.length - 3) : blob;
}
