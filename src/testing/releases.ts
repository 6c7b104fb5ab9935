import { dirname } from 'node:path/posix'
import type { Asset, HostedRelease, ReleaseHost, Releases } from '../drivers/releases.ts'
import type { Secrets } from '../drivers/secrets.ts'
import { RunbookError } from '../kernel/errors.ts'
import { sha256 } from '../kernel/json.ts'
import { placeOn, type Disk } from './disk.ts'

export type FakeAsset = { readonly id: number; readonly name: string; body: Uint8Array; whole: boolean }
export type FakeRelease = {
  readonly id: number
  readonly tag: string
  draft: boolean
  readonly prerelease?: boolean
  readonly notes: string
  readonly assets: FakeAsset[]
}

export type FakeRepository = {
  /** Commits by tag. */
  readonly tags: Map<string, string>
  readonly releases: FakeRelease[]
  /** The token that may write to it. */
  token: string
}

/** Repositories of a fake host, by `OWNER/NAME`. */
export type ReleaseShelf = { readonly repositories: Map<string, FakeRepository>; made: number }

export const emptyShelf = (): ReleaseShelf => ({ repositories: new Map(), made: 0 })

/**
 * A repository without releases.
 * @param tags commits by tag
 */
export function fakeRepository(token: string, tags: { readonly [tag: string]: string } = {}): FakeRepository {
  return { token, tags: new Map(Object.entries(tags)), releases: [] }
}

export function fakeReleases(shelf: ReleaseShelf, disk: Disk, secrets: Pick<Secrets, 'reveal'>): Releases {
  const open = async (host: ReleaseHost, doing: string): Promise<FakeRepository> => {
    const token = (await secrets.reveal(host.token)).reveal()
    const repository = shelf.repositories.get(host.repository)
    if (repository === undefined)
      throw new RunbookError(
        'failed',
        `cannot ${doing}: not found in ${host.repository}, or not visible to the token (404)`,
        { hint: 'add the repository to the test' },
      )
    if (repository.token !== token)
      throw new RunbookError('failed', `cannot ${doing}: the token is not accepted (401)`, {
        hint: `give another ${host.token.secret}`,
      })
    return repository
  }
  const find = async (host: ReleaseHost, id: number, doing: string): Promise<FakeRelease> => {
    const found = (await open(host, doing)).releases.find((one) => one.id === id)
    if (found !== undefined) return found
    throw new RunbookError(
      'failed',
      `cannot ${doing}: not found in ${host.repository}, or not visible to the token (404)`,
    )
  }
  const bodyOf = async (host: ReleaseHost, { id, name }: Asset): Promise<Uint8Array> => {
    const asset = (await open(host, `fetch ${name}`)).releases
      .flatMap(({ assets }) => assets)
      .find((one) => one.id === id)
    if (asset !== undefined) return asset.body
    throw new RunbookError(
      'failed',
      `cannot fetch ${name}: not found in ${host.repository}, or not visible to the token (404)`,
    )
  }
  const hostedOf = (host: ReleaseHost, { id, tag, draft, notes, assets }: FakeRelease): HostedRelease => ({
    id,
    tag,
    draft,
    notes,
    url: `https://github.example/${host.repository}/releases/tag/${encodeURIComponent(tag)}`,
    assets: assets.map(assetOf),
  })
  return {
    commitOf: async (host, tag) => (await open(host, `find tag ${tag}`)).tags.get(tag) ?? null,
    forTag: async (host, tag) =>
      (await open(host, 'list the releases')).releases
        .filter((one) => one.tag === tag)
        .map((one) => hostedOf(host, one))
        .reverse(),
    async latest(host) {
      const found = (await open(host, 'find the latest release')).releases.findLast(
        ({ draft, prerelease }) => !draft && prerelease !== true,
      )
      return found === undefined ? null : hostedOf(host, found)
    },
    fetched: async (host, asset) => fingerprintOf(await bodyOf(host, asset)),
    async download(host, asset, to) {
      const body = await bodyOf(host, asset)
      const path = placeOn(to)
      if (disk.files.has(path))
        throw new RunbookError(
          'failed',
          `cannot fetch ${asset.name} from ${host.repository}: ${to} already exists`,
        )
      if (!disk.folders.has(dirname(path)))
        throw new RunbookError(
          'failed',
          `cannot fetch ${asset.name} from ${host.repository} into ${to}: no such file or folder`,
        )
      disk.files.set(path, Uint8Array.from(body))
      return fingerprintOf(body)
    },
    async draft(host, { tag, notes, prerelease }) {
      const { releases } = await open(host, `draft ${tag}`)
      shelf.made += 1
      const made: FakeRelease = {
        id: shelf.made,
        tag,
        draft: true,
        prerelease,
        notes: `${notes}\n\nWhat changed`,
        assets: [],
      }
      releases.push(made)
      return hostedOf(host, made)
    },
    async upload(host, { id, tag }, name, from) {
      const { assets } = await find(host, id, `upload ${name}`)
      const body = 'text' in from ? Buffer.from(from.text) : disk.files.get(placeOn(from.file))
      if (body === undefined)
        throw new RunbookError(
          'failed',
          `cannot upload ${'file' in from ? from.file : name}: it cannot be read`,
        )
      const index = assets.findIndex((one) => one.name === name)
      if (assets[index]?.whole === true)
        throw new RunbookError(
          'failed',
          `cannot upload ${name}: the release ${tag} of ${host.repository} has an asset of that name`,
        )
      if (index >= 0) assets.splice(index, 1)
      shelf.made += 1
      const asset: FakeAsset = { id: shelf.made, name, body: Uint8Array.from(body), whole: true }
      assets.push(asset)
      return assetOf(asset)
    },
    async removeAsset(host, { id }) {
      for (const { assets } of (await open(host, `remove the asset ${id}`)).releases) {
        const at = assets.findIndex((one) => one.id === id)
        if (at >= 0) assets.splice(at, 1)
      }
    },
    async publish(host, { id }) {
      const release = await find(host, id, `publish the release ${id}`)
      const others = (await open(host, 'list the releases')).releases.filter(
        (one) => one !== release && one.tag === release.tag && !one.draft,
      )
      if (others.length > 0)
        throw new RunbookError(
          'failed',
          `cannot publish the release ${id}: refused (422, Validation Failed: tag_name already_exists)`,
        )
      release.draft = false
      return hostedOf(host, release)
    },
    async withdraw(host, { id }) {
      const release = await find(host, id, `withdraw the release ${id}`)
      release.draft = true
      return hostedOf(host, release)
    },
    async remove(host, { id }) {
      const { releases } = await open(host, `remove the release ${id}`)
      const at = releases.findIndex((one) => one.id === id)
      if (at >= 0) releases.splice(at, 1)
    },
  }
}

const fingerprintOf = (body: Uint8Array): { readonly bytes: number; readonly sha256: string } => ({
  bytes: body.length,
  sha256: sha256(body),
})

const assetOf = ({ id, name, body, whole }: FakeAsset): Asset => ({
  id,
  name,
  bytes: body.length,
  sha256: whole ? sha256(body) : null,
  whole,
})

/**
 * As shown by `state()` of a world. IDs are left out: a draft that is created and removed leaves nothing else
 * behind.
 */
export const publishedIn = ({
  repositories,
}: ReleaseShelf): { readonly [repository: string]: readonly string[] } =>
  Object.fromEntries(
    [...repositories].map(([name, { releases }]) => [
      name,
      releases.map(({ tag, draft, assets }) =>
        `${tag} ${draft ? 'draft' : 'published'} ${assets
          .map(({ name: asset, body, whole }) => `${asset} ${whole ? sha256(body) : 'cut'}`)
          .sort()
          .join(' ')}`.trim(),
      ),
    ]),
  )
