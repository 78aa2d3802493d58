/** Sessions and logins of one process. A login belongs to the token, not to the session (pkcs11-base §2.6.5); all sessions are R/W. */

import { CKF, CKR, CKU } from '../constants.ts';
import type { Handle, SlotId, TokenInfo } from '../cryptoki.ts';
import { FLAG } from './attribute-table.ts';
import type { Role } from './record-codec.ts';
import { refuse } from './refusal.ts';
import { has } from './simulated-object.ts';
import type { Slot } from './slot.ts';

function roleOf(userType: number): Role {
  if (userType === CKU.USER) return 'user';
  return userType === CKU.SO ? 'officer' : refuse(CKR.USER_TYPE_INVALID);
}

export class SessionTable {
  readonly #slots: ReadonlyMap<number, Slot>;
  readonly #sessions = new Map<number, Slot>();
  #nextSession: number;

  constructor(slots: ReadonlyMap<number, Slot>, firstSession: number) {
    this.#slots = slots;
    this.#nextSession = firstSession;
  }

  slot(id: SlotId): Slot {
    return this.#slots.get(Number(id)) ?? refuse(CKR.SLOT_ID_INVALID);
  }

  /** The slot of an open session. */
  of(session: Handle): Slot {
    return this.#sessions.get(Number(session)) ?? refuse(CKR.SESSION_HANDLE_INVALID);
  }

  open(id: SlotId): Handle {
    const slot = this.slot(id);
    if (slot.token.maxSessions > 0 && this.#countOf(slot) >= slot.token.maxSessions) refuse(CKR.SESSION_COUNT);
    const session = this.#nextSession;
    this.#nextSession += 1;
    this.#sessions.set(session, slot);
    return BigInt(session);
  }

  close(session: Handle): void {
    const slot = this.of(session);
    const number = Number(session);
    this.#sessions.delete(number);
    slot.endSessionObjects((object) => object.session === number);
    if (this.#countOf(slot) === 0) slot.login = null;
  }

  closeAll(): void {
    for (const session of [...this.#sessions.keys()]) this.close(BigInt(session));
  }

  #countOf(slot: Slot): number {
    let count = 0;
    for (const owner of this.#sessions.values()) if (owner === slot) count += 1;
    return count;
  }

  login(session: Handle, userType: number, pin: string): void {
    const slot = this.of(session);
    const role = roleOf(userType);
    if (slot.login === role) refuse(CKR.USER_ALREADY_LOGGED_IN);
    if (slot.login !== null) refuse(CKR.USER_ANOTHER_ALREADY_LOGGED_IN);
    if (slot.authority !== null) slot.authority.login(role, pin);
    else for (const partition of slot.partitions) partition.checkPin(role, pin);
    slot.login = role;
  }

  /** Private session objects end; handles of private objects mean nothing until the next login. */
  logout(session: Handle): void {
    const slot = this.of(session);
    if (slot.login === null) refuse(CKR.USER_NOT_LOGGED_IN);
    slot.login = null;
    slot.endSessionObjects((object) => has(object, FLAG.PRIVATE));
  }

  tokenInfo(id: SlotId): TokenInfo {
    const { token, partitions, authority } = this.slot(id);
    let flags = CKF.RNG | CKF.LOGIN_REQUIRED | CKF.TOKEN_INITIALIZED | (authority?.tokenFlags() ?? 0);
    for (const partition of authority === null ? partitions : []) {
      partition.refresh();
      const { hash, failures } = partition.pin('user');
      if (hash !== null) flags |= CKF.USER_PIN_INITIALIZED;
      if (failures > 0) flags |= CKF.USER_PIN_COUNT_LOW;
      if (partition.isFinalTry('user')) flags |= CKF.USER_PIN_FINAL_TRY;
      if (partition.isLocked('user')) flags |= CKF.USER_PIN_LOCKED;
    }
    const { label, serial, manufacturer, model, firmware, hardware, maxSessions } = token;
    return { slot: id, label, serial, manufacturer, model, firmware, flags, hardware, maxSessions };
  }
}
