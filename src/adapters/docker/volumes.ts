import { shellWord } from '../../kernel/shell-quote.ts'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { posix } from 'node:path'
import { Readable } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import type { Scope } from '../../drivers/scope.ts'
import type { ComposeStack, Stack } from '../../drivers/services.ts'
import type { FileDigest, Ownership, VolumePath, Volumes } from '../../drivers/volumes.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { composeLine } from '../../model/compose-line.ts'
import { syncFolder } from '../disk/durable.ts'
import { dockerEngine, nullIfNotFound, type DockerEngine } from './connection.ts'
import { containersOf } from './containers.ts'
import { withCopy } from './volume-copy.ts'
import { lookAt, lookBeside } from './volume-hint.ts'
import { fileIdentity } from './volume-identity.ts'
import { runHelper } from './volume-helper.ts'
import { eachChunk, firstHeader, headOf, kindOf, eachMember, pathStatOf, tailOf } from './volume-archive.ts'

/** Seconds to copy a file into a volume. */
const putTimeout = 3_600

/**
 * Files in the volumes of Compose services, over the archive API of the engine, which also works on a
 * container that is stopped or was never started, unlike `docker exec`. The API can neither rename nor remove
 * files: a helper container with the service's image and volumes does. That image must have `sh`, `mv`, `rm`
 * and `sync`.
 */
export function dockerVolumes({
  scope,
  engine = dockerEngine(),
}: {
  readonly scope: Scope
  readonly engine?: DockerEngine
}): Volumes {
  const containerOf = async (at: VolumePath): Promise<string> => {
    const stack = composeStack(at.stack)
    absolute(at.path)
    const found = (await containersOf(engine, scope, stack, [at.service])).get(at.service)?.[0]
    if (found !== undefined) return found.Id
    throw cannot('open', `the volumes of ${at.service} of ${stack.project}`, 'the service has no container', {
      code: 'preflight',
      hint: `create one without starting it: ${composeLine(stack, `up --no-start ${at.service}`)}`,
    })
  }

  const look = async (at: VolumePath) => {
    const id = await containerOf(at)
    const path = at.path
    const answer = await engine
      .ask(scope, {
        doing: `inspect ${path} of ${at.service}`,
        ask: (docker, abortSignal) =>
          docker.getContainer(id).infoArchive({ path, abortSignal }) as Promise<unknown>,
      })
      .catch(nullIfNotFound)
    const header = (answer as IncomingMessage | null)?.headers['x-docker-container-path-stat']
    return typeof header === 'string' ? { id, ...pathStatOf(header) } : null
  }

  const archiveOf = (id: string, { service, path }: VolumePath): Promise<AsyncIterable<Buffer>> =>
    engine.ask(scope, {
      doing: `read ${path} of ${service}`,
      // The request's own signal no longer counts once the response has begun.
      ask: async (docker) =>
        (await docker
          .getContainer(id)
          .getArchive({ path, abortSignal: scope.signal })) as unknown as AsyncIterable<Buffer>,
    })

  /**
   * @throws RunbookError `failed` if it is not a regular file, or changes its length or disappears meanwhile
   */
  const readChunks = async (
    at: VolumePath,
    use: (chunk: Buffer) => Promise<void> | void,
    maxBytes = Number.POSITIVE_INFINITY,
  ): Promise<FileDigest> => {
    const seen = await look(at)
    if (seen === null || kindOf(seen) !== 'file') {
      throw cannot(
        'read',
        `${at.path} of ${at.service}`,
        seen === null ? 'no such file' : 'not a regular file',
        { code: 'failed', hint: lookAt(at) },
      )
    }
    if (seen.size > maxBytes)
      throw cannot('read', `${at.path} of ${at.service}`, `it is larger than ${maxBytes} bytes`, {
        code: 'failed',
        hint: 'check the path',
      })
    const hash = createHash('sha256')
    let bytes = 0
    await eachChunk(await archiveOf(seen.id, at), async (chunk) => {
      scope.signal.throwIfAborted()
      hash.update(chunk)
      bytes += chunk.length
      await use(chunk)
      scope.progress({ done: bytes, total: Math.max(seen.size, bytes), unit: 'bytes' })
    }).catch((thrown: unknown) => {
      scope.signal.throwIfAborted()
      if (thrown instanceof RunbookError) throw thrown
      throw cannot('read', `${at.path} of ${at.service} to the end`, null, {
        code: 'failed',
        cause: thrown,
        hint: 'check: docker info',
      })
    })
    return { sha256: hash.digest('hex'), bytes }
  }

  const help = async (at: VolumePath, script: string, words: readonly string[]): Promise<void> => {
    const id = await containerOf(at)
    await runHelper({ engine, scope, container: id, service: at.service, paths: words, script, words })
  }

  const identity = async (at: VolumePath): Promise<string | null> => {
    if (scope.ahead === true) return null
    const container = await containerOf(at)
    if ((await look(at)) === null) return null
    return fileIdentity({ engine, scope, container, at })
  }

  const putFile = async (
    { from, body, bytes, modified }: IncomingFile,
    at: VolumePath,
    ownership: Ownership,
  ): Promise<FileDigest> => {
    const id = await containerOf(at)
    const partial = partialPath(at.path)
    const there = await look(at)
    if (there !== null && kindOf(there) === 'directory')
      throw cannot('write', `${at.path} of ${at.service}`, 'it is a folder', {
        code: 'failed',
        hint: 'give the path of a file',
      })
    const hash = createHash('sha256')
    async function* archive(): AsyncGenerator<Buffer> {
      yield headOf(posix.basename(partial), bytes, ownership, modified)
      let done = 0
      for await (const chunk of body) {
        const part = chunk.subarray(0, bytes - done)
        done += part.length
        hash.update(part)
        scope.progress({ done, total: bytes, unit: 'bytes' })
        yield part
      }
      if (done !== bytes) throw new Error(`${from} became shorter while being read`)
      yield tailOf(bytes)
    }
    const stream = Readable.from(archive(), { objectMode: false })
    const broken = Promise.withResolvers<never>()
    broken.promise.catch(() => undefined)
    stream.once('error', (error) =>
      broken.reject(
        cannot('read', from, null, { code: 'failed', cause: error, hint: `check: ls -l ${shellWord(from)}` }),
      ),
    )
    try {
      await engine.ask(scope, {
        doing: `write ${posix.basename(at.path)} into ${posix.dirname(at.path)} of ${at.service}`,
        changesWithinSeconds: putTimeout,
        ask: (docker, abortSignal) =>
          Promise.race([
            docker.getContainer(id).putArchive(stream, {
              path: posix.dirname(at.path),
              noOverwriteDirNonDir: '1',
              abortSignal,
            } as { path: string }),
            broken.promise,
          ]),
      })
      await help(at, 'mv -f -- "$0" "$1" && sync', [partial, at.path])
      return { sha256: hash.digest('hex'), bytes }
    } catch (thrown) {
      stream.destroy()
      if (!scope.signal.aborted) await help(at, 'rm -f -- "$0"', [partial]).catch(() => undefined)
      throw thrown
    }
  }

  const volumes: Volumes = {
    async stat(at) {
      const seen = await look(at)
      if (seen === null) return null
      const kind = kindOf(seen)
      const owned = await firstHeader(await archiveOf(seen.id, at))
      if (owned === null) return null
      const { uid, gid, mode } = owned
      return {
        kind,
        bytes: kind === 'file' ? seen.size : 0,
        mode,
        uid,
        gid,
        modifiedAt: new Date(seen.mtime).toISOString(),
        link: kind === 'link' ? seen.linkTarget : null,
      }
    },

    async list(at) {
      const seen = await look(at)
      if (seen === null || kindOf(seen) !== 'directory') {
        throw cannot(
          'list',
          `${at.path} of ${at.service}`,
          seen === null ? 'no such folder' : 'not a folder',
          { code: 'failed', hint: lookAt(at, '-ld') },
        )
      }
      const names = new Set<string>()
      await eachMember(await archiveOf(seen.id, at), (member) => {
        // Every name begins with the name of the folder itself.
        const [, name] = member.path.split('/')
        if (name !== undefined && name !== '') names.add(name)
        member.resume()
        return 'next'
      })
      return [...names].sort()
    },

    async read(at, maxBytes) {
      const parts: Buffer[] = []
      await readChunks(at, (chunk) => void parts.push(chunk), maxBytes)
      return new Uint8Array(Buffer.concat(parts))
    },

    digest: (at) => readChunks(at, () => undefined),

    withCopy: (at, endings, use) => withCopy(volumes, at, endings, use),

    identity,

    leftover: async (at) => (await look({ ...at, path: partialPath(at.path) })) !== null,

    async fetch(at, to) {
      const partial = `${to}.partial`
      try {
        const fetched = await (async () => {
          await using file = await open(partial, 'w', 0o600)
          const digest = await readChunks(at, (chunk) => file.writeFile(chunk))
          await file.sync()
          return digest
        })()
        await rename(partial, to)
        await syncFolder(dirname(to))
        return fetched
      } catch (thrown) {
        await unlink(partial).catch(() => undefined)
        throw asFailed(thrown, 'copy', `${at.path} of ${at.service} to ${to}`)
      }
    },

    async put(from, at, ownership) {
      const facts = await stat(from).catch((thrown: unknown) => {
        throw asFailed(thrown, 'read', from)
      })
      // A file that grows meanwhile is cut at the length in the header; the digest shows the difference.
      const body = createReadStream(from, { end: Math.max(0, facts.size - 1) }) as AsyncIterable<Buffer>
      return putFile({ from, body, bytes: facts.size, modified: facts.mtime }, at, ownership)
    },

    write: (at, body, ownership) =>
      putFile(
        {
          from: 'memory',
          body: Readable.from([Buffer.from(body)]),
          bytes: body.length,
          modified: new Date(),
        },
        at,
        ownership,
      ),

    async move(at, to) {
      absolute(to)
      const [from, target] = await Promise.all([look(at), look({ ...at, path: to })])
      if (from === null || target !== null) {
        throw cannot(
          'rename',
          `${at.path} to ${to} in ${at.service}`,
          from === null ? `no such file: ${at.path}` : `${to} already exists`,
          { code: 'failed', hint: lookBeside({ ...at, path: to }) },
        )
      }
      await help(at, 'mv -f -- "$0" "$1" && sync', [at.path, to])
    },

    async remove(at) {
      const there = await look(at)
      if (there !== null && kindOf(there) === 'directory') {
        throw cannot('remove', `${at.path} of ${at.service}`, 'it is a folder', {
          code: 'failed',
          hint: 'give the path of a file',
        })
      }
      if (there === null && (await look({ ...at, path: partialPath(at.path) })) === null) return
      await help(at, 'rm -f -- "$0" "$1" && sync', [at.path, partialPath(at.path)])
    },
  }
  return volumes
}

/** A file to be copied into a volume. */
type IncomingFile = {
  readonly from: string
  readonly body: AsyncIterable<Buffer>
  readonly bytes: number
  readonly modified: Date
}

/** The path of an unfinished `put`. */
const partialPath = (path: string): string =>
  posix.join(posix.dirname(path), `.${posix.basename(path)}.runbook-new`)

function composeStack(stack: Stack): ComposeStack {
  if (stack.kind === 'compose') return stack
  throw cannot('open', `volumes of ${stack.project}`, 'its services are local processes without volumes', {
    code: 'usage',
    hint: 'choose a target with a Compose stack',
  })
}

function absolute(path: string): void {
  if (
    path.startsWith('/') &&
    path !== '/' &&
    !path.includes('\0') &&
    posix.normalize(path) === path &&
    !path.endsWith('/')
  )
    return
  throw new RunbookError(
    'usage',
    `${JSON.stringify(path)} is not an absolute path without ".." and without a trailing slash`,
    { hint: 'give the path of a file in the container, as /data/app.db' },
  )
}

function asFailed(thrown: unknown, doing: string, what: string): unknown {
  if (thrown instanceof RunbookError || !(thrown instanceof Error) || !('code' in thrown)) return thrown
  return cannot(doing, what, thrown.message, {
    code: 'failed',
    cause: thrown,
    hint: 'check the folder and its free space: df -h',
  })
}
