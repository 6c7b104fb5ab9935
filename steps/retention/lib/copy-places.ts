import type { Target } from '../../../src/index.ts'
import { folderOf, lastOf } from '../../files/lib/path.ts'

/** Where runs leave copies of a configuration file: `FOLDER/START` and the id of the run. */
export type CopyPlace = { readonly folder: string; readonly start: string }

const beside = (file: string): CopyPlace => ({ folder: folderOf(file), start: `${lastOf(file)}.before-` })

/**
 * Every file of this machine that a run replaces, or that an earlier version copied before editing it. The
 * copy of `pg_hba.conf` is not one of them: it is in its container, and holds no secrets.
 */
export function copyPlacesOf({
  configuration,
  retention,
  exports,
  version,
  imageLine,
  access,
}: Target): readonly CopyPlace[] {
  const files = [configuration, exports, version, imageLine].flatMap((one) =>
    one === undefined ? [] : [one.file],
  )
  const replaced = access === undefined ? [] : [access.daemon.file, access.composeFile]
  return [
    ...[...new Set([...files, ...replaced])].map(beside),
    ...(configuration === undefined || retention === undefined
      ? []
      : [{ folder: retention.dumps, start: `${lastOf(configuration.file)}-` }]),
  ]
}
