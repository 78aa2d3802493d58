/**
 * The Cryptoki port over pkcs11js (PKCS#11 v2.40). One object is one loaded module. Leaves out multi-part operations.
 *
 * Threads: the module is initialised with CKF_OS_LOCKING_OK, so calls in worker threads may overlap as long as each uses a session of
 * its own; without that flag they failed in 3 of 4 runs on SoftHSM. pkcs11js does not keep what a worker thread reads from being
 * collected, so inputs are held here until the call is back. Its threaded calls never free their mechanism and template (about 1 kB per
 * unwrap): the price of not blocking, paid by the device host's process only.
 */
import type { PKCS11 } from 'pkcs11js';
import { CKR } from '../constants.ts';
import {
  type Attribute,
  type AttributeReading,
  type Cryptoki,
  CryptokiError,
  type Handle,
  type Mechanism,
  type MechanismInfo,
  type SlotId,
  type TokenInfo,
} from '../cryptoki.ts';
import { AttributeReader } from './attribute-reader.ts';
import { CallPace } from './call-pace.ts';
import { fromHandle, toBuffer, toCryptokiError, toHandle, toMechanism, toTemplate } from './native-values.ts';

/** CKF_RW_SESSION | CKF_SERIAL_SESSION (pkcs11-base §3.3). */
const SESSION_FLAGS = 0x6;
/** CKF_OS_LOCKING_OK (pkcs11-base §3.7). */
const OS_LOCKING_OK = 0x2;
/** CKF_HW_SLOT (pkcs11-base §3.1). */
const HW_SLOT = 0x4;
/** CK_UNAVAILABLE_INFORMATION as pkcs11js shows it: cut to 32 bits. */
const UNAVAILABLE = 0xffffffff;
const FIND_AT_ONCE = 1000;
/** Larger than any wrapped key: RSA-16384 gives 2 kB, a PKCS#8 of RSA-4096 under AES-KWP 2.4 kB. */
const WRAPPED_BYTES = 8192;
const MIN_OUTPUT_BYTES = 2048;

export class NativeCryptoki implements Cryptoki {
  readonly #module: PKCS11;
  readonly #libraryParameters: string | undefined;
  readonly #attributes = new AttributeReader();
  readonly #pace = new CallPace();
  /** Keeps what worker threads read reachable: the native side holds addresses only. */
  readonly #inUse = new Set<readonly Buffer[]>();

  constructor(module: PKCS11, libraryParameters: string | undefined) {
    this.#module = module;
    this.#libraryParameters = libraryParameters;
  }

  C_Initialize(): void {
    // pkcs11js 2.1.7 cuts off the last character of libraryParameters, so one is added to be cut.
    const parameters =
      this.#libraryParameters === undefined ? {} : { libraryParameters: `${this.#libraryParameters} ` };
    try {
      this.#call('C_Initialize', () => this.#module.C_Initialize({ flags: OS_LOCKING_OK, ...parameters }));
    } catch (error) {
      if (!(error instanceof CryptokiError) || error.value !== CKR.CRYPTOKI_ALREADY_INITIALIZED) throw error;
    }
  }

  C_Finalize(): void {
    this.#call('C_Finalize', () => this.#module.C_Finalize());
  }

  C_GetSlotList(tokenPresent: boolean): SlotId[] {
    return this.#call('C_GetSlotList', () => this.#module.C_GetSlotList(tokenPresent)).map(fromHandle);
  }

  C_GetTokenInfo(slot: SlotId): TokenInfo {
    const slotHandle = toHandle(slot);
    const info = this.#call('C_GetTokenInfo', () => this.#module.C_GetTokenInfo(slotHandle));
    const slotFlags = this.#call('C_GetSlotInfo', () => this.#module.C_GetSlotInfo(slotHandle)).flags;
    const limits = [info.maxSessionCount, info.maxRwSessionCount].filter((limit) => limit > 0 && limit !== UNAVAILABLE);
    return {
      slot,
      label: padded(info.label),
      serial: padded(info.serialNumber),
      manufacturer: padded(info.manufacturerID),
      model: padded(info.model),
      firmware: `${info.firmwareVersion.major}.${info.firmwareVersion.minor}`,
      flags: info.flags,
      hardware: (slotFlags & HW_SLOT) !== 0,
      maxSessions: limits.length === 0 ? 0 : Math.min(...limits),
    };
  }

  C_GetMechanismList(slot: SlotId): number[] {
    return this.#call('C_GetMechanismList', () => this.#module.C_GetMechanismList(toHandle(slot)));
  }

  C_GetMechanismInfo(slot: SlotId, mechanism: number): MechanismInfo {
    const info = this.#call('C_GetMechanismInfo', () => this.#module.C_GetMechanismInfo(toHandle(slot), mechanism));
    return { type: mechanism, minKeySize: info.minKeySize, maxKeySize: info.maxKeySize, flags: info.flags };
  }

  C_OpenSession(slot: SlotId): Handle {
    return fromHandle(this.#call('C_OpenSession', () => this.#module.C_OpenSession(toHandle(slot), SESSION_FLAGS)));
  }

  C_CloseSession(session: Handle): void {
    this.#call('C_CloseSession', () => this.#module.C_CloseSession(toHandle(session)));
  }

  C_Login(session: Handle, userType: number, pin: string): void {
    this.#call('C_Login', () => this.#module.C_Login(toHandle(session), userType, pin));
  }

  C_Logout(session: Handle): void {
    this.#call('C_Logout', () => this.#module.C_Logout(toHandle(session)));
  }

  C_CreateObject(session: Handle, template: readonly Attribute[]): Handle {
    const object = this.#call('C_CreateObject', () =>
      this.#module.C_CreateObject(toHandle(session), toTemplate(template)),
    );
    return fromHandle(object);
  }

  C_DestroyObject(session: Handle, object: Handle): void {
    this.#call('C_DestroyObject', () => this.#module.C_DestroyObject(toHandle(session), toHandle(object)));
  }

  C_GetAttributeValue(session: Handle, object: Handle, types: readonly number[]): AttributeReading[] {
    const sessionHandle = toHandle(session);
    const objectHandle = toHandle(object);
    return this.#attributes.read(types, (wanted) => {
      const asked = wanted.map((type) => ({ type }));
      const read = this.#call('C_GetAttributeValue', () =>
        this.#module.C_GetAttributeValue(sessionHandle, objectHandle, asked),
      );
      // A length of CK_UNAVAILABLE_INFORMATION comes as an undefined value, whatever the typings say.
      return read.map(({ value }: { value?: Uint8Array }) => value ?? null);
    });
  }

  C_SetAttributeValue(session: Handle, object: Handle, template: readonly Attribute[]): void {
    this.#call('C_SetAttributeValue', () =>
      this.#module.C_SetAttributeValue(toHandle(session), toHandle(object), toTemplate(template)),
    );
  }

  findObjects(session: Handle, template: readonly Attribute[]): Handle[] {
    const sessionHandle = toHandle(session);
    this.#call('C_FindObjectsInit', () => this.#module.C_FindObjectsInit(sessionHandle, toTemplate(template)));
    const found: Handle[] = [];
    try {
      for (;;) {
        const handles = this.#call('C_FindObjects', () => this.#module.C_FindObjects(sessionHandle, FIND_AT_ONCE));
        if (handles.length === 0) break;
        for (const handle of handles) found.push(fromHandle(handle));
      }
    } catch (error) {
      this.#endSearchQuietly(sessionHandle);
      throw error;
    }
    this.#call('C_FindObjectsFinal', () => this.#module.C_FindObjectsFinal(sessionHandle));
    return found;
  }

  C_GenerateRandom(session: Handle, length: number): Uint8Array {
    return this.#call('C_GenerateRandom', () =>
      this.#module.C_GenerateRandom(toHandle(session), Buffer.alloc(length)),
    ).slice();
  }

  async encrypt(session: Handle, mechanism: Mechanism, key: Handle, data: Uint8Array): Promise<Uint8Array> {
    const handle = toHandle(session);
    const [input, output] = [toBuffer(data), outputFor(data)];
    this.#call('C_EncryptInit', () => this.#module.C_EncryptInit(handle, toMechanism(mechanism), toHandle(key)));
    return this.#bytes('C_Encrypt', mechanism, data.length, [handle, input, output], {
      blocking: () => this.#module.C_Encrypt(handle, input, output),
      threaded: () => this.#module.C_EncryptAsync(handle, input, output),
    });
  }

  async decrypt(session: Handle, mechanism: Mechanism, key: Handle, data: Uint8Array): Promise<Uint8Array> {
    const handle = toHandle(session);
    const [input, output] = [toBuffer(data), outputFor(data)];
    this.#call('C_DecryptInit', () => this.#module.C_DecryptInit(handle, toMechanism(mechanism), toHandle(key)));
    return this.#bytes('C_Decrypt', mechanism, data.length, [handle, input, output], {
      blocking: () => this.#module.C_Decrypt(handle, input, output),
      threaded: () => this.#module.C_DecryptAsync(handle, input, output),
    });
  }

  async sign(session: Handle, mechanism: Mechanism, key: Handle, data: Uint8Array): Promise<Uint8Array> {
    const handle = toHandle(session);
    const [input, output] = [toBuffer(data), outputFor(data)];
    this.#call('C_SignInit', () => this.#module.C_SignInit(handle, toMechanism(mechanism), toHandle(key)));
    return this.#bytes('C_Sign', mechanism, data.length, [handle, input, output], {
      blocking: () => this.#module.C_Sign(handle, input, output),
      threaded: () => this.#module.C_SignAsync(handle, input, output),
    });
  }

  async C_GenerateKey(session: Handle, mechanism: Mechanism, template: readonly Attribute[]): Promise<Handle> {
    const handle = toHandle(session);
    const attributes = toTemplate(template);
    const key = await this.#threaded('C_GenerateKey', [handle], () =>
      this.#module.C_GenerateKeyAsync(handle, toMechanism(mechanism), attributes),
    );
    return fromHandle(key);
  }

  async C_GenerateKeyPair(
    session: Handle,
    mechanism: Mechanism,
    publicTemplate: readonly Attribute[],
    privateTemplate: readonly Attribute[],
  ): Promise<{ readonly publicKey: Handle; readonly privateKey: Handle }> {
    const handle = toHandle(session);
    const pair = await this.#threaded('C_GenerateKeyPair', [handle], () =>
      this.#module.C_GenerateKeyPairAsync(
        handle,
        toMechanism(mechanism),
        toTemplate(publicTemplate),
        toTemplate(privateTemplate),
      ),
    );
    return { publicKey: fromHandle(pair.publicKey), privateKey: fromHandle(pair.privateKey) };
  }

  async C_WrapKey(session: Handle, mechanism: Mechanism, wrappingKey: Handle, key: Handle): Promise<Uint8Array> {
    const [handle, wrapping, wrapped] = [toHandle(session), toHandle(wrappingKey), toHandle(key)];
    const native = toMechanism(mechanism);
    const output = Buffer.allocUnsafe(WRAPPED_BYTES);
    return this.#bytes('C_WrapKey', mechanism, 0, [handle, output], {
      blocking: () => this.#module.C_WrapKey(handle, native, wrapping, wrapped, output),
      threaded: () => this.#module.C_WrapKeyAsync(handle, native, wrapping, wrapped, output),
    });
  }

  async C_UnwrapKey(
    session: Handle,
    mechanism: Mechanism,
    unwrappingKey: Handle,
    wrapped: Uint8Array,
    template: readonly Attribute[],
  ): Promise<Handle> {
    const [handle, unwrapping, input] = [toHandle(session), toHandle(unwrappingKey), toBuffer(wrapped)];
    const key = await this.#threaded('C_UnwrapKey', [handle, input], () =>
      this.#module.C_UnwrapKeyAsync(handle, toMechanism(mechanism), unwrapping, input, toTemplate(template)),
    );
    return fromHandle(key);
  }

  #call<T>(call: string, run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw toCryptokiError(call, error);
    }
  }

  async #threaded<T>(call: string, inUse: readonly Buffer[], run: () => Promise<T>): Promise<T> {
    this.#inUse.add(inUse);
    try {
      return await run();
    } catch (error) {
      throw toCryptokiError(call, error);
    } finally {
      this.#inUse.delete(inUse);
    }
  }

  /** The result is a copy: the output buffer is far larger than what it holds, and is wiped because a decryption's holds clear bytes. */
  async #bytes(
    call: string,
    mechanism: Mechanism,
    length: number,
    inUse: readonly [Buffer, ...Buffer[]],
    run: { readonly blocking: () => Buffer; readonly threaded: () => Promise<Buffer> },
  ): Promise<Uint8Array> {
    const result = await this.#threaded(call, inUse, () =>
      this.#pace.run(`${call} ${mechanism.type} ${length}`, run.blocking, run.threaded),
    );
    const bytes = new Uint8Array(result);
    if (call === 'C_Decrypt') result.fill(0);
    return bytes;
  }

  /** After a failed search the first error counts, and the session must be free for the next one. */
  #endSearchQuietly(session: Buffer): void {
    try {
      this.#call('C_FindObjectsFinal', () => this.#module.C_FindObjectsFinal(session));
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
    }
  }
}

const outputFor = (data: Uint8Array): Buffer => Buffer.allocUnsafe(Math.max(MIN_OUTPUT_BYTES, data.length + 64));

/** Token texts are padded with blanks; some modules pad with zero bytes. */
const padded = (text: string): string => text.replace(/[\s\0]+$/, '');
