/** Last segment of a path, or of a name with slashes. */
export const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Parent folder; that of `/` is `/`. */
export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'
