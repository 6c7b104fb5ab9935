import { RunbookError, shellWord, type Database, type Finding, type Look } from '../../../src/index.ts'

/** The kernel renames no mount point, so a file that is mounted by itself cannot be exchanged. */
export async function mountFindings(look: Look, database: Database): Promise<readonly Finding[]> {
  if (database.engine !== 'sqlite' || (await look.files.stat(database.file)) === null) return []
  const mount = await look.files.mount(database.file, answerWithinSeconds).catch((thrown: unknown) => {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    // Only Linux lists its mounts; elsewhere the exchange itself is what finds it.
    return null
  })
  if (mount?.point !== database.file) return []
  return [
    {
      level: 'refuse',
      about: database.name,
      problem: `${database.file} is a mount point itself, so it cannot be exchanged by renaming`,
      hint: `mount its folder instead: findmnt ${shellWord(database.file)}; or restore in place: --strategy in-place`,
    },
  ]
}

const answerWithinSeconds = 10
