import { tmpdir } from 'node:os'
import { contentBytes, contentOf } from '../../../formats/dumps/content.ts'
import { RunbookError } from '../../../kernel/errors.ts'
import { shellWord } from '../../../kernel/shell-quote.ts'
import { ArchiveRefused } from '../../disk/tar-header.ts'
import type { Bytes } from '../../unwrap/unwrapping.ts'
import { peeked, unwrapWith, type Unwrap, type Wanted } from '../../unwrap/unwrap.ts'
import { refusal } from '../archive/table-of-contents.ts'
import { customFrom, MembersRefused } from './custom-stream.ts'
import { TarMembers } from './tar-members.ts'

/** As `unwrapWith`; a dump in a tar archive is read as one in custom format. */
export const unwrapDumps = (means: Parameters<typeof unwrapWith>[0]): Unwrap => {
  const unwrap = unwrapWith(means)
  return async (raw, file, decrypt, scope, wanted = 'all') => {
    const { wrapped, bytes } = await unwrap(raw, file, decrypt, scope)
    try {
      const { start, all } = await peeked(bytes, contentBytes)
      if (contentOf(start) !== 'tar') return { wrapped, bytes: all }
      const members = new TarMembers(all, wanted)
      const tar = ofTar(members, all, file, wanted)
      return { wrapped, from: 'tar', bytes: tar, kept: () => members.kept }
    } catch (thrown) {
      await bytes.return()
      throw thrown
    }
  }
}

async function* ofTar(members: TarMembers, tar: Bytes, file: string, wanted: Wanted): Bytes {
  try {
    yield* customFrom(members, shellWord(file), wanted)
  } catch (thrown) {
    throw refusedTar(file, thrown)
  } finally {
    await members.close()
    await tar.return()
  }
}

function refusedTar(file: string, thrown: unknown): unknown {
  if (thrown instanceof MembersRefused) return refusal(file, { refused: thrown.message, hint: thrown.hint })
  if (thrown instanceof ArchiveRefused)
    return refusal(file, { refused: thrown.message, hint: thrown.hint ?? 'choose another dump' })
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC')
    return new RunbookError(
      'failed',
      `cannot unpack ${shellWord(file)} to read it: no space is left in ${tmpdir()}`,
      {
        cause: thrown,
        hint: 'make room there, or set TMPDIR to a folder that has as much free as the dump takes',
      },
    )
  return thrown
}
