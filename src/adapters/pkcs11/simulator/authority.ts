/**
 * Who may log in, see and use the objects of a token whose users are more than PKCS#11's two. Absent, the token has one user who may do
 * everything. Every method refuses with a Refusal; those that are asked per object must be quick.
 */
import type { Role } from './record-codec.ts';
import type { SimulatedObject } from './simulated-object.ts';

/** `wrap-out`: the key leaves the device as a payload · `use`: any operation with it, also as wrapping or unwrapping key. */
export type Act = 'use' | 'wrap-out' | 'destroy' | 'change';

export interface Authority {
  /** CKF_… of the PINs, for C_GetTokenInfo. */
  tokenFlags(): number;
  /** Instead of the token's own PINs. */
  login(role: Role, pin: string): void;
  /** Asked of private objects only while a user is logged in. An object that is not yet on the device is visible. */
  isVisible(object: SimulatedObject): boolean;
  /** The object as this user meets it: itself, or a copy with other attributes, the same uid and place. */
  view(object: SimulatedObject): SimulatedObject;
  permit(object: SimulatedObject, act: Act): void;
  /** Before new objects are kept: puts the device's own attributes (vendor-defined numbers, never shown) on them. */
  stamp(objects: readonly SimulatedObject[]): void;
  /** After an object was destroyed. */
  removed(object: SimulatedObject): void;
}
