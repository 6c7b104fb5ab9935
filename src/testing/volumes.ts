import type { Ownership, VolumeFacts, VolumePath, Volumes } from '../drivers/volumes.ts'
import { RunbookError } from '../kernel/errors.ts'
import { sha256, type JsonObject } from '../kernel/json.ts'
import { kindOn, lay, parentOf, parentsOf, placeOn, type Disk } from './disk.ts'
import type { Fleet } from './services.ts'

export type FakeFile = Ownership & {
  readonly kind: VolumeFacts['kind']
  readonly body: Uint8Array
  readonly link: string | null
}

/** Files in the volumes of each service, by path. Services that share a volume share the same map. */
export type FakeVolumes = Map<string, Map<string, FakeFile>>

export const noVolumes = (): FakeVolumes => new Map()

/**
 * Puts a file into a service's volume, with its folders, as if it had always been there; it is another file than the one
 * that was at that path. The defaults are root and 0644.
 */
export function layInVolume(
  volumes: FakeVolumes,
  service: string,
  path: string,
  body: string | Uint8Array,
  ownership: Partial<Ownership> = {},
): void {
  const files = volumes.get(service) ?? new Map<string, FakeFile>()
  volumes.set(service, files)
  const { uid = 0, gid = 0, mode = 0o644 } = ownership
  for (const parent of parentsOf(path))
    if (!files.has(parent)) files.set(parent, folder({ uid, gid, mode: 0o755 }))
  files.set(path, { kind: 'file', body: Buffer.from(body), link: null, uid, gid, mode })
}

/** As a program writes to the file that is there: it stays the same file. */
export function writeInVolume(
  volumes: FakeVolumes,
  service: string,
  path: string,
  body: string | Uint8Array,
): void {
  const file = volumes.get(service)?.get(path)
  if (file === undefined) throw new Error(`${path} is not in the volumes of ${service}`)
  const written = { ...file, body: Buffer.from(body) }
  identities.set(written, identityOf(file))
  volumes.get(service)?.set(path, written)
}

/** Apart from the files, so that two worlds with the same files are equal. */
const identities = new WeakMap<FakeFile, string>()
let made = 0

function identityOf(file: FakeFile): string {
  const known = identities.get(file) ?? `file ${(made += 1)}`
  identities.set(file, known)
  return known
}

const folder = (ownership: Ownership): FakeFile => ({
  kind: 'directory',
  body: new Uint8Array(0),
  link: null,
  ...ownership,
})

export const volumeFacts = (volumes: FakeVolumes): readonly (readonly [string, JsonObject])[] =>
  [...volumes].flatMap(([service, files]) =>
    [...files].map(
      ([path, { body, kind, uid, gid, mode, link }]) =>
        [`${service}:${path}`, { kind, uid, gid, mode, link, body: sha256(body) }] as const,
    ),
  )

export type VolumeParts = {
  readonly volumes: FakeVolumes
  readonly disk: Disk
  readonly fleet: Pick<Fleet, 'services'>
  /** Called half-way through a `put` or `write`. */
  readonly reach?: (moment: string) => Promise<void>
}

export function fakeVolumes({ volumes, disk, fleet, reach = async () => undefined }: VolumeParts): Volumes {
  const filesOf = ({ service }: VolumePath): Map<string, FakeFile> => {
    const known = fleet.services.get(service)
    if (known === undefined)
      throw new RunbookError('usage', `service ${service} not found in the fake stack`, {
        hint: 'add it to the fleet of the test',
      })
    if (known.instance === null)
      throw new RunbookError(
        'preflight',
        `cannot open the volumes of ${service}: the service has no container`,
        {
          hint: 'add an instance of it to the fleet of the test',
        },
      )
    return volumes.get(service) ?? new Map<string, FakeFile>()
  }
  const regular = (at: VolumePath): FakeFile => {
    const found = filesOf(at).get(placeOn(at.path))
    if (found?.kind === 'file') return found
    throw new RunbookError(
      'failed',
      `cannot read ${at.path} of ${at.service}: ${found === undefined ? 'no such file' : 'not a regular file'}`,
      { hint: 'check the volumes of the test' },
    )
  }
  const writable = (at: VolumePath): Map<string, FakeFile> => {
    const files = filesOf(at)
    if (volumes.get(at.service)?.get(parentOf(placeOn(at.path)))?.kind === 'directory') return files
    throw new RunbookError('preflight', `cannot write ${at.path} of ${at.service}: it is in no volume`, {
      hint: 'check the volumes of the test',
    })
  }
  const arrive = async (body: Uint8Array, at: VolumePath, ownership: Ownership, moment: string) => {
    const path = placeOn(at.path)
    const files = writable(at)
    if (files.get(path)?.kind === 'directory')
      throw new RunbookError('failed', `cannot write ${at.path} of ${at.service}: it is a folder`, {
        hint: 'check the volumes of the test',
      })
    const file: FakeFile = { kind: 'file', body: Buffer.from(body), link: null, ...ownership }
    files.set(cutOff(path), { ...file, body: file.body.subarray(0, file.body.length / 2) })
    try {
      await reach(moment)
    } catch (thrown) {
      // A killed process cleans up nothing.
      if (!(thrown instanceof Error && thrown.name === 'Killed')) files.delete(cutOff(path))
      throw thrown
    }
    files.delete(cutOff(path))
    files.set(path, file)
    return digestOf(file)
  }
  const digestOf = ({ body }: FakeFile) => ({ sha256: sha256(body), bytes: body.length })
  return {
    async stat(at) {
      const found = filesOf(at).get(placeOn(at.path))
      if (found === undefined) return null
      const { kind, body, mode, uid, gid, link } = found
      return { kind, bytes: body.length, mode, uid, gid, modifiedAt: '2026-01-01T00:00:00.000Z', link }
    },
    async list(at) {
      const place = placeOn(at.path)
      const files = filesOf(at)
      if (files.get(place)?.kind !== 'directory')
        throw new RunbookError('failed', `cannot list ${at.path} of ${at.service}: not a folder`, {
          hint: 'check the volumes of the test',
        })
      return [...files.keys()]
        .filter((path) => path !== '/' && parentOf(path) === place)
        .map((path) => path.slice(path.lastIndexOf('/') + 1))
        .sort()
    },
    async read(at, maxBytes) {
      const { body } = regular(at)
      if (body.length > maxBytes)
        throw new RunbookError(
          'failed',
          `cannot read ${at.path} of ${at.service}: it is larger than ${maxBytes} bytes`,
          {
            hint: 'check the volumes of the test',
          },
        )
      return Uint8Array.from(body)
    },
    digest: async (at) => digestOf(regular(at)),
    async withCopy(at, endings, use) {
      regular(at)
      const copy = '/tmp/runbook-copy.db'
      const names = ['', ...endings].filter((ending) => filesOf(at).has(placeOn(`${at.path}${ending}`)))
      for (const ending of names)
        disk.files.set(`${copy}${ending}`, regular({ ...at, path: `${at.path}${ending}` }).body)
      try {
        return await use(copy)
      } finally {
        for (const ending of names) disk.files.delete(`${copy}${ending}`)
      }
    },
    async identity(at) {
      const found = filesOf(at).get(placeOn(at.path))
      return found === undefined ? null : identityOf(found)
    },
    leftover: async (at) => filesOf(at).has(cutOff(placeOn(at.path))),
    async fetch(at, to) {
      const file = regular(at)
      const target = placeOn(to)
      disk.beforeChange('write', target)
      if (kindOn(disk, parentOf(target)) !== 'directory')
        throw new RunbookError('failed', `cannot write ${to}: no such file or folder`, {
          hint: 'check the disk of the test',
        })
      lay(disk, target, file.body)
      return digestOf(file)
    },
    async put(from, at, ownership) {
      const body = disk.files.get(placeOn(from))
      if (body === undefined)
        throw new RunbookError('failed', `cannot read ${from}: no such file`, {
          hint: 'add it to the disk of the test',
        })
      return arrive(body, at, ownership, 'put half-way')
    },
    write: (at, body, ownership) => arrive(body, at, ownership, 'write half-way'),
    async move(at, to) {
      const files = writable(at)
      writable({ ...at, path: to })
      const [from, target] = [placeOn(at.path), placeOn(to)]
      const file = files.get(from)
      if (file === undefined || files.has(target)) {
        throw new RunbookError(
          'failed',
          `cannot rename ${from} to ${target} in ${at.service}: ${file === undefined ? 'no such file' : 'already exists'}`,
          { hint: 'check the volumes of the test' },
        )
      }
      files.set(target, file)
      files.delete(from)
    },
    async remove(at) {
      const files = writable(at)
      const path = placeOn(at.path)
      if (files.get(path)?.kind === 'directory')
        throw new RunbookError('failed', `cannot remove ${at.path} of ${at.service}: it is a folder`, {
          hint: 'give the path of a file',
        })
      files.delete(path)
      files.delete(cutOff(path))
    },
  }
}

/** The path of an unfinished `put`. */
const cutOff = (path: string): string =>
  `${parentOf(path) === '/' ? '' : parentOf(path)}/.${path.slice(path.lastIndexOf('/') + 1)}.runbook-new`
