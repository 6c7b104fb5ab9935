/** Last segment of a path, or of a name with slashes. */
export const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Parent folder; that of `/` is `/`. */
export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

/**
 * For files that are committed, which must not show the folders of a machine: the path from a folder, or the
 * last segment of a path outside it.
 */
export const nameWithin = (folder: string, path: string): string =>
  path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : lastOf(path)
