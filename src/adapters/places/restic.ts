import type { ResticStore, StoredObject } from '../../drivers/places.ts'
import { searchedNames } from './name-search.ts'
import type { OpenStore } from './open-store.ts'
import type { StoreDeps } from './places.ts'
import { revealed, storeProgram } from './program.ts'
import type { Signs } from './problems.ts'

const signs: Signs = [
  [/wrong password or no key found|ciphertext verification failed/i, 'refused'],
  [/repository is already locked|unable to create lock/i, 'locked'],
  [/is there a repository at|unable to open config file|repository does not exist/i, 'missing'],
  [/no matching ID found|not found in snapshot|path .* not found/i, 'gone'],
]

type Snapshot = { readonly id: string; readonly time: string }
type Found = {
  readonly snapshot: string
  readonly matches: readonly { readonly path: string; readonly type: string; readonly size?: number }[] | null
}

/**
 * Files in the snapshots of a restic repository. No lock is taken, so that nothing is written to the repository and
 * a stale lock does not stand in the way: data that is removed meanwhile makes the download fail, since restic
 * checks the hash of each piece that it reads.
 */
export async function resticStore(store: ResticStore, deps: StoreDeps): Promise<OpenStore & Disposable> {
  const { repository, password, host, tag, variables } = store
  const program = storeProgram(
    store,
    {
      program: 'restic',
      variables: {
        ...(await revealed(deps.secrets, { ...variables, RESTIC_PASSWORD: password })),
        RESTIC_REPOSITORY: repository,
      },
      signs,
    },
    deps,
  )
  const filters = [...(host === null ? [] : ['--host', host]), ...(tag === null ? [] : ['--tag', tag])]

  return {
    resumes: false,

    async list(pattern) {
      const snapshots = JSON.parse(
        await program.text({ doing: 'list', args: ['snapshots', '--no-lock', '--json', ...filters] }),
      ) as readonly Snapshot[] | null
      const times = new Map((snapshots ?? []).map(({ id, time }) => [id, time]))
      if (times.size === 0) return []
      const found = JSON.parse(
        await program.text({
          doing: 'search',
          args: [
            'find',
            '--no-lock',
            '--json',
            ...filters,
            '--',
            ...searchedNames(pattern, (text) => text.replaceAll(/[\\[\]?*]/g, String.raw`\$&`)),
          ],
        }),
      ) as readonly Found[] | null
      return (found ?? []).flatMap(({ snapshot, matches }) => {
        const time = times.get(snapshot)
        if (time === undefined) return []
        return (matches ?? [])
          .filter(({ type }) => type === 'file')
          .map(({ path, size = 0 }): StoredObject => ({
            key: `${snapshot.slice(0, 8)}${path}`,
            bytes: size,
            modifiedAt: new Date(time).toISOString(),
            version: snapshot,
          }))
      })
    },

    // It keeps those of pieces, and checks them when it reads.
    digestOf: async () => null,

    send: (object, _, to) =>
      program.stream(
        {
          doing: `fetch ${object.key} from`,
          args: ['dump', '--no-lock', '--', object.version, object.key.slice(8)],
          code: 'failed',
        },
        to,
      ),

    // A snapshot never changes.
    unchanged: async () => true,

    [Symbol.dispose]: () => undefined,
  }
}
