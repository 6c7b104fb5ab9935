import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { SecretHandle, Secrets } from '../../drivers/secrets.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { Secret, shortestSecret } from '../../kernel/secret.ts'

export type SecretSources = {
  readonly environment: { readonly [name: string]: string | undefined }
  /** Told of each secret before its first use: the redactor's `add`. */
  readonly register: (secret: Secret) => void
}

/** No key and no password is longer; what is, is the wrong file. */
const maxBytes = 64 * 1024

/** Secrets from the environment, and from files that nobody else may read. One newline at the end of a file is no part of the secret. */
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
    throw missing(
      handle,
      `the environment variable ${name} is ${text === undefined ? 'not set' : 'empty'}`,
      `set ${name} for this program`,
    )
  }
}

async function inFile(handle: SecretHandle, path: string): Promise<string> {
  await using file = await openPrivate(handle, path)
  const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0)
  if (bytesRead > maxBytes)
    throw missing(
      handle,
      `${path} has more than ${maxBytes} bytes`,
      'name the file that holds the secret alone',
    )
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer.subarray(0, bytesRead))
  } catch {
    throw missing(handle, `${path} is no UTF-8 text`, 'name the file that holds the secret alone')
  }
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '') throw missing(handle, `${path} is empty`, `write the secret into ${path}`)
  return secret
}

/** Links are followed, as to mounted secrets; what counts is the file that was opened. */
async function openPrivate(handle: SecretHandle, path: string): Promise<FileHandle> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (thrown) {
    const why =
      thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'
        ? 'there is no such file'
        : 'it cannot be read'
    throw missing(handle, `${path}: ${why}`, `look: namei -l ${path}`, thrown)
  }
  const { mode, uid, isFile } = await file
    .stat()
    .then((facts) => ({ mode: facts.mode & 0o777, uid: facts.uid, isFile: facts.isFile() }))
  const us = process.getuid?.() ?? uid
  const refusal = !isFile
    ? missing(handle, `${path} is no regular file`, 'name the file that holds the secret')
    : (mode & 0o077) !== 0
      ? missing(
          handle,
          `${path} can be read or written by others (mode ${mode.toString(8)})`,
          `chmod 600 ${path}, and change the secret if they are not to be trusted`,
        )
      : ![us, 0].includes(uid)
        ? missing(handle, `${path} belongs to user ${uid}`, `chown ${us} ${path}`)
        : null
  if (refusal === null) return file
  await file.close()
  throw refusal
}

const missing = (handle: SecretHandle, why: string, hint: string, cause?: unknown): RunbookError =>
  new RunbookError('preflight', `the secret ${handle.secret} cannot be had: ${why}`, { hint, cause })
