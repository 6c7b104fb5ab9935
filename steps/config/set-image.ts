import { defineStep, isPending, RunbookError, say, type Look, type ServiceGroup } from '../../src/index.ts'
import type { FetchedImage } from '../images/fetch-image.ts'
import type { RunningVersion } from '../images/running-version.ts'
import { scopeFindings } from './lib/edit-scope.ts'
import { imageIn, withImage } from './lib/image-line.ts'
import { editing } from './lib/edit-file-step.ts'
import { bytesOf, problemWith, type EditedLine } from './lib/edited-file.ts'

type Input = {
  /** The Compose file that has the image line. */
  readonly file: string
  /** One service. */
  readonly services: ServiceGroup
  readonly release: FetchedImage
  /** What ran, and what the files named, when the release was chosen. Missing in older journals. */
  readonly running?: Pick<RunningVersion, 'declared'>
}

const edits = editing<Input>({
  place: ({ services }) => ({ service: nameOf(services) }),
  value: ({ release }) => release.image,
  shown: ({ running }) => running?.declared,
  scope: ({ services }) => ({ services, of: 'image' }),
})

/** Stands for an image that is not known yet: which places the line reaches does not depend on its value. */
const anyImage = 'runbook.invalid/image:next'

/**
 * Sets the image line of a service in its Compose file to a release and leaves every other byte. Undone to
 * the exact bytes.
 * @throws RunbookError `verification` where no line sets the image, the line sets more than it, or another
 * file overrides it; `preflight` where Compose would also change something else
 */
export const setImage = defineStep<Input, EditedLine, EditedLine>({
  kind: 'config.set-image',
  version: 1,
  effect: 'change',
  describe: ({ file, services, release }) => {
    const names = isPending(services) ? services : services.names
    const image = isPending(release) ? release : release.image
    return say`Sets the image of ${names} in ${file} to ${image}; nothing else in it changes.`
  },
  preflight: async (look, { file, services, release }) => {
    if (isPending(file) || isPending(services)) return []
    const service = nameOf(services)
    const doing = `cannot set the image of ${service} in ${file}`
    return problemWith(file, doing, async () => {
      const body = await bytesOf(look, file)
      // Compose uses the last of several files, so ask it for the effective image.
      await requireDeclared(look, services, imageIn(body, service), file)
      const edit = {
        file,
        body: withImage(body, service, isPending(release) ? anyImage : release.image),
        variables: [],
      }
      return scopeFindings(look, { services, of: 'image' }, edit)
    })
  },
  predict: ({ input: { file, release }, before }) => ({
    output: before ?? null,
    changes:
      isPending(file) || isPending(release) || before === undefined || before.before === before.after
        ? []
        : [`${file} sets image: ${release.image}`],
  }),
  ...edits,
  run: async (io, call) => {
    const edited = await edits.run(io, call)
    await requireDeclared(io, call.input.services, call.input.release.image, call.input.file)
    return edited
  },
})

const nameOf = ({ names }: ServiceGroup): string => {
  const [name] = names
  if (name !== undefined && names.length === 1) return name
  throw new RunbookError('usage', `an image line belongs to one service, and ${names.length} are given`, {
    hint: 'name one service',
  })
}

/** @throws RunbookError `verification` where Compose uses another image than the file's line sets */
async function requireDeclared(
  look: Pick<Look, 'services'>,
  services: ServiceGroup,
  image: string,
  file: string,
): Promise<void> {
  const [declared] = await look.services.declared(services)
  if (declared?.image === image) return
  throw new RunbookError(
    'verification',
    `its line sets ${image}, and Compose uses ${declared?.image ?? 'none'}`,
    {
      hint: `another file of the stack overrides ${file}: set imageLine.file to that file in runbook.config.ts`,
    },
  )
}
