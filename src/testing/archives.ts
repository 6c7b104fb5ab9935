import { posix } from 'node:path'
import type { ArchiveFacts, ArchiveLimits, Archives, Packing } from '../drivers/archives.ts'
import type { Secrets } from '../drivers/secrets.ts'
import { RunbookError } from '../kernel/errors.ts'
import { sha256 } from '../kernel/json.ts'
import { isEncryption } from '../formats/dumps/wrapping.ts'
import { excluded } from '../formats/exclusion.ts'
import { dumpBytes, readDump } from './fake-dump.ts'
import { membersOf, unpackable, type FakeMember } from './packed-members.ts'
import { kindOn, parentOf, parentsOf, placeOn, spend, treeOn, type Disk } from './disk.ts'

export type { FakeMember }

/** In bytes, as for real archives. */
const longestHead = 16 * 1024

const archiveMark = 'a pretended archive:'
const encryptedMark = 'a pretended encrypted file:'

/** The bytes of an archive for the in-memory disk; cut them off or change them to damage it. */
export const archiveOf = (members: readonly FakeMember[]): Uint8Array =>
  Buffer.from(archiveMark + JSON.stringify(members))

/** The bytes of an encrypted file for the in-memory disk; only this passphrase decrypts it. */
export const encrypted = (plain: Uint8Array, passphrase: string): Uint8Array =>
  Buffer.from(
    encryptedMark +
      JSON.stringify({ passphrase, plain: Buffer.from(plain).toString('base64'), sha256: sha256(plain) }),
  )

export function fakeArchives(disk: Disk, secrets: Pick<Secrets, 'reveal'>): Archives {
  const inspect = (file: string, limits: ArchiveLimits): readonly [ArchiveFacts, readonly FakeMember[]] => {
    const members = parsed(disk, file, archiveMark) as readonly FakeMember[]
    return [factsOf(file, members, limits), members]
  }
  return {
    inspect: async (file, limits) => inspect(placeOn(file), limits)[0],
    async find(file, limits, names) {
      return inspect(placeOn(file), limits)[1]
        .filter(({ kind, name }) => kind === 'file' && excluded(posix.basename(name), names))
        .map(({ name, body = '' }) => {
          const bytes = Buffer.from(body)
          return {
            path: placeOn(`/${name}`).slice(1),
            head: bytes.subarray(0, longestHead).toString(),
            complete: bytes.length <= longestHead,
          }
        })
        .toSorted((one, other) => (one.path < other.path ? -1 : 1))
    },
    async extract(file, into, limits, verified) {
      const to = placeOn(into)
      const [facts, members] = inspect(placeOn(file), limits)
      mustBeVerified(disk, placeOn(file), verified)
      disk.beforeChange('extract', to)
      const kind = kindOn(disk, to)
      if ((kind !== null && kind !== 'directory') || treeOn(disk, to).length > 1) {
        throw new RunbookError('failed', `cannot extract to ${to}: already exists`, {
          hint: 'give a folder that is empty or does not exist',
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
    async decrypt(file, to, passphrase, verified) {
      const target = placeOn(to)
      const secret = await secrets.reveal(passphrase)
      const held = parsed(disk, placeOn(file), encryptedMark) as {
        readonly passphrase: string
        readonly plain: string
        readonly sha256: string
      }
      mustBeVerified(disk, placeOn(file), verified)
      if (held.passphrase !== secret.reveal()) throw refused(file, 'the passphrase is wrong')
      disk.beforeChange('decrypt', target)
      if (kindOn(disk, target) !== null)
        throw new RunbookError('failed', `cannot decrypt to ${target}: already exists`, {
          hint: 'remove it',
        })
      const plain = Buffer.from(held.plain, 'base64')
      if (sha256(plain) !== held.sha256) throw refused(file, 'damaged')
      spend(disk, plain.length, target)
      disk.files.set(target, plain)
    },
    async unwrap(file, to, { sha256: expected, passphrase }) {
      const [source, target] = [placeOn(file), placeOn(to)]
      const body = disk.files.get(source)
      const { wrapped = [], ...plain } = readDump(source, body)
      if (wrapped.some(isEncryption)) {
        if (passphrase === null)
          throw new RunbookError('preflight', `${source} is encrypted, and no passphrase is configured`, {
            hint: 'give the passphrase',
          })
        await secrets.reveal(passphrase)
      }
      disk.beforeChange('unwrap', target)
      if (kindOn(disk, target) !== null)
        throw new RunbookError('failed', `cannot unpack to ${target}: already exists`, { hint: 'remove it' })
      const found = sha256(body ?? '')
      if (expected !== null && expected !== found)
        throw refused(source, `it has the digest ${found}, not ${expected}`)
      const bytes = wrapped.length === 0 ? (body ?? new Uint8Array(0)) : dumpBytes(plain)
      spend(disk, bytes.length, target)
      disk.files.set(target, bytes)
      return { file: target, sha256: sha256(bytes), bytes: bytes.length, wrapped }
    },
    async encrypt(file, to, passphrase) {
      const [source, target] = [placeOn(file), placeOn(to)]
      const secret = (await secrets.reveal(passphrase)).reveal()
      if (secret === '' || /[\r\n\0]/.test(secret))
        throw new RunbookError('preflight', 'the passphrase must be a single non-empty line', {
          hint: 'set another one',
        })
      const plain = disk.files.get(source)
      if (plain === undefined)
        throw new RunbookError('failed', `cannot encrypt ${source}: no such file`, {
          hint: 'add it to the disk of the test',
        })
      disk.beforeChange('encrypt', target)
      if (kindOn(disk, target) !== null)
        throw new RunbookError('failed', `cannot encrypt to ${target}: already exists`, {
          hint: 'remove it',
        })
      if (!disk.folders.has(parentOf(target)))
        throw new RunbookError('failed', `cannot encrypt to ${target}: no such file or folder`, {
          hint: 'create the folder',
        })
      const body = encrypted(plain, secret)
      spend(disk, body.length, target)
      disk.files.set(target, body)
      return { file: target, sha256: sha256(body), size: body.length }
    },
    async packable(packing) {
      factsWithin(packing, membersOf(disk, packing, null))
    },
    async pack(packing, given) {
      const to = placeOn(given)
      if (packing.as.includes('/') || packing.as === '..' || packing.as === '') {
        throw new RunbookError(
          'usage',
          `${JSON.stringify(packing.as)} is not a valid top folder of an archive`,
          { hint: 'give the name of one folder, or .' },
        )
      }
      const found = seenBefore(disk, packing, to)
      disk.beforeChange('pack', to)
      if (kindOn(disk, to) !== null)
        throw new RunbookError('failed', `cannot pack into ${to}: already exists`, {
          hint: 'remove it',
        })
      if (!disk.folders.has(parentOf(to))) throw unpackable(to, 'no such file or folder')
      const members = membersOf(disk, packing, to)
      const facts = factsWithin(packing, members)
      const body = archiveOf(members)
      spend(disk, body.length, to)
      disk.files.set(to, body)
      return {
        ...facts,
        file: to,
        sha256: sha256(body),
        size: body.length,
        notes: [],
        changed: found === null ? [] : changedIn(packing, found, members),
      }
    },
  }
}

/** Null for what cannot be packed, as the packing itself will say. */
function seenBefore(disk: Disk, packing: Packing, to: string): readonly FakeMember[] | null {
  try {
    return membersOf(disk, packing, to)
  } catch {
    return null
  }
}

function changedIn(
  { as }: Packing,
  before: readonly FakeMember[],
  after: readonly FakeMember[],
): readonly string[] {
  const stateIn = (members: readonly FakeMember[]): ReadonlyMap<string, string> =>
    new Map(members.map(({ name, ...state }) => [name, JSON.stringify(state)]))
  const [was, is] = [stateIn(before), stateIn(after)]
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((name) => was.get(name) !== is.get(name))
    .map((name) => name.slice(as.length + 1).replace(/\/$/, ''))
    .toSorted()
}

function factsWithin({ folder, limits }: Packing, members: readonly FakeMember[]): ArchiveFacts {
  try {
    return factsOf(folder, members, limits)
  } catch (thrown) {
    throw unpackable(
      folder,
      `the archive could not be extracted: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    )
  }
}

const refused = (file: string, why: string): RunbookError =>
  new RunbookError('verification', `archive ${file} is refused: ${why}`, { hint: 'use another backup' })

function mustBeVerified(disk: Disk, file: string, verified: string | undefined): void {
  const found = sha256(disk.files.get(file) ?? '')
  if (verified !== undefined && found !== verified)
    throw refused(
      file,
      `it is not the file that this run verified: its SHA-256 was ${verified}, and is ${found}`,
    )
}

function parsed(disk: Disk, file: string, start: string): unknown {
  const body = disk.files.get(file)
  if (body === undefined)
    throw new RunbookError('failed', `cannot read ${file}: no such file or folder`, {
      hint: 'add it to the disk of the test',
    })
  const text = Buffer.from(body).toString()
  try {
    if (text.startsWith(start)) return JSON.parse(text.slice(start.length))
  } catch {
    // Truncated or changed: refused as damaged below.
  }
  throw refused(file, 'damaged')
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
      throw refused(file, `"${name}" is deeper than the ${limits.maxDepth} folders allowed`)
    const path = parts.join('/')
    if (seen.has(path) && (kind === 'file' || seen.get(path) === 'file'))
      throw refused(file, `"${name}" occurs twice`)
    if (parts.some((_, depth) => depth > 0 && seen.get(parts.slice(0, depth).join('/')) === 'file'))
      throw refused(file, `"${name}" is below a file`)
    for (let depth = 1; depth < parts.length; depth++) seen.set(parts.slice(0, depth).join('/'), 'folder')
    if (path !== '') seen.set(path, kind)
    bytes += Buffer.byteLength(body ?? '')
  }
  const named = members.filter(({ name }) => placeOn(`/${name}`) !== '/')
  if (named.length === 0) throw refused(file, 'it is empty')
  if (named.length > limits.maxMembers)
    throw refused(file, `it has more members than allowed (${limits.maxMembers})`)
  if (bytes > limits.maxBytes)
    throw refused(file, `its unpacked size is more than the ${limits.maxBytes} bytes allowed`)
  const tops = [...seen].filter(
    ([path, kind]) =>
      !path.includes('/') && (kind !== 'file' || !path.startsWith('._') || !seen.has(path.slice(2))),
  )
  const [top] = tops
  return { members: named.length, bytes, top: tops.length === 1 && top?.[1] === 'folder' ? top[0] : null }
}
