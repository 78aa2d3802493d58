/**
 * Counts the places for keys that a plan takes on its devices: what `prepare` makes stays for the whole run, every item adds what `each`
 * makes and does not delete again. Devices that do not state their capacity are not counted.
 */
import type { BoundDevice } from '../adapters/adapter.ts';
import type { Playbook, Step } from '../playbook/model.ts';
import { templateReferences } from './preview-arguments.ts';

interface Places {
  readonly name: string;
  readonly free: number;
  /** For what `prepare` and the canary make. */
  readonly reserved: number;
  readonly perItem: number;
}

export class Capacity {
  readonly #places: readonly Places[];
  #moves = 0;

  constructor(playbook: Playbook, devices: ReadonlyMap<string, BoundDevice>) {
    const kept = playbook.each.filter((step) => !isDeletedAgain(step, [...playbook.each, ...playbook.afterEach]));
    this.#places = [...devices].flatMap(([role, bound]) => {
      const free = bound.description.capabilities.capacity;
      const prepared = sum(playbook.prepare.map((step) => keysMade(step, role)));
      return free === null
        ? []
        : [
            {
              name: bound.settings.name,
              free,
              reserved: prepared,
              perItem: sum(kept.map((step) => keysMade(step, role))),
            },
          ];
    });
  }

  /** Devices with too little room even for what the run itself makes. */
  blocks(): string[] {
    return this.#places
      .filter(({ free, reserved }) => reserved > free)
      .map(
        ({ name, free, reserved }) =>
          `${name} has ${count(free, 'free place')}, and prepare makes ${count(reserved, 'key object')}; make room on the device`,
      );
  }

  /** Takes the places of one more moving item, or says which device has none left. */
  take(): string | null {
    for (const { name, free, reserved, perItem } of this.#places) {
      if (perItem > 0 && reserved + perItem * (this.#moves + 1) > free) {
        const wrapping = reserved === 0 ? '' : ` of which prepare takes ${reserved}`;
        return `no room on ${name}: ${count(free, 'free place')}${wrapping}, and ${count(this.#moves, 'key')} before this one; make room or move fewer keys`;
      }
    }
    this.#moves += 1;
    return null;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
const count = (number: number, noun: string): string =>
  `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;

/** Key objects that a step leaves on the device of a role. */
function keysMade(step: Step, role: string): number {
  if (step.target !== role || step.spec.effect !== 'create') {
    return 0;
  }
  return Object.values(step.spec.outputs).filter((output) => output.type === 'key' && output.lifetime !== 'run').length;
}

const isDeletedAgain = (made: Step, steps: readonly Step[]): boolean =>
  steps.some(
    (step) =>
      step.spec.effect === 'destroy' &&
      step.target === made.target &&
      Object.values(step.with).some((template) =>
        templateReferences(template).some((ref) => ref.kind === 'step' && ref.step === made.id),
      ),
  );
