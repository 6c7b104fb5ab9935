import type { ArchiveFacts, ArchiveLimits, Archives, Packing } from '../drivers/archives.ts'
import type { Secrets } from '../drivers/secrets.ts'
import { RunbookError } from '../kernel/errors.ts'
import { sha256 } from '../kernel/json.ts'
import { excludedWithParents } from '../formats/exclusion.ts'
import { kindOn, parentOf, parentsOf, placeOn, spend, treeOn, type Disk } from './disk.ts'

export type FakeMember = {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'symbolic link' | 'hard link' | 'device' | 'pipe'
  readonly body?: string
  /** Defaults to 0644. */
  readonly mode?: number
}

const mark = 'a pretended archive:'
const lock = 'a pretended encrypted file:'

/** The bytes of an archive for the in-memory disk; cut them off or change them to damage it. */
export const archiveOf = (members: readonly FakeMember[]): Uint8Array =>
  Buffer.from(mark + JSON.stringify(members))

/** The bytes of an encrypted file for the in-memory disk; only this passphrase decrypts it. */
export const encrypted = (plain: Uint8Array, passphrase: string): Uint8Array =>
  Buffer.from(
    lock +
      JSON.stringify({ passphrase, plain: Buffer.from(plain).toString('base64'), sha256: sha256(plain) }),
  )

export function fakeArchives(disk: Disk, secrets: Pick<Secrets, 'reveal'>): Archives {
  const inspect = (file: string, limits: ArchiveLimits): readonly [ArchiveFacts, readonly FakeMember[]] => {
    const members = parsed(disk, file, mark, 'the archive') as readonly FakeMember[]
    return [factsOf(file, members, limits), members]
  }
  return {
    inspect: async (file, limits) => inspect(placeOn(file), limits)[0],
    async extract(file, into, limits) {
      const to = placeOn(into)
      const [facts, members] = inspect(placeOn(file), limits)
      disk.beforeChange('extract', to)
      const there = kindOn(disk, to)
      if ((there !== null && there !== 'directory') || treeOn(disk, to).length > 1) {
        throw new RunbookError('failed', `could not extract into ${to}: something is there`, {
          hint: 'name a folder that is empty or does not exist yet',
        })
      }
      spend(disk, facts.bytes, to)
      disk.folders.add(to)
      for (const { name, kind, body } of members) {
        const at = placeOn(`${to}/${name}`)
        for (const parent of parentsOf(at)) disk.folders.add(parent)
        if (kind === 'folder') disk.folders.add(at)
        else disk.files.set(at, Buffer.from(body ?? ''))
      }
      return facts
    },
    async decrypt(file, to, passphrase) {
      const target = placeOn(to)
      const secret = await secrets.reveal(passphrase)
      const held = parsed(disk, placeOn(file), lock, 'the encrypted file') as {
        readonly passphrase: string
        readonly plain: string
        readonly sha256: string
      }
      if (held.passphrase !== secret.reveal()) throw refused(file, 'the passphrase is wrong')
      disk.beforeChange('decrypt', target)
      if (kindOn(disk, target) !== null)
        throw new RunbookError('failed', `could not decrypt to ${target}: something is there already`, {
          hint: 'remove it',
        })
      const plain = Buffer.from(held.plain, 'base64')
      if (sha256(plain) !== held.sha256) throw refused(file, 'it is damaged')
      spend(disk, plain.length, target)
      disk.files.set(target, plain)
    },
    async encrypt(file, to, passphrase) {
      const [source, target] = [placeOn(file), placeOn(to)]
      const secret = (await secrets.reveal(passphrase)).reveal()
      if (secret === '' || /[\r\n\0]/.test(secret))
        throw new RunbookError('preflight', 'a passphrase must be one line that is not empty', {
          hint: 'lay another one',
        })
      const plain = disk.files.get(source)
      if (plain === undefined)
        throw new RunbookError('failed', `could not encrypt ${source}: no such regular file`, {
          hint: 'lay it on the disk of the test',
        })
      disk.beforeChange('encrypt', target)
      if (kindOn(disk, target) !== null)
        throw new RunbookError('failed', `could not encrypt to ${target}: something is there already`, {
          hint: 'remove it',
        })
      if (!disk.folders.has(parentOf(target)))
        throw new RunbookError('failed', `could not encrypt to ${target}: no such file or folder`, {
          hint: 'make the folder',
        })
      const body = encrypted(plain, secret)
      spend(disk, body.length, target)
      disk.files.set(target, body)
      return { file: target, sha256: sha256(body), size: body.length }
    },
    async pack(packing, given) {
      const to = placeOn(given)
      if (packing.as.includes('/') || packing.as === '..' || packing.as === '') {
        throw new RunbookError(
          'usage',
          `an archive cannot hold everything under ${JSON.stringify(packing.as)}`,
          { hint: 'give the name of one folder, or .' },
        )
      }
      disk.beforeChange('pack', to)
      if (kindOn(disk, to) !== null)
        throw new RunbookError('failed', `could not pack into ${to}: something is there already`, {
          hint: 'remove it',
        })
      if (!disk.folders.has(parentOf(to))) throw unpackable(to, 'no such file or folder')
      const members = membersOf(disk, packing, to)
      const facts = factsWithin(packing, members)
      const body = archiveOf(members)
      spend(disk, body.length, to)
      disk.files.set(to, body)
      return { ...facts, file: to, sha256: sha256(body), size: body.length, notes: [] }
    },
  }
}

const unpackable = (folder: string, why: string): RunbookError =>
  new RunbookError('failed', `could not pack ${folder}: ${why}`, { hint: 'look at the disk of the test' })

function factsWithin({ folder, limits }: Packing, members: readonly FakeMember[]): ArchiveFacts {
  try {
    return factsOf(folder, members, limits)
  } catch (thrown) {
    throw unpackable(
      folder,
      `it could not be unpacked again: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    )
  }
}

function membersOf(disk: Disk, { folder, only, as, exclude }: Packing, to: string): readonly FakeMember[] {
  const top = placeOn(folder)
  if (!disk.folders.has(top))
    throw unpackable(top, kindOn(disk, top) === null ? 'no such file or folder' : 'it is no folder')
  const relative = (path: string): string => path.slice(top === '/' ? 1 : top.length + 1)
  const all = treeOn(disk, top)
    .map(relative)
    .filter((path) => path !== '' && placeOn(`${top}/${path}`) !== to)
  const listed = only?.flatMap((path) => [
    ...parentsOf(`/${path}`)
      .slice(1)
      .map((parent) => parent.slice(1)),
    path,
  ])
  for (const path of only ?? []) {
    if (placeOn(`/${path}`) !== `/${path}`) throw unpackable(top, `${path} is no path within it`)
    if (excludedWithParents(path, exclude)) continue
    const kind = kindOn(disk, `${top}/${path}`)
    if (kind === null || kind === 'directory')
      throw unpackable(
        top,
        kind === null ? `${path} is not there` : `${path} is a folder, and a file was to be packed`,
      )
  }
  const wanted = listed === undefined ? all : [...new Set(listed)]
  const paths = wanted.filter((path) => !excludedWithParents(path, exclude)).sort()
  return [
    { name: `${as}/`, kind: 'folder', mode: 0o755 },
    ...paths.map((path): FakeMember => {
      const at = `${top}/${path}`
      if (kindOn(disk, at) === 'directory') return { name: `${as}/${path}/`, kind: 'folder', mode: 0o755 }
      const target = disk.links.get(at)
      const behind =
        target === undefined ? at : placeOn(target.startsWith('/') ? target : `${parentOf(at)}/${target}`)
      const body = disk.files.get(behind)
      if (body === undefined)
        throw unpackable(
          top,
          `${path} is a link to ${kindOn(disk, behind) === null ? 'nothing' : 'a folder'}`,
        )
      if (!behind.startsWith(`${top}/`))
        throw unpackable(top, `${path} is a link out of the folder, to ${behind}`)
      return { name: `${as}/${path}`, kind: 'file', body: Buffer.from(body).toString() }
    }),
  ]
}

const refused = (file: string, why: string): RunbookError =>
  new RunbookError('verification', `${file} is refused: ${why}`, { hint: 'use another backup' })

function parsed(disk: Disk, file: string, start: string, what: string): unknown {
  const body = disk.files.get(file)
  if (body === undefined)
    throw new RunbookError('failed', `could not read ${file}: no such file or folder`, {
      hint: 'lay it on the disk of the test',
    })
  const text = Buffer.from(body).toString()
  try {
    if (text.startsWith(start)) return JSON.parse(text.slice(start.length))
  } catch {
    // Cut off or changed: refused as damaged below.
  }
  throw refused(file, `${what} is damaged`)
}

function factsOf(file: string, members: readonly FakeMember[], limits: ArchiveLimits): ArchiveFacts {
  const seen = new Map<string, FakeMember['kind']>()
  let bytes = 0
  for (const { name, kind, body, mode } of members) {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.')
    if (kind !== 'file' && kind !== 'folder') throw refused(file, `"${name}" is a ${kind}`)
    if (name.startsWith('/')) throw refused(file, `"${name}" is an absolute path`)
    if (parts.includes('..')) throw refused(file, `"${name}" leads out of its folder`)
    if (((mode ?? 0o644) & 0o6000) !== 0) throw refused(file, `"${name}" runs as its owner or group`)
    if (parts.length > limits.maxDepth)
      throw refused(file, `"${name}" lies deeper than the ${limits.maxDepth} folders that are allowed`)
    const path = parts.join('/')
    if (seen.has(path) && (kind === 'file' || seen.get(path) === 'file'))
      throw refused(file, `"${name}" stands in it twice`)
    if (parts.some((_, depth) => depth > 0 && seen.get(parts.slice(0, depth).join('/')) === 'file'))
      throw refused(file, `"${name}" lies below a file`)
    for (let depth = 1; depth < parts.length; depth++) seen.set(parts.slice(0, depth).join('/'), 'folder')
    if (path !== '') seen.set(path, kind)
    bytes += Buffer.byteLength(body ?? '')
  }
  const named = members.filter(({ name }) => placeOn(`/${name}`) !== '/')
  if (named.length === 0) throw refused(file, 'there is nothing in it')
  if (named.length > limits.maxMembers)
    throw refused(file, `it has more than the ${limits.maxMembers} members that are allowed`)
  if (bytes > limits.maxBytes)
    throw refused(file, `unpacked it has more than the ${limits.maxBytes} bytes that are allowed`)
  const tops = [...seen].filter(([path]) => !path.includes('/'))
  const [top] = tops
  return { members: named.length, bytes, top: tops.length === 1 && top?.[1] === 'folder' ? top[0] : null }
}
