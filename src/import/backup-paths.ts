/** What the path of a file says of it, as far as a name can. */

const inBackups = /(^|[/_.-])(backups?|dumps?|snapshots?|kept)(?=[/_.-]|$)/i

/** A dump of a database, by its ending. */
export const isDump = (path: string): boolean => /\.(dump|pgdump|sql)(\.\w+)*$/i.test(path)

/** A copy of a SQLite file, or its rows as SQL; encrypted or packed too. */
export const isDatabaseCopy = (path: string): boolean => /\.(db|sqlite3?|sql)(\.\w+)*$/i.test(path)

/** A packed folder. */
export const isArchive = (path: string): boolean => /\.(tar(\.\w+)*|t[gx]z(\.\w+)*)$/i.test(path)

/** A backup of data: a dump, or a file in a folder of backups. */
export const isBackup = (path: string): boolean =>
  !path.startsWith('-') && path.includes('/') && (isDump(path) || inBackups.test(path))

/** A copy that was made before something was replaced: by a folder of backups, or an ending that says so. */
export const isKeptCopy = (path: string): boolean =>
  inBackups.test(path) || /\.(bak|old|orig|kept|save)\b|\$\(date|\d{8}/.test(path)

/** A folder for what is not kept. */
export const isTransient = (directory: string): boolean => /^(?:\/var)?\/tmp(?:\/|$)/.test(directory)

/** The paths that a text names, with placeholders such as `<dumpfile>` in them; addresses are none. */
export const pathsIn = (text: string): readonly string[] =>
  text.replaceAll(/\w+:\/\/\S+/g, ' ').match(/(?<![\w:/.])[\w.~<>*-]*(?:\/[\w.<>*-]+)+/g) ?? []
