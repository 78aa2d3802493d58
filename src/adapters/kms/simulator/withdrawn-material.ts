/** Key material that was deleted or has expired. */
import type { Material } from './key-record.ts';

/** What never became current is forgotten; of the rest, the id stays, so that only the same material may come again. */
export function withoutBytes(materials: readonly Material[], id: string): readonly Material[] {
  return materials
    .filter((material) => material.id !== id || material.state !== 'PENDING_ROTATION')
    .map((material) =>
      material.id === id ? { ...material, bytes: null, expirationModel: null, validToMs: null } : material,
    );
}
