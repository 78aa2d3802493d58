/** `get-storage-info`: how many objects and pages of flash there are, and how many are free. */
import { COMMAND } from '../wire/command-codes.ts';
import { ByteReader } from '../wire/reader.ts';
import { WireError } from '../wire/wire-error.ts';
import { type Command, encodeNothing } from './command.ts';

export interface StorageInfo {
  readonly totalRecords: number;
  readonly freeRecords: number;
  readonly totalPages: number;
  readonly freePages: number;
  readonly pageBytes: number;
}

export const getStorageInfo: Command<void, StorageInfo> = {
  code: COMMAND['get-storage-info'],
  effect: 'read',
  encode: encodeNothing,
  decode(reply) {
    const reader = new ByteReader(reply);
    const info = {
      totalRecords: reader.u16(),
      freeRecords: reader.u16(),
      totalPages: reader.u16(),
      freePages: reader.u16(),
      pageBytes: reader.u16(),
    };
    reader.end();
    if (info.freeRecords > info.totalRecords || info.freePages > info.totalPages) {
      throw new WireError('more is free than there is');
    }
    return info;
  },
};
