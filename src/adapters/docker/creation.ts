import type { Creation, Mount } from '../../drivers/services.ts'
import { digestOf } from '../../kernel/json.ts'
import { dataFolderIn, holds } from '../../model/postgres-data.ts'
import { byTarget } from './compose-config.ts'
import type { InspectedContainer } from './container-state.ts'
import { labels } from './containers.ts'

/** The part of `docker inspect` that tells how a container was created. */
export type CreatedContainer = InspectedContainer & {
  readonly Config: { readonly Labels?: { readonly [name: string]: string }; readonly Tty?: boolean }
  readonly Mounts?: readonly {
    readonly Type: string
    readonly Name?: string | undefined
    readonly Source: string
    readonly Destination: string
  }[]
  readonly NetworkSettings?: { readonly Networks?: { readonly [name: string]: unknown } }
}

export function creationOf(service: string, container: CreatedContainer): Creation {
  const { Id, Config, NetworkSettings } = container
  return {
    service,
    instance: Id,
    number: Number(Config.Labels?.[labels.number] ?? 0),
    files: filesOf(container),
    declaration: Config.Labels?.[labels.configHash] ?? null,
    createdBy: createdBy(container),
    environment: digestOf([...(Config.Env ?? [])].toSorted()),
    mounts: mountsOf(container),
    ...unkeptIn(container),
    networks: Object.keys(NetworkSettings?.Networks ?? {}).toSorted(),
  }
}

/** Compose (2.26) hashes the dependencies too, and `up --no-deps` leaves out those that are not named. */
const createdBy = ({ Config }: CreatedContainer): string | null => {
  const version = Config.Labels?.[labels.version]
  return version === undefined ? null : `${version} ${Config.Labels?.[labels.dependsOn] ?? ''}`.trim()
}

/** Names of the services on which it depended when it was created: `db:service_healthy:false,…`. */
export const dependenciesOf = ({ Config }: CreatedContainer): readonly string[] =>
  (Config.Labels?.[labels.dependsOn] ?? '').split(',').flatMap((one) => {
    const [name = ''] = one.split(':')
    return name === '' ? [] : [name]
  })

/** Compose joins the paths with commas. */
const filesOf = ({ Config }: CreatedContainer): readonly string[] =>
  (Config.Labels?.[labels.configFiles] ?? '').split(',').filter((file) => file !== '')

/** Docker names an anonymous volume by 64 hexadecimal digits; Compose carries it over to the successor. */
const isAnonymous = (name: string): boolean => /^[0-9a-f]{64}$/.test(name)

const mountsOf = ({ Mounts = [] }: CreatedContainer): readonly Mount[] =>
  Mounts.flatMap(({ Type, Name = '', Source, Destination: target }): readonly Mount[] => {
    if (Type === 'bind') return [{ kind: 'folder', source: Source, target }]
    return Type === 'volume' && !isAnonymous(Name) ? [{ kind: 'volume', source: Name, target }] : []
  }).toSorted(byTarget)

/** A mount of another kind, such as of memory, was chosen by somebody. */
function unkeptIn({ Config, Mounts = [] }: CreatedContainer): Pick<Creation, 'unkept'> {
  const folder = dataFolderIn(
    new Map(
      (Config.Env ?? []).map((line) => {
        const [name = '', ...value] = line.split('=')
        return [name, value.join('=')]
      }),
    ),
  )
  if (folder === null) return {}
  const [mount] = Mounts.filter(({ Destination }) => holds(Destination, folder)).toSorted(
    (one, other) => other.Destination.length - one.Destination.length,
  )
  if (mount === undefined) return { unkept: { folder, in: 'instance' } }
  return mount.Type === 'volume' && isAnonymous(mount.Name ?? '') ? { unkept: { folder, in: 'volume' } } : {}
}
