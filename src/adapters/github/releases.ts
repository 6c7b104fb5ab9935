import { ZodError } from 'zod'
import type { Asset, HostedRelease, ReleaseHost, Releases } from '../../drivers/releases.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { assetOf, releaseOf, releasesOf, type ReleaseResponse } from './responses.ts'
import { ask, RequestFailed, type ApiResponse, type ApiRequest, type ApiDeps } from './api.ts'
import { receive, downloadTo } from './download.ts'
import { uploadSource, type UploadSource } from './upload-source.ts'
import { isTransient } from './errors.ts'

const perPage = 100
/**
 * Drafts are sorted among the other releases by the age of their commit, so every page is read; GitHub lists
 * no more.
 */
const maxPages = 100
/** Seconds before another upload. */
const pauses = [1, 3]
/** Polls, a second apart, until a new draft is listed. */
const draftPolls = 15

/** Releases on GitHub, or on another host with the same API. */
export function githubReleases(means: ApiDeps): Releases {
  const { scope, clock } = means

  async function asked<T>(
    host: ReleaseHost,
    asking: ApiRequest,
    read: (answer: ApiResponse) => T,
  ): Promise<T> {
    try {
      return read(await ask(means, host, { ...asking, with: { ...named(host), ...asking.with } }))
    } catch (thrown) {
      if (!(thrown instanceof ZodError)) throw thrown
      throw new RunbookError('failed', `cannot ${asking.doing}: unexpected response, not one of GitHub`, {
        hint: `check the address of the API: ${host.api}`,
      })
    }
  }

  async function listed(host: ReleaseHost, tag: string): Promise<readonly ReleaseResponse[]> {
    const found: ReleaseResponse[] = []
    for (let page = 1; page <= maxPages; page += 1) {
      const releases = await asked(
        host,
        {
          doing: `list the releases of ${host.repository}`,
          route: 'GET /repos/{owner}/{repo}/releases',
          with: { per_page: perPage, page },
        },
        ({ data }) => releasesOf(data),
      )
      found.push(...releases.filter((one) => one.tag === tag))
      if (releases.length < perPage) break
    }
    return found.sort((one, other) => other.id - one.id)
  }

  const patched = async (host: ReleaseHost, id: number, draft: boolean): Promise<ReleaseResponse> =>
    asked(
      host,
      {
        doing: draft
          ? `withdraw the release ${id} of ${host.repository}`
          : `publish the release ${id} of ${host.repository}`,
        route: 'PATCH /repos/{owner}/{repo}/releases/{release_id}',
        // `legacy`: the latest release is the one with the highest version, not the one published last.
        with: { release_id: id, draft, ...(draft ? {} : { make_latest: 'legacy' }) },
      },
      ({ data }) => releaseOf(data),
    )

  const removed = async (
    host: ReleaseHost,
    doing: string,
    route: ApiRequest['route'],
    values: ApiRequest['with'],
  ): Promise<void> => {
    await asked(host, { doing, route, with: values ?? {} }, () => undefined).catch((thrown: unknown) => {
      if (!(thrown instanceof RequestFailed) || thrown.refusal.status !== 404) throw thrown
    })
  }

  async function drafted(
    host: ReleaseHost,
    tag: string,
    notes: string,
  ): Promise<ReleaseResponse | undefined> {
    return (await listed(host, tag)).find((one) => one.draft && one.notes.startsWith(notes))
  }

  async function uploaded(
    host: ReleaseHost,
    to: ReleaseResponse,
    name: string,
    source: UploadSource,
  ): Promise<Asset> {
    return asked(
      host,
      {
        doing: `upload ${name} to the release ${to.tag} of ${host.repository}`,
        route: `POST ${to.uploads.replace(/\{.*\}$/, '{?name}')}`,
        with: { name },
        // GitHub refuses a body of unknown length.
        headers: { 'content-type': 'application/octet-stream', 'content-length': source.bytes },
        body: () => source.open((done) => scope.progress({ done, total: source.bytes, unit: 'bytes' })),
      },
      ({ data }) => assetOf(data),
    )
  }

  const body = (host: ReleaseHost, { id, name }: Asset): Promise<AsyncIterable<Uint8Array>> =>
    asked(
      host,
      {
        doing: `fetch ${name} from ${host.repository}`,
        route: 'GET /repos/{owner}/{repo}/releases/assets/{asset_id}',
        with: { asset_id: id },
        headers: { accept: 'application/octet-stream' },
        raw: true,
      },
      ({ data }) => data as AsyncIterable<Uint8Array>,
    )
  const fetching = ({ repository }: ReleaseHost, { name }: Asset) => ({
    scope,
    doing: `fetch ${name} from ${repository}`,
  })

  const releases: Releases = {
    async commitOf(host, tag) {
      return asked(
        host,
        {
          doing: `find tag ${tag} of ${host.repository}`,
          route: 'GET /repos/{owner}/{repo}/commits/{ref}',
          with: { ref: `tags/${tag}` },
          headers: { accept: 'application/vnd.github.sha' },
        },
        ({ data }) => {
          const sha = data instanceof ArrayBuffer ? Buffer.from(data).toString() : String(data)
          if (/^[0-9a-f]{40,64}$/.test(sha)) return sha
          throw cannot('find', `tag ${tag} of ${host.repository}`, 'the response is not a commit', {
            code: 'failed',
            hint: `check the address of the API: ${host.api}`,
          })
        },
      ).catch((thrown: unknown) => {
        if (
          thrown instanceof RequestFailed &&
          (thrown.refusal.status === 422 || thrown.refusal.status === 409)
        )
          return null
        throw thrown
      })
    },

    forTag: async (host, tag) => (await listed(host, tag)).map(bare),

    async latest(host) {
      const reading = {
        doing: `find the latest release of ${host.repository}`,
        route: 'GET /repos/{owner}/{repo}/releases/latest',
      } as const
      return asked(host, reading, ({ data }) => bare(releaseOf(data))).catch(async (thrown: unknown) => {
        if (!(thrown instanceof RequestFailed) || thrown.refusal.status !== 404) throw thrown
        // A missing or invisible repository answers the same, so read it to distinguish them.
        await asked(
          host,
          { ...reading, route: 'GET /repos/{owner}/{repo}/releases', with: { per_page: 1 } },
          ({ data }) => releasesOf(data),
        )
        return null
      })
    },

    fetched: async (host, asset) =>
      receive(await body(host, asset), fetching(host, asset), async () => undefined),
    download: async (host, asset, to) =>
      downloadTo(to, fetching(host, asset).doing, async (take) =>
        receive(await body(host, asset), fetching(host, asset), take),
      ),

    async draft(host, { tag, title, notes, prerelease }) {
      for (let tries = 0; ; tries += 1) {
        try {
          await asked(
            host,
            {
              doing: `create a draft of ${tag} in ${host.repository}`,
              route: 'POST /repos/{owner}/{repo}/releases',
              with: {
                tag_name: tag,
                name: title,
                body: notes,
                draft: true,
                prerelease,
                generate_release_notes: true,
              },
            },
            ({ data }) => releaseOf(data),
          )
        } catch (thrown) {
          if (!isLost(thrown)) throw thrown
          if ((await drafted(host, tag, notes)) === undefined) {
            if (tries > 0) throw thrown
            continue
          }
        }
        for (let polls = 0; polls < draftPolls; polls += 1) {
          const found = await drafted(host, tag, notes)
          if (found !== undefined) return bare(found)
          await clock.sleep(1000, scope.signal)
        }
        throw new RunbookError(
          'failed',
          `the draft of ${tag} was created, but ${host.repository} does not list it`,
          { hint: `check: https://github.com/${host.repository}/releases` },
        )
      }
    },

    async upload(host, { id }, name, from) {
      const source = await uploadSource(from)
      for (let tries = 0; ; tries += 1) {
        const to = await asked(
          host,
          {
            doing: `read the release ${id} of ${host.repository}`,
            route: 'GET /repos/{owner}/{repo}/releases/{release_id}',
            with: { release_id: id },
          },
          ({ data }) => releaseOf(data),
        )
        const there = to.assets.find((one) => one.name === name)
        if (there?.whole === false) await releases.removeAsset(host, there)
        else if (there !== undefined) {
          // The previous upload succeeded, and only its response was lost.
          if (
            tries > 0 &&
            there.bytes === source.bytes &&
            (there.sha256 === null || there.sha256 === (await source.sha256()))
          )
            return there
          throw cannot(
            'upload',
            name,
            `the release ${to.tag} of ${host.repository} has an asset of that name`,
            { code: 'failed', hint: `check: ${to.url}` },
          )
        }
        try {
          return await uploaded(host, to, name, source)
        } catch (thrown) {
          const pause = pauses[tries]
          if (!isLost(thrown) || pause === undefined) throw thrown
          scope.output(
            Buffer.from(
              `${thrown instanceof Error ? thrown.message : String(thrown)}; trying again in ${pause} s\n`,
            ),
          )
          await clock.sleep(pause * 1000, scope.signal)
        }
      }
    },

    removeAsset: (host, { id }) =>
      removed(
        host,
        `remove the asset ${id} of ${host.repository}`,
        'DELETE /repos/{owner}/{repo}/releases/assets/{asset_id}',
        { asset_id: id },
      ),
    publish: async (host, { id }) => bare(await patched(host, id, false)),
    withdraw: async (host, { id }) => bare(await patched(host, id, true)),
    remove: (host, { id }) =>
      removed(
        host,
        `remove the release ${id} of ${host.repository}`,
        'DELETE /repos/{owner}/{repo}/releases/{release_id}',
        { release_id: id },
      ),
  }
  return releases
}

function named({ repository }: ReleaseHost): { readonly owner: string; readonly repo: string } {
  const [owner = '', repo = ''] = repository.split('/')
  return { owner, repo }
}

const bare = ({ id, tag, draft, url, notes, assets }: ReleaseResponse): HostedRelease => ({
  id,
  tag,
  draft,
  url,
  notes,
  assets,
})

/** The response was lost, so the request may have taken effect. */
const isLost = (thrown: unknown): boolean => thrown instanceof RequestFailed && isTransient(thrown.refusal)
