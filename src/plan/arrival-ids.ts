/**
 * Object ids under which keys arrive. Two keys of a batch with one id cannot both arrive on a device whose ids are unique: the first one
 * moves. Uniqueness is per object class, since the two halves of a pair share their id (PKCS#11 v2.40 base §4.7). Ids that are on the
 * target already are the device's own preview's business.
 */
import { createHash } from 'node:crypto';
import { arrivalOf, type BoundDevice } from '../adapters/adapter.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import type { Playbook, Scope, Step } from '../playbook/model.ts';
import { DigestTable } from './digest-table.ts';
import { isTemplateKnown, templateValue } from './preview-arguments.ts';

interface Arrival {
  readonly step: Step;
  readonly isUnique: boolean;
  readonly device: string;
}

export interface Clash {
  /** Index of the earlier item. */
  readonly index: number;
  readonly id: string;
  readonly device: string;
  readonly isUnique: boolean;
}

export class ArrivalIds {
  readonly #arrivals: readonly Arrival[];
  readonly #taken = new DigestTable();

  constructor(playbook: Playbook, devices: ReadonlyMap<string, BoundDevice>) {
    this.#arrivals = playbook.each.flatMap((step) => {
      const bound = arrivalOf(step.spec) === null ? undefined : devices.get(step.target);
      return bound === undefined
        ? []
        : [{ step, device: bound.settings.name, isUnique: bound.description.capabilities.uniqueIds }];
    });
  }

  /** Bytes in memory. */
  get bytes(): number {
    return this.#taken.bytes;
  }

  /** Earlier moving items that arrive under the same id. */
  clashes(record: KeyRecord, scope: Scope): Clash[] {
    return this.#names(record, scope).flatMap(({ name, id, arrival }) => {
      const index = this.#taken.get(name);
      return index === undefined ? [] : [{ index, id, device: arrival.device, isUnique: arrival.isUnique }];
    });
  }

  /** The item moves: its ids are taken. The first to take an id keeps it. */
  take(record: KeyRecord, scope: Scope, index: number): void {
    for (const { name } of this.#names(record, scope)) {
      if (this.#taken.get(name) === undefined) {
        this.#taken.set(name, index);
      }
    }
  }

  #names(record: KeyRecord, scope: Scope): { name: string; id: string; arrival: Arrival }[] {
    return this.#arrivals.flatMap((arrival) => {
      const id = arrivalId(arrival.step, record, scope);
      const text = `${arrival.step.target}/${record.class}/${id}`;
      return id === '' ? [] : [{ name: createHash('sha256').update(text).digest('hex').slice(0, 16), id, arrival }];
    });
  }
}

/** The id that the playbook gives, else that of the source key it is like; empty when there is none or only the run will know. */
function arrivalId(step: Step, record: KeyRecord, scope: Scope): string {
  const given = step.with.id;
  if (given === undefined && step.with['new-id'] !== undefined) return '';
  if (given === undefined) {
    return Object.hasOwn(step.with, arrivalOf(step.spec)?.like ?? '') ? record.id : '';
  }
  return isTemplateKnown(given, scope) ? String(templateValue(given, scope)).toLowerCase() : '';
}
