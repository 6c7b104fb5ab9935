import { posix } from 'node:path'
import type { ServiceFacts, ServiceMount } from './facts.ts'

export const sqliteName = /\.(?:db|db3|sqlite|sqlite3)$/i

/** Where programs that are often self-hosted keep their SQLite database, as their documentation says. */
const known: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\/)vaultwarden\/server$|(?:^|\/)vaultwarden$/, '/data/db.sqlite3'],
  [/(?:^|\/)gitea\/gitea$/, '/data/gitea/gitea.db'],
  [/(?:^|\/)uptime-kuma$/, '/app/data/kuma.db'],
  [/(?:^|\/)linkding$/, '/etc/linkding/data/db.sqlite3'],
  [/(?:^|\/)memos$/, '/var/opt/memos/memos_prod.db'],
  [/(?:^|\/)pocketbase$/, '/pb_data/data.db'],
  [/(?:^|\/)headscale$/, '/var/lib/headscale/db.sqlite'],
  [/(?:^|\/)n8n$/, '/home/node/.n8n/database.sqlite'],
  [/(?:^|\/)grafana(?:-oss|-enterprise)?$/, '/var/lib/grafana/grafana.db'],
]

/** Paths in the container at which the variables, the command or the image of a service say a SQLite file is. */
export const sqlitePathsOf = (service: ServiceFacts): readonly string[] =>
  namedPathsOf(service).filter((path) => mountOf(path, service.mounts) !== null)

/** The same, of files that a new container begins without: in no mount, or in a volume that has no name. */
export const unkeptPathsOf = (service: ServiceFacts): readonly string[] =>
  namedPathsOf(service).filter((path) => mountOf(path, service.mounts) === null)

function namedPathsOf({ image, environment, words }: ServiceFacts): readonly string[] {
  const said = [...Object.values(environment), ...words].flatMap(pathsIn)
  const repository = (image ?? '')
    .toLowerCase()
    .replace(/@.*$/, '')
    .replace(/:[^:/]*$/, '')
  const usual = known.flatMap(([pattern, path]) => (pattern.test(repository) ? [path] : []))
  return [...new Set([...said, ...usual].map((path) => posix.normalize(path)))]
}

/** `sqlite:////data/shop.db`, `sqlite:///data/shop.db`, `file:/data/shop.db`, `--db=/data/shop.db`. */
const pathsIn = (text: string): readonly string[] =>
  [
    ...text.matchAll(
      /(?:^|[\s=:,"'])(?:\w+:(?:\/\/)?)?\/*(\/[\w./@ -]*\.(?:db|db3|sqlite|sqlite3))(?=$|[\s?,;"'])/gi,
    ),
  ].map(([, path = '']) => path)

/** The mount that holds a path, and the rest of the path in it. */
export function mountOf(
  path: string,
  mounts: readonly ServiceMount[],
): { readonly mount: ServiceMount; readonly rest: string } | null {
  const [mount] = mounts
    .filter(({ target }) => path === target || path.startsWith(target === '/' ? '/' : `${target}/`))
    .toSorted((one, other) => other.target.length - one.target.length)
  return mount === undefined ? null : { mount, rest: path.slice(mount.target.length).replace(/^\//, '') }
}

/** Services that have the file in a mount of theirs too. */
export const sharing = (
  path: string,
  of: ServiceFacts,
  services: readonly ServiceFacts[],
): readonly string[] => {
  const held = mountOf(path, of.mounts)?.mount
  return services
    .filter(({ mounts }) =>
      mounts.some(({ kind, source }) => held !== undefined && kind === held.kind && source === held.source),
    )
    .map(({ name }) => name)
}
