import type { BackupPlace, Opening } from '../../../src/index.ts'

/** What opens the backups of a place. */
export const openingOf = ({ decrypt }: Pick<BackupPlace, 'decrypt'>): Opening =>
  decrypt === undefined ? {} : { decrypt }
