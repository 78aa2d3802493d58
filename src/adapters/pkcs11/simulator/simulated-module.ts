/**
 * A whole PKCS#11 module in software: answers the Cryptoki port with the return values of v2.40, from a Personality and, if wanted, a
 * state folder. Everything above the port runs unchanged against it. Not for production keys: its state is in clear.
 * Longer than most files: it is the list of the C_ functions, each a few lines to where its rules are.
 * Leaves out what the port has not: digests, verification, derivation, multi-part operations, read-only sessions.
 */
import { randomBytes } from 'node:crypto';
import { seededRandom } from '../../simulation/seeded-random.ts';
import { CKA, CKF_MECHANISM, CKR } from '../constants.ts';
import type {
  Attribute,
  AttributeReading,
  Cryptoki,
  Handle,
  Mechanism,
  MechanismInfo,
  SlotId,
  TokenInfo,
} from '../cryptoki.ts';
import { changedObject } from './attribute-change.ts';
import { FLAG } from './attribute-table.ts';
import { type CryptoInput, checkKeyFits, decryptData, encryptData, signData } from './crypto-operations.ts';
import { CryptoPool } from './crypto-pool.ts';
import { FaultInjector, type FaultPlan } from './faults.ts';
import { type CreationContext, checkPair, createFromTemplate, generateSecret, makePair } from './key-creation.ts';
import { unwrapKey, wrapKey } from './key-transport.ts';
import type { MechanismRow } from './mechanism-table.ts';
import { requestedFlags } from './object-maker.ts';
import type { Personality } from './personality.ts';
import { named, Refusal, refuse } from './refusal.ts';
import { SessionTable } from './session-table.ts';
import { has, readAttribute, type SimulatedObject } from './simulated-object.ts';
import type { Slot } from './slot.ts';
import type { CheckedTemplate } from './template.ts';
import { openTokens, type Tokens } from './tokens.ts';

export interface SimulatedModuleOptions {
  /** Null: memory only; else a folder (0700) with files of 0600, which several processes may use at once. */
  readonly stateDir: string | null;
  readonly personality: Personality;
  readonly faults?: FaultPlan;
  /** RSA private operations run in so many worker threads and in this one. 0: in this thread only. Default 1. */
  readonly cryptoWorkers?: number;
  /** Handles are given out in an order shuffled per process; a seed makes it the same again. */
  readonly handleSeed?: number;
  /** Instead of the personality's own tokens in `stateDir`: ones that are open already. They are closed with the module. */
  readonly tokens?: Tokens;
  /** Number of the first session, random when absent. */
  readonly firstSession?: number;
}

export type SimulatedModule = Cryptoki & { close(): Promise<void> };

/** Tokens that have no state yet come into being with their personality's PINs. Throws KeyferryError `simulator-state`, `state-unsafe`. */
export function createSimulatedModule(options: SimulatedModuleOptions): SimulatedModule {
  return new Module(options);
}

const MAX_RANDOM_BYTES = 65_536;

class Module implements SimulatedModule {
  readonly #personality: Personality;
  readonly #random: () => number;
  readonly #tokens: Tokens;
  readonly #pool: CryptoPool;
  readonly #faults: FaultInjector;
  readonly #mechanisms: ReadonlyMap<number, MechanismRow>;
  readonly #firstSession: number;
  #sessions: SessionTable | null = null;

  constructor(options: SimulatedModuleOptions) {
    this.#personality = options.personality;
    this.#random = seededRandom(options.handleSeed ?? randomBytes(4).readUInt32LE());
    this.#tokens = options.tokens ?? openTokens(options.personality, options.stateDir, this.#random);
    this.#firstSession = options.firstSession ?? 1 + Math.floor(this.#random() * 0x1000_0000);
    this.#pool = new CryptoPool(options.cryptoWorkers ?? 1);
    this.#faults = new FaultInjector(options.faults);
    this.#mechanisms = new Map(options.personality.mechanisms.map((row) => [row.type, row]));
  }

  async close(): Promise<void> {
    this.#sessions?.closeAll();
    this.#sessions = null;
    await this.#pool.close();
    this.#tokens.close();
  }

  #quick<T>(call: string, act: (sessions: SessionTable) => T): T {
    try {
      return this.#faults.run(call, () => act(this.#live()));
    } catch (error) {
      throw named(call, error);
    }
  }

  #slow<T>(call: string, act: (sessions: SessionTable) => T | Promise<T>): Promise<T> {
    const fail = (error: unknown): never => {
      throw named(call, error);
    };
    if (!this.#faults.isIdle) return this.#faults.runSlow(call, async () => await act(this.#live())).catch(fail);
    // Not an async function: most calls are answered at once, and each promise in between costs a microsecond.
    try {
      const answer = act(this.#live());
      return answer instanceof Promise ? answer.catch(fail) : Promise.resolve(answer);
    } catch (error) {
      return Promise.reject(named(call, error));
    }
  }

  #live(): SessionTable {
    return this.#sessions ?? refuse(CKR.CRYPTOKI_NOT_INITIALIZED);
  }

  #mechanism(type: number, flag: number): MechanismRow {
    const row = this.#mechanisms.get(type);
    return row !== undefined && (row.flags & flag) !== 0 ? row : refuse(CKR.MECHANISM_INVALID);
  }

  C_Initialize(): void {
    if (this.#sessions !== null) throw named('C_Initialize', new Refusal(CKR.CRYPTOKI_ALREADY_INITIALIZED));
    this.#sessions = new SessionTable(this.#tokens.slots, this.#firstSession);
  }

  C_Finalize(): void {
    if (this.#sessions === null) throw named('C_Finalize', new Refusal(CKR.CRYPTOKI_NOT_INITIALIZED));
    this.#sessions.closeAll();
    this.#sessions = null;
    this.#faults.reset();
  }

  C_GetSlotList(_tokenPresent: boolean): SlotId[] {
    return this.#quick('C_GetSlotList', () => [...this.#tokens.slots.keys()].map((slot) => BigInt(slot)));
  }

  C_GetTokenInfo(slot: SlotId): TokenInfo {
    return this.#quick('C_GetTokenInfo', (sessions) => sessions.tokenInfo(slot));
  }

  C_GetMechanismList(slot: SlotId): number[] {
    return this.#quick('C_GetMechanismList', (sessions) => {
      sessions.slot(slot);
      return [...this.#mechanisms.keys()];
    });
  }

  C_GetMechanismInfo(slot: SlotId, mechanism: number): MechanismInfo {
    return this.#quick('C_GetMechanismInfo', (sessions) => {
      sessions.slot(slot);
      const row = this.#mechanisms.get(mechanism) ?? refuse(CKR.MECHANISM_INVALID);
      return { type: row.type, minKeySize: row.minKeySize, maxKeySize: row.maxKeySize, flags: row.flags };
    });
  }

  C_OpenSession(slot: SlotId): Handle {
    return this.#quick('C_OpenSession', (sessions) => sessions.open(slot));
  }

  C_CloseSession(session: Handle): void {
    this.#quick('C_CloseSession', (sessions) => sessions.close(session));
  }

  C_Login(session: Handle, userType: number, pin: string): void {
    this.#quick('C_Login', (sessions) => sessions.login(session, userType, pin));
  }

  C_Logout(session: Handle): void {
    this.#quick('C_Logout', (sessions) => sessions.logout(session));
  }

  C_CreateObject(session: Handle, template: readonly Attribute[]): Handle {
    return this.#quick('C_CreateObject', (sessions) => {
      const slot = sessions.of(session);
      return (
        this.#add(slot, [createFromTemplate(this.#creation(session, slot), template)])[0] ?? refuse(CKR.GENERAL_ERROR)
      );
    });
  }

  C_DestroyObject(session: Handle, object: Handle): void {
    this.#quick('C_DestroyObject', (sessions) => {
      const slot = sessions.of(session);
      slot.refresh();
      const found = slot.resolve(object, CKR.OBJECT_HANDLE_INVALID);
      slot.permit(found, 'destroy');
      if (!has(found, FLAG.DESTROYABLE)) refuse(CKR.ACTION_PROHIBITED);
      slot.remove(found);
    });
  }

  C_GetAttributeValue(session: Handle, object: Handle, types: readonly number[]): AttributeReading[] {
    return this.#quick('C_GetAttributeValue', (sessions) => {
      const found = sessions.of(session).resolve(object, CKR.OBJECT_HANDLE_INVALID);
      const unknown = this.#personality.unknownAttributes;
      return types.map((type) => {
        const value = unknown.includes(type) ? null : readAttribute(found, type);
        return { type, value: value instanceof Uint8Array ? value : null };
      });
    });
  }

  C_SetAttributeValue(session: Handle, object: Handle, template: readonly Attribute[]): void {
    this.#quick('C_SetAttributeValue', (sessions) => {
      const slot = sessions.of(session);
      slot.refresh();
      const found = slot.resolve(object, CKR.OBJECT_HANDLE_INVALID);
      slot.permit(found, 'change');
      slot.update(changedObject(this.#personality, found, template, slot.login));
    });
  }

  findObjects(session: Handle, template: readonly Attribute[]): Handle[] {
    return this.#quick('C_FindObjects', (sessions) => sessions.of(session).find(template));
  }

  C_GenerateRandom(session: Handle, length: number): Uint8Array {
    return this.#quick('C_GenerateRandom', (sessions) => {
      sessions.of(session);
      if (!Number.isInteger(length) || length < 1 || length > MAX_RANDOM_BYTES) refuse(CKR.ARGUMENTS_BAD);
      return randomBytes(length);
    });
  }

  encrypt(session: Handle, mechanism: Mechanism, key: Handle, data: Uint8Array): Promise<Uint8Array> {
    return this.#slow('C_Encrypt', (sessions) =>
      encryptData(this.#operation(sessions.of(session), mechanism, { key, data, function: 'ENCRYPT' })),
    );
  }

  decrypt(session: Handle, mechanism: Mechanism, key: Handle, data: Uint8Array): Promise<Uint8Array> {
    return this.#slow('C_Decrypt', (sessions) =>
      decryptData(this.#operation(sessions.of(session), mechanism, { key, data, function: 'DECRYPT' }), this.#pool),
    );
  }

  sign(session: Handle, mechanism: Mechanism, key: Handle, data: Uint8Array): Promise<Uint8Array> {
    return this.#slow('C_Sign', (sessions) =>
      signData(this.#operation(sessions.of(session), mechanism, { key, data, function: 'SIGN' })),
    );
  }

  C_GenerateKey(session: Handle, mechanism: Mechanism, template: readonly Attribute[]): Promise<Handle> {
    return this.#slow('C_GenerateKey', (sessions) => {
      const slot = sessions.of(session);
      const row = this.#mechanism(mechanism.type, CKF_MECHANISM.GENERATE);
      return (
        this.#add(slot, [generateSecret(this.#creation(session, slot), row, template)])[0] ?? refuse(CKR.GENERAL_ERROR)
      );
    });
  }

  C_GenerateKeyPair(
    session: Handle,
    mechanism: Mechanism,
    publicTemplate: readonly Attribute[],
    privateTemplate: readonly Attribute[],
  ): Promise<{ readonly publicKey: Handle; readonly privateKey: Handle }> {
    return this.#slow('C_GenerateKeyPair', async (sessions) => {
      const slot = sessions.of(session);
      const row = this.#mechanism(mechanism.type, CKF_MECHANISM.GENERATE_KEY_PAIR);
      const context = this.#creation(session, slot);
      const request = checkPair(context, row, { publicTemplate, privateTemplate });
      this.#precheck(slot, 'generate', request.publicTemplate);
      this.#precheck(slot, 'generate', request.privateTemplate);
      const pair = makePair(context, row, request, await request.generate());
      const [publicKey, privateKey] = this.#add(this.#live().of(session), [pair.publicKey, pair.privateKey]);
      if (publicKey === undefined || privateKey === undefined) return refuse(CKR.GENERAL_ERROR);
      return { publicKey, privateKey };
    });
  }

  C_WrapKey(session: Handle, mechanism: Mechanism, wrappingKey: Handle, key: Handle): Promise<Uint8Array> {
    return this.#slow('C_WrapKey', (sessions) => {
      const slot = sessions.of(session);
      const row = this.#mechanism(mechanism.type, CKF_MECHANISM.WRAP);
      return wrapKey({ personality: this.#personality, slot, row, mechanism, wrappingKey, key });
    });
  }

  C_UnwrapKey(
    session: Handle,
    mechanism: Mechanism,
    unwrappingKey: Handle,
    wrapped: Uint8Array,
    template: readonly Attribute[],
  ): Promise<Handle> {
    return this.#slow('C_UnwrapKey', async (sessions) => {
      const slot = sessions.of(session);
      const row = this.#mechanism(mechanism.type, CKF_MECHANISM.UNWRAP);
      const context = this.#creation(session, slot);
      const precheck = (checked: CheckedTemplate): void => this.#precheck(slot, 'unwrap', checked);
      const object = await unwrapKey({
        context,
        slot,
        row,
        mechanism,
        unwrappingKey,
        wrapped,
        template,
        pool: this.#pool,
        precheck,
      });
      // The session, or the whole module, may have been closed meanwhile.
      return this.#add(this.#live().of(session), [object])[0] ?? refuse(CKR.GENERAL_ERROR);
    });
  }

  #creation(session: Handle, slot: Slot): CreationContext {
    return { personality: this.#personality, session: Number(session), login: slot.login };
  }

  /** Room and a free id, before the slow part. */
  #precheck(slot: Slot, way: 'generate' | 'unwrap', template: CheckedTemplate): void {
    const flags = requestedFlags(this.#personality, way, template);
    if ((flags & FLAG.TOKEN) === 0) return;
    for (const partition of slot.partitions) partition.checkRoom(template.class, template.values.get(CKA.ID));
  }

  #add(slot: Slot, objects: readonly SimulatedObject[]): Handle[] {
    for (const object of objects) if (!slot.isVisible(object)) refuse(CKR.USER_NOT_LOGGED_IN);
    slot.add(objects);
    return objects.map((object) => slot.handleOf(object));
  }

  #operation(
    slot: Slot,
    mechanism: Mechanism,
    request: { readonly key: Handle; readonly data: Uint8Array; readonly function: 'ENCRYPT' | 'DECRYPT' | 'SIGN' },
  ): CryptoInput {
    const key = slot.resolve(request.key, CKR.KEY_HANDLE_INVALID);
    slot.permit(key, 'use');
    if (!has(key, FLAG[request.function])) refuse(CKR.KEY_FUNCTION_NOT_PERMITTED);
    const row = this.#mechanism(mechanism.type, CKF_MECHANISM[request.function]);
    const input = { row, mechanism, key, data: request.data, refusals: this.#personality.refusals };
    checkKeyFits(input, request.function);
    return input;
  }
}
