/** What a devices file may look like. The settings of an entry are its adapter's to say, by driver. */
import { ANYTHING, type ObjectShape, optional, path, required, type Shape } from '../schema/shape.ts';

export const DEVICE_NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_.-]*$';

/** Checked against the adapter's own shape in devices-file.ts. */
export const DEVICE_ENTRY: Shape = { ...ANYTHING, description: 'an adapter, a driver and its settings' };

export const DEVICES: ObjectShape = {
  kind: 'object',
  fields: {
    devices: required({ kind: 'map', keyPattern: DEVICE_NAME_PATTERN, of: DEVICE_ENTRY }),
    approvers: optional({
      kind: 'map',
      keyPattern: DEVICE_NAME_PATTERN,
      of: { kind: 'object', fields: { 'public-key': required(path("PEM file of the approver's public key")) } },
      description: 'who may sign approvals',
    }),
  },
};
