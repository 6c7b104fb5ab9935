import { existsSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Lets programs that this process starts read a text as if it were a file. Nothing is left when this process
 * is killed: the name is removed before the first byte is written, and the open file is read through
 * `/proc/PID/fd` (proc_pid_fd(5)). Without /proc, it has a name in a private folder until the work is done.
 */
export async function withNamelessFile<T>(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  work: (path: string) => Promise<T>,
  nameless = existsSync('/proc/self/fd'),
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'runbook-edit-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, 'file')
    const handle = await open(path, 'wx+', 0o600)
    try {
      if (nameless) await remove()
      await handle.writeFile(body)
      return await work(nameless ? `/proc/${process.pid}/fd/${handle.fd}` : path)
    } finally {
      await handle.close()
    }
  } finally {
    await remove()
  }
}
