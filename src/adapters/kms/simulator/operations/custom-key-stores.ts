/** DescribeCustomKeyStores of an account that has none: programs that look through an account ask for them. */
import { text } from '../members.ts';
import { reading } from '../operation.ts';
import { refuse } from '../service-error.ts';
import { paging } from './request-members.ts';

export const describeCustomKeyStores = reading(
  {
    CustomKeyStoreId: text({ min: 1, max: 64 }),
    CustomKeyStoreName: text({ min: 1, max: 256 }),
    ...paging,
  },
  (_context, { CustomKeyStoreId: id, CustomKeyStoreName: name }) => {
    if (id !== undefined || name !== undefined) refuse('CustomKeyStoreNotFoundException');
    return { CustomKeyStores: [], Truncated: false };
  },
);
