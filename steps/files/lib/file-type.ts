import { lastOf } from './path.ts'

/**
 * Leading bytes of files, by the type that their extension promises. Office documents are ZIP archives, older
 * ones compound files.
 */
const beginnings: readonly (readonly [kind: string, first: readonly number[], endings: readonly string[]])[] =
  [
    ['PDF', [0x25, 0x50, 0x44, 0x46, 0x2d], ['pdf']],
    ['ZIP', [0x50, 0x4b, 0x03, 0x04], ['zip', 'docx', 'xlsx', 'pptx', 'odt', 'ods', 'odp', 'epub']],
    ['PNG', [0x89, 0x50, 0x4e, 0x47], ['png']],
    ['JPEG', [0xff, 0xd8, 0xff], ['jpg', 'jpeg']],
    ['GIF', [0x47, 0x49, 0x46, 0x38], ['gif']],
    ['compound file', [0xd0, 0xcf, 0x11, 0xe0], ['doc', 'xls', 'ppt', 'msg']],
    ['gzip', [0x1f, 0x8b], ['gz', 'tgz']],
  ]

/** Null for unknown leading bytes. */
export const kindOfBytes = (bytes: Uint8Array): string | null =>
  beginnings.find(([, first]) => first.every((byte, index) => bytes[index] === byte))?.[0] ?? null

/** Null for an unknown extension. */
export function kindOfName(path: string): string | null {
  const name = lastOf(`/${path}`)
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return beginnings.find(([, , endings]) => endings.includes(ending))?.[0] ?? null
}
