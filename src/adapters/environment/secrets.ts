import { shellWord } from '../../kernel/shell-quote.ts'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { SecretHandle, Secrets } from '../../drivers/secrets.ts'
import { cannot, type RunbookError } from '../../kernel/errors.ts'
import { Secret, shortestSecret } from '../../kernel/secret.ts'

export type SecretSources = {
  readonly environment: { readonly [name: string]: string | undefined }
  /** Called with each secret before its first use: the redactor's `add`. */
  readonly register: (secret: Secret) => void
}

/**
 * Makes all secrets that can be read known to the redactor, before anything is written.
 * @returns the names of those that can be read
 */
export async function registerAvailable(
  handles: readonly SecretHandle[],
  sources: SecretSources,
): Promise<readonly string[]> {
  const secrets = secretsFrom(sources)
  const read = await Promise.all(
    handles.map(async (handle) => {
      try {
        await secrets.reveal(handle)
        return [handle.secret]
      } catch {
        // A step that needs it reports why it cannot be read.
        return []
      }
    }),
  )
  return [...new Set(read.flat())].sort()
}

/** Keys and passwords are shorter: a larger file is the wrong one. */
const maxBytes = 64 * 1024

/**
 * Secrets from the environment, and from files that only their owner can read. One newline at the end of a
 * file does not belong to the secret.
 */
export function secretsFrom(sources: SecretSources): Secrets {
  return {
    async available(handle) {
      if ('env' in handle.from)
        return Buffer.byteLength(sources.environment[handle.from.env] ?? '') >= shortestSecret
      try {
        await using file = await openPrivate(handle, handle.from.file)
        return (await file.stat()).size >= shortestSecret
      } catch {
        return false
      }
    },
    async reveal(handle) {
      const secret = new Secret(
        handle.secret,
        'env' in handle.from
          ? inEnvironment(handle, handle.from.env)
          : await inFile(handle, handle.from.file),
      )
      sources.register(secret)
      return secret
    },
  }

  function inEnvironment(handle: SecretHandle, name: string): string {
    const text = sources.environment[name]
    if (text !== undefined && text !== '') return text
    throw unreadable(
      handle,
      `environment variable ${name} is ${text === undefined ? 'not set' : 'empty'}`,
      `set ${name} for this program`,
    )
  }
}

async function inFile(handle: SecretHandle, path: string): Promise<string> {
  await using file = await openPrivate(handle, path)
  const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0)
  if (bytesRead > maxBytes)
    throw unreadable(
      handle,
      `${path} is larger than ${maxBytes} bytes`,
      'configure a file that contains only the secret',
    )
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer.subarray(0, bytesRead))
  } catch {
    throw unreadable(handle, `${path} is not UTF-8 text`, 'configure a file that contains only the secret')
  }
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '') throw unreadable(handle, `${path} is empty`, `write the secret to ${path}`)
  return secret
}

/** Follows links, since mounted secrets are links, and checks the file that was opened. */
async function openPrivate(handle: SecretHandle, path: string): Promise<FileHandle> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (thrown) {
    const why =
      thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT' ? 'no such file' : 'open failed'
    throw unreadable(handle, `${path}: ${why}`, `check: namei -l ${shellWord(path)}`, thrown)
  }
  const { mode, uid, isFile } = await file
    .stat()
    .then((facts) => ({ mode: facts.mode & 0o777, uid: facts.uid, isFile: facts.isFile() }))
  const ownUid = process.getuid?.() ?? uid
  const refusal = !isFile
    ? unreadable(handle, `${path} is not a regular file`, 'configure the file that contains the secret')
    : (mode & 0o077) !== 0
      ? unreadable(
          handle,
          `${path} is accessible to other users (mode ${mode.toString(8)})`,
          `chmod 600 ${shellWord(path)}, and change the secret unless those users are trusted`,
        )
      : ![ownUid, 0].includes(uid)
        ? unreadable(handle, `${path} is owned by user ${uid}`, `chown ${ownUid} ${shellWord(path)}`)
        : null
  if (refusal === null) return file
  await file.close()
  throw refusal
}

const unreadable = (handle: SecretHandle, why: string, hint: string, cause?: unknown): RunbookError =>
  cannot('read', `secret ${handle.secret}`, why, { code: 'preflight', hint, cause })
