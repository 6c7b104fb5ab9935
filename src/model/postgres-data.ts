/** Where the official image and that of bitnami keep the data, unless PGDATA says otherwise. */
export const usualDataFolders = {
  official: '/var/lib/postgresql/data',
  bitnami: '/bitnami/postgresql',
} as const

/** The data folder of a server, by the variables of its container; null where they are not those of one. */
export function dataFolderIn(variables: ReadonlyMap<string, string>): string | null {
  const named = variables.get('PGDATA')
  if (named !== undefined && named !== '') return named
  return variables.get('BITNAMI_APP_NAME') === 'postgresql' ? usualDataFolders.bitnami : null
}

/** Whether a place in a container is at or above a path in it. */
export const holds = (target: string, path: string): boolean =>
  path === target || path.startsWith(target === '/' ? '/' : `${target}/`)
