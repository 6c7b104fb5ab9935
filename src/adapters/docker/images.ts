import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Dockerode from 'dockerode'
import type { ArchivedImage, Image, Images } from '../../drivers/images.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { place, trustParents } from '../disk/place.ts'
import { fileError } from '../disk/errors.ts'
import { syncFolder } from '../disk/durable.ts'
import { shell } from '../process/shell.ts'
import { lastLine } from './compose.ts'
import { dockerEngine, nullIfNotFound, type DockerEngine } from './connection.ts'
import { readImageArchive } from './image-archive.ts'

/** Seconds to tag or untag, on a busy machine. */
const tagTimeout = 60
/** Seconds to save or load an image; the step's own timeout is usually shorter. */
const transferTimeout = 6 * 3600
/** Two blocks of zeros: a tar file without members, imported as an image without files. */
const emptyTar = Buffer.alloc(1024)

/** Images of the Docker daemon. */
export function dockerImages({
  scope,
  engine = dockerEngine(),
}: {
  readonly scope: Scope
  readonly engine?: DockerEngine
}): Images {
  const find = (reference: string): Promise<Image | null> =>
    engine
      .ask(scope, {
        doing: `inspect image ${reference}`,
        ask: async (docker) => imageOf(await docker.getImage(reference).inspect()),
      })
      .catch(nullIfNotFound)
  const mustFind = async (reference: string): Promise<Image> => {
    const found = await find(reference)
    if (found !== null) return found
    throw new RunbookError('failed', `image ${reference} not found on this machine`, {
      hint: 'check: docker images',
    })
  }
  const removeName = (reference: string, force: boolean): Promise<void> =>
    engine
      .ask(scope, {
        doing: `remove ${reference}`,
        changesWithinSeconds: tagTimeout,
        ask: async (docker) => void (await docker.getImage(reference).remove({ force, noprune: true })),
      })
      .catch((thrown: unknown) => void nullIfNotFound(thrown))

  const users = async (id: string): Promise<readonly string[]> => {
    const using = await engine.ask(scope, {
      doing: `list the containers of image ${id}`,
      ask: (docker, abortSignal) =>
        docker.listContainers({ all: true, filters: { ancestor: [id] }, abortSignal }),
    })
    return using.map(({ Names: [name], Id }) => name?.replace(/^\//, '') ?? Id).sort()
  }

  return {
    find,
    users,
    async list(repository) {
      const found = await engine.ask(scope, {
        doing: `list the images of ${repository}`,
        ask: (docker, abortSignal) =>
          docker.listImages({
            filters: { reference: [repository] },
            abortSignal,
          } as Dockerode.ListImagesOptions),
      })
      const images = await Promise.all([...new Set(found.map(({ Id }) => Id))].map(find))
      return images
        .filter((one) => one !== null)
        .sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1))
    },
    digests: (reference) =>
      engine
        .ask(scope, {
          doing: `inspect image ${reference}`,
          ask: async (docker) => registryDigests(await docker.getImage(reference).inspect()),
        })
        .catch(nullIfNotFound),
    archived: (file) => readImageArchive(file, scope),

    async tag(id, reference) {
      await mustFind(id)
      const { repo, tag } = splitReference(reference)
      await engine.ask(scope, {
        doing: `tag ${id} as ${reference}`,
        changesWithinSeconds: tagTimeout,
        ask: async (docker) => void (await docker.getImage(id).tag({ repo, tag })),
      })
    },

    async untag(reference) {
      const image = await find(reference)
      if (image === null) return
      // Docker removes an image with its last tag, so the tag is first moved to an empty image, which is then
      // removed.
      if (image.tags.length <= 1) {
        await engine.ask(scope, {
          doing: `untag ${reference}`,
          changesWithinSeconds: tagTimeout,
          ask: async (docker) =>
            finished(
              docker,
              await docker.importImage(
                Readable.from([emptyTar]) as unknown as string,
                splitReference(reference),
              ),
            ),
        })
      }
      await removeName(reference, false)
    },

    async remove(id) {
      const image = await find(id)
      if (image === null) return
      const [using] = await users(id)
      if (using !== undefined) {
        throw cannot('remove', `image ${id}`, `it is used by container ${using}`, {
          code: 'failed',
          hint: `check: docker ps --all --filter ancestor=${id}`,
        })
      }
      await removeName(image.id, true)
    },

    async save(reference, file) {
      const at = place(file)
      const partial = `${at}.partial`
      const image = await mustFind(reference)
      try {
        await trustParents(at)
        await rm(partial, { force: true })
        await engine.ask(scope, {
          doing: `save ${reference}`,
          changesWithinSeconds: transferTimeout,
          ask: async (docker, signal) =>
            pipeline(
              counted(await docker.getImage(reference).get(), image.bytes, scope),
              createWriteStream(partial, { flags: 'wx', mode: 0o600 }),
              { signal },
            ),
        })
        await syncFile(partial)
        // Docker writes an error into the middle of the file and still reports success.
        const archived = (await readImageArchive(partial, scope)).find(({ ids }) => ids.includes(image.id))
        if (archived === undefined)
          throw new RunbookError('verification', `image ${image.id} not found in ${partial}`, {
            hint: 'try again',
          })
        await rename(partial, at)
        await syncFolder(dirname(at))
        return archived
      } catch (thrown) {
        await rm(partial, { force: true }).catch(() => undefined)
        scope.signal.throwIfAborted()
        throw fileError(`cannot save ${reference} as`, at, thrown)
      }
    },

    async load(file) {
      const at = place(file)
      const archived = await readImageArchive(at, scope)
      await engine.ask(scope, {
        doing: `load ${at}`,
        changesWithinSeconds: transferTimeout,
        ask: async (docker, abortSignal) => {
          const source = createReadStream(at, { highWaterMark: 1 << 20 })
          try {
            await finished(docker, await docker.loadImage(source, { quiet: true, abortSignal }))
          } finally {
            source.destroy()
          }
        },
      })
      return Promise.all(archived.map((one) => loaded(one, at)))
    },

    async pull(reference) {
      const ended = await shell.run(
        { argv: ['docker', 'pull', '--quiet', reference], env: engine.environment },
        scope,
      )
      if (ended.exitCode !== 0) {
        throw cannot('pull', reference, lastLine(ended.stderrTail) || `exit code ${ended.exitCode}`, {
          code: 'failed',
          hint: `try: docker pull ${reference}`,
        })
      }
      return mustFind(reference)
    },
  }

  async function loaded({ ids }: ArchivedImage, file: string): Promise<Image> {
    for (const id of ids) {
      const found = await find(id)
      if (found !== null) return found
    }
    throw new RunbookError('failed', `image ${ids.join(' or ')} not found after loading ${file}`, {
      hint: 'check: docker images',
    })
  }
}

function imageOf({ Id, RepoTags, Config, Created, Size }: Dockerode.ImageInspectInfo): Image {
  // Older daemons list an untagged layer this way.
  const tags = (RepoTags ?? []).filter((tag) => tag !== '<none>:<none>').sort()
  return {
    id: Id,
    tags,
    labels: Config.Labels ?? {},
    createdAt: new Date(Created).toISOString(),
    bytes: Size,
  }
}

/** Older daemons list an untagged layer with a name of their own. */
const registryDigests = ({ RepoDigests }: Dockerode.ImageInspectInfo): readonly string[] =>
  (RepoDigests ?? []).filter((digest) => !digest.startsWith('<none>@')).sort()

/** Splits a reference into repository and tag. A colon before the last slash precedes a registry's port. */
export function splitReference(reference: string): { readonly repo: string; readonly tag: string } {
  const colon = reference.lastIndexOf(':')
  if (colon <= reference.lastIndexOf('/')) return { repo: reference, tag: 'latest' }
  return { repo: reference.slice(0, colon), tag: reference.slice(colon + 1) }
}

/** Reads a progress stream to its end: Docker reports an error in the middle of it. */
const finished = (docker: Dockerode, answer: NodeJS.ReadableStream): Promise<void> =>
  new Promise((resolve, reject) =>
    docker.modem.followProgress(answer, (error) => (error === null ? resolve() : reject(error))),
  )

function counted(stream: NodeJS.ReadableStream, total: number, scope: Scope): NodeJS.ReadableStream {
  let done = 0
  stream.on('data', (chunk: Buffer) => {
    done += chunk.length
    scope.progress({ done, total: Math.max(total, done), unit: 'bytes' })
  })
  return stream
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r')
  await file.sync()
}
