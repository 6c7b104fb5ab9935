import { defineStep, isPending, say, type ServiceGroup } from '../../src/index.ts'
import { bytesOfVersion, type EarlierVersion } from './earlier-version.ts'
import { replacing } from './lib/edit-file-step.ts'
import type { ReplacedFile } from './lib/edited-file.ts'

type Input = {
  readonly file: string
  readonly version: EarlierVersion
  /** Those that run with it; nothing else of their stack may change. */
  readonly services: ServiceGroup
}

/**
 * Replaces a configuration file by an earlier version and keeps the present one beside it. Mode and owner
 * stay. Undone to the exact bytes.
 * @throws RunbookError `failed` where the file changed meanwhile; `preflight` where Compose would also change
 * something other than the settings of the services
 */
export const replaceConfig = defineStep<Input, ReplacedFile, ReplacedFile>({
  kind: 'config.replace',
  version: 1,
  effect: 'change',
  describe: ({ file, version }) =>
    say`Replaces ${file} by ${isPending(version) ? version : version.from}, and keeps the old file under another name.`,
  predict: ({ input: { file, version }, before }) => ({
    output: before ?? null,
    changes:
      before === undefined || isPending(version) || isPending(file)
        ? []
        : [say`${file} has the contents of ${version.from}`, say`the old file is kept as ${before.kept}`],
  }),
  ...replacing<Input>({
    place: ({ file }) => ({ file }),
    body: (look, { version }) => bytesOfVersion(look, version),
    shown: ({ version }) => version.replaces,
    // Journals of earlier versions name no services.
    scope: ({ services }: { readonly services?: ServiceGroup }) =>
      services === undefined ? undefined : { services, of: 'settings' },
  }),
})
