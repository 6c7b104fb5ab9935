import type { BorgStore, StoredObject } from '../../drivers/places.ts'
import { searchedNames } from './name-search.ts'
import type { OpenStore } from './open-store.ts'
import type { StoreDeps } from './places.ts'
import { revealed, storeProgram } from './program.ts'
import type { Signs } from './problems.ts'

const signs: Signs = [
  [/passphrase supplied in .* is incorrect|No key file for repository/i, 'refused'],
  [/Failed to create\/acquire the lock/i, 'locked'],
  [/does not exist|is not a valid repository/i, 'missing'],
]

type Archive = { readonly archive: string; readonly id: string; readonly time: string }
type Item = { readonly type: string; readonly path: string; readonly size: number }

/**
 * Files in the archives of a Borg repository. No lock is taken, so that nothing is written to the repository and a
 * stale lock does not stand in the way: data that is removed meanwhile makes the download fail, since Borg
 * authenticates each piece that it reads.
 */
export async function borgStore(store: BorgStore, deps: StoreDeps): Promise<OpenStore & Disposable> {
  const { repository, passphrase, newest, variables } = store
  const program = storeProgram(
    store,
    {
      program: 'borg',
      variables: {
        ...(await revealed(deps.secrets, { ...variables, BORG_PASSPHRASE: passphrase })),
        BORG_REPO: repository,
        // Its times have no zone.
        TZ: 'UTC',
        // It asks before it reads a repository without encryption for the first time; the configuration says so.
        ...(passphrase === null ? { BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes' } : {}),
      },
      signs,
    },
    deps,
  )

  const archives = async (): Promise<readonly Archive[]> =>
    (
      JSON.parse(
        await program.text({ doing: 'list', args: ['list', '--bypass-lock', '--json', `--last=${newest}`] }),
      ) as { readonly archives: readonly Archive[] }
    ).archives

  return {
    resumes: false,

    async list(pattern) {
      const names = searchedNames(pattern, (text) => text.replaceAll(/[[?*]/g, '[$&]'))
      const found: StoredObject[] = []
      for (const { archive, id, time } of await archives()) {
        const lines = await program.text({
          doing: `search the archive ${archive} of`,
          args: [
            'list',
            '--bypass-lock',
            '--json-lines',
            `--format={type}{path}{size}`,
            `::${archive}`,
            ...names.map((name) => `sh:**/${name}`),
          ],
        })
        for (const line of lines.split('\n').filter((one) => one !== '')) {
          const { type, path, size } = JSON.parse(line) as Item
          if (type !== '-') continue
          found.push({
            key: `${archive}/${path}`,
            bytes: size,
            modifiedAt: new Date(`${time}Z`).toISOString(),
            version: id,
          })
        }
      }
      return found
    },

    // It keeps those of pieces, and checks them when it reads.
    digestOf: async () => null,

    async send(object, _, to) {
      const slash = object.key.indexOf('/')
      await program.stream(
        {
          doing: `fetch ${object.key} from`,
          args: [
            'extract',
            '--bypass-lock',
            '--stdout',
            `::${object.key.slice(0, slash)}`,
            // Not `pf:`, a match of which Borg 1.2 reports as missing.
            `pp:${object.key.slice(slash + 1)}`,
          ],
          code: 'failed',
        },
        to,
      )
    },

    // An archive never changes, but another one can take its name.
    unchanged: async (object) =>
      (await archives()).some(
        ({ archive, id }) => id === object.version && object.key.startsWith(`${archive}/`),
      ),

    [Symbol.dispose]: () => undefined,
  }
}
