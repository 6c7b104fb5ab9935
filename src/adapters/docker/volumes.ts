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
import { RunbookError } from '../../kernel/errors.ts'
import { syncFolder } from '../disk/durable.ts'
import { dockerEngine, nullWhereGone, type DockerEngine } from './connection.ts'
import { containersOf } from './containers.ts'
import { runHelper } from './volume-helper.ts'
import { eachPiece, firstHeader, headOf, kindOf, members, pathStatOf, tailOf } from './volume-archive.ts'

/** Seconds that a file may take on its way in. */
const longestPut = 3_600

/**
 * Files in the volumes of Compose services, over the archive API of the engine, which works on a container that is stopped or was never
 * started, where `docker exec` does not. That API can neither rename nor remove: a helper container from the service's own image with its
 * volumes does. Needs `sh`, `mv`, `rm` and `sync` in that image.
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
    throw new RunbookError(
      'preflight',
      `${at.service} of ${stack.project} has no container, so nobody can look into its volumes`,
      {
        hint: `make one without starting it: docker compose --project-name ${stack.project}${stack.files.map((file) => ` --file ${file}`).join('')} up --no-start ${at.service}`,
      },
    )
  }

  const look = async (at: VolumePath) => {
    const id = await containerOf(at)
    const path = at.path
    const answer = await engine
      .ask(scope, {
        doing: `look at ${path} of ${at.service}`,
        ask: (docker, abortSignal) =>
          docker.getContainer(id).infoArchive({ path, abortSignal }) as Promise<unknown>,
      })
      .catch(nullWhereGone)
    const header = (answer as IncomingMessage | null)?.headers['x-docker-container-path-stat']
    return typeof header === 'string' ? { id, ...pathStatOf(header) } : null
  }

  const archiveOf = (id: string, { service, path }: VolumePath): Promise<AsyncIterable<Buffer>> =>
    engine.ask(scope, {
      doing: `read ${path} of ${service}`,
      // The signal of the question itself ends with the answer's first byte.
      ask: async (docker) =>
        (await docker
          .getContainer(id)
          .getArchive({ path, abortSignal: scope.signal })) as unknown as AsyncIterable<Buffer>,
    })

  /** @throws RunbookError `failed` for what is no regular file, and for one that changes its length or vanishes meanwhile */
  const pieces = async (
    at: VolumePath,
    use: (piece: Buffer) => Promise<void> | void,
    maxBytes = Number.POSITIVE_INFINITY,
  ): Promise<FileDigest> => {
    const seen = await look(at)
    if (seen === null || kindOf(seen) !== 'file') {
      throw new RunbookError(
        'failed',
        `cannot read ${at.path} of ${at.service}: it is ${seen === null ? 'not there' : 'no regular file'}`,
        { hint: `docker compose exec ${at.service} ls -l ${at.path}` },
      )
    }
    if (seen.size > maxBytes)
      throw new RunbookError(
        'failed',
        `${at.path} of ${at.service} has more than the ${maxBytes} bytes that are allowed here`,
        { hint: 'is it the right path?' },
      )
    const hash = createHash('sha256')
    let bytes = 0
    await eachPiece(await archiveOf(seen.id, at), async (piece) => {
      scope.signal.throwIfAborted()
      hash.update(piece)
      bytes += piece.length
      await use(piece)
      scope.progress({ done: bytes, total: Math.max(seen.size, bytes), unit: 'bytes' })
    }).catch((thrown: unknown) => {
      scope.signal.throwIfAborted()
      if (thrown instanceof RunbookError) throw thrown
      throw new RunbookError('failed', `could not read ${at.path} of ${at.service} to its end`, {
        cause: thrown,
        hint: 'docker info',
      })
    })
    return { sha256: hash.digest('hex'), bytes }
  }

  const help = async (at: VolumePath, script: string, words: readonly string[]): Promise<void> => {
    const id = await containerOf(at)
    await runHelper({ engine, scope, container: id, service: at.service, paths: words, script, words })
  }

  const arrive = async (
    { from, body, bytes, modified }: Arriving,
    at: VolumePath,
    ownership: Ownership,
  ): Promise<FileDigest> => {
    const id = await containerOf(at)
    const beside = cutOff(at.path)
    const there = await look(at)
    if (there !== null && kindOf(there) === 'directory')
      throw new RunbookError('failed', `${at.path} of ${at.service} is a folder`, {
        hint: 'name a file in it',
      })
    const hash = createHash('sha256')
    async function* archive(): AsyncGenerator<Buffer> {
      yield headOf(posix.basename(beside), bytes, ownership, modified)
      let done = 0
      for await (const piece of body) {
        const part = piece.subarray(0, bytes - done)
        done += part.length
        hash.update(part)
        scope.progress({ done, total: bytes, unit: 'bytes' })
        yield part
      }
      if (done !== bytes) throw new Error(`${from} became shorter while it was read`)
      yield tailOf(bytes)
    }
    const stream = Readable.from(archive(), { objectMode: false })
    const broken = Promise.withResolvers<never>()
    broken.promise.catch(() => undefined)
    stream.once('error', (error) =>
      broken.reject(
        new RunbookError('failed', `could not read ${from}`, { cause: error, hint: `ls -l ${from}` }),
      ),
    )
    try {
      await engine.ask(scope, {
        doing: `put ${posix.basename(at.path)} into ${posix.dirname(at.path)} of ${at.service}`,
        changesWithinSeconds: longestPut,
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
      await help(at, 'mv -f -- "$0" "$1" && sync', [beside, at.path])
      return { sha256: hash.digest('hex'), bytes }
    } catch (thrown) {
      stream.destroy()
      if (!scope.signal.aborted) await help(at, 'rm -f -- "$0"', [beside]).catch(() => undefined)
      throw thrown
    }
  }

  return {
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
        throw new RunbookError(
          'failed',
          `cannot list ${at.path} of ${at.service}: it is ${seen === null ? 'not there' : 'no folder'}`,
          { hint: `docker compose exec ${at.service} ls -ld ${at.path}` },
        )
      }
      const names = new Set<string>()
      await members(await archiveOf(seen.id, at), (member) => {
        // All names begin with that of the folder itself.
        const [, name] = member.path.split('/')
        if (name !== undefined && name !== '') names.add(name)
        member.resume()
        return 'go on'
      })
      return [...names].sort()
    },

    async read(at, maxBytes) {
      const parts: Buffer[] = []
      await pieces(at, (piece) => void parts.push(piece), maxBytes)
      return new Uint8Array(Buffer.concat(parts))
    },

    digest: (at) => pieces(at, () => undefined),

    leftover: async (at) => (await look({ ...at, path: cutOff(at.path) })) !== null,

    async fetch(at, to) {
      const partial = `${to}.partial`
      try {
        const fetched = await (async () => {
          await using file = await open(partial, 'w', 0o600)
          const digest = await pieces(at, (piece) => file.writeFile(piece))
          await file.sync()
          return digest
        })()
        await rename(partial, to)
        await syncFolder(dirname(to))
        return fetched
      } catch (thrown) {
        await unlink(partial).catch(() => undefined)
        throw asFailed(thrown, `could not copy ${at.path} of ${at.service} to ${to}`)
      }
    },

    async put(from, at, ownership) {
      const facts = await stat(from).catch((thrown: unknown) => {
        throw asFailed(thrown, `could not read ${from}`)
      })
      // What grows meanwhile is cut at the length that the header states; the digest tells it.
      const body = createReadStream(from, { end: Math.max(0, facts.size - 1) }) as AsyncIterable<Buffer>
      return arrive({ from, body, bytes: facts.size, modified: facts.mtime }, at, ownership)
    },

    write: (at, body, ownership) =>
      arrive(
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
        throw new RunbookError(
          'failed',
          `could not rename ${at.path} to ${to} in ${at.service}: ${from === null ? 'it is not there' : 'something is there already'}`,
          { hint: `docker compose exec ${at.service} ls -l ${posix.dirname(to)}` },
        )
      }
      await help(at, 'mv -f -- "$0" "$1" && sync', [at.path, to])
    },

    async remove(at) {
      const there = await look(at)
      if (there !== null && kindOf(there) === 'directory') {
        throw new RunbookError(
          'failed',
          `${at.path} of ${at.service} is a folder, and only files are removed`,
          { hint: 'name a file' },
        )
      }
      if (there === null && (await look({ ...at, path: cutOff(at.path) })) === null) return
      await help(at, 'rm -f -- "$0" "$1" && sync', [at.path, cutOff(at.path)])
    },
  }
}

/** A file on its way in. */
type Arriving = {
  readonly from: string
  readonly body: AsyncIterable<Buffer>
  readonly bytes: number
  readonly modified: Date
}

/** What an unfinished `put` is called. */
const cutOff = (path: string): string =>
  posix.join(posix.dirname(path), `.${posix.basename(path)}.runbook-new`)

function composeStack(stack: Stack): ComposeStack {
  if (stack.kind === 'compose') return stack
  throw new RunbookError(
    'usage',
    `the services of ${stack.project} are plain processes, which have no volumes`,
    { hint: 'name a target with a Compose stack' },
  )
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
    `${JSON.stringify(path)} is no absolute path in a container without "..", and without a slash at its end`,
  )
}

function asFailed(thrown: unknown, doing: string): unknown {
  if (thrown instanceof RunbookError || !(thrown instanceof Error) || !('code' in thrown)) return thrown
  return new RunbookError('failed', `${doing}: ${thrown.message}`, {
    cause: thrown,
    hint: 'look at the folder and its free space: df -h',
  })
}
