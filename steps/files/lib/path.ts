/** The last part of a path, or of a name with parts like one. */
export const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** The folder above; `/` has itself above it. */
export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'
