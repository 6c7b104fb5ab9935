import type { RcloneStore, StoredDigest, StoredObject } from '../../drivers/places.ts'
import type { OpenStore } from './open-store.ts'
import type { StoreDeps } from './places.ts'
import { revealed, storeProgram } from './program.ts'
import type { Signs } from './problems.ts'

/** Folders of dates are three deep at most. */
const depth = 4

const signs: Signs = [
  [/didn't find section in config file|directory not found|bucket .* not found|NoSuchBucket/i, 'missing'],
  [/object not found|no such file/i, 'gone'],
  [/couldn't decrypt configuration|unable to decrypt|invalid_grant|login authentication failed/i, 'refused'],
]

/** One line of `rclone lsjson` (rclone.org/commands/rclone_lsjson). */
type Listed = {
  readonly Path: string
  readonly Size: number
  readonly ModTime: string
  readonly Hashes?: { readonly [algorithm: string]: string }
}

/** Files of anything that rclone reaches. */
export async function rcloneStore(store: RcloneStore, deps: StoreDeps): Promise<OpenStore & Disposable> {
  const { remote, config, variables } = store
  const program = storeProgram(
    store,
    { program: 'rclone', variables: await revealed(deps.secrets, variables), signs },
    deps,
  )
  const every = [
    ...(config === null ? [] : ['--config', config]),
    '--ask-password=false',
    '--contimeout=15s',
    '--timeout=60s',
    '--retries=1',
    '--low-level-retries=3',
  ]
  const at = ({ key }: StoredObject): string =>
    remote.endsWith(':') ? `${remote}${key}` : `${remote.replace(/\/$/, '')}/${key}`
  const stat = async (object: StoredObject, doing: string, more: readonly string[]): Promise<Listed> =>
    JSON.parse(
      await program.text({
        doing,
        args: ['lsjson', '--stat', '--no-mimetype', ...more, ...every, '--', at(object)],
      }),
    ) as Listed

  return {
    resumes: true,

    async list() {
      const text = await program.text({
        doing: 'list',
        args: [
          'lsjson',
          '--recursive',
          // One list of all instead of one a folder, where the place offers it.
          '--fast-list',
          `--max-depth=${depth}`,
          '--files-only',
          '--no-mimetype',
          ...every,
          '--',
          remote,
        ],
      })
      return (JSON.parse(text) as readonly Listed[]).map((one) => ({
        key: one.Path,
        bytes: one.Size,
        modifiedAt: new Date(one.ModTime).toISOString(),
        version: versionOf(one),
      }))
    },

    async digestOf(object) {
      // Where hashes are slow, the files would be read to their last byte for them: the place keeps none.
      const features = JSON.parse(
        await program.text({
          doing: 'read the features of',
          args: ['backend', 'features', ...every, '--', remote],
        }),
      ) as { readonly Features?: { readonly SlowHash?: boolean } }
      if (features.Features?.SlowHash === true) return null
      return digestIn((await stat(object, `read the checksum of ${object.key} in`, ['--hash'])).Hashes ?? {})
    },

    send: (object, offset, to) =>
      program.stream(
        {
          doing: `fetch ${object.key} from`,
          args: ['cat', `--offset=${offset}`, ...every, '--', at(object)],
          code: 'failed',
        },
        to,
      ),

    async unchanged(object) {
      return versionOf(await stat(object, `look at ${object.key} in`, [])) === object.version
    },

    [Symbol.dispose]: () => undefined,
  }
}

const versionOf = ({ ModTime, Size }: Listed): string => `${new Date(ModTime).toISOString()} ${Size}`

function digestIn(hashes: NonNullable<Listed['Hashes']>): StoredDigest | null {
  for (const algorithm of ['sha256', 'sha1', 'md5'] as const) {
    const hex = hashes[algorithm]
    if (hex !== undefined && /^[0-9a-f]+$/.test(hex)) return { algorithm, hex }
  }
  return null
}
