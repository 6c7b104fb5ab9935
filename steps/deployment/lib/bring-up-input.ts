import type {
  Creation,
  InstanceCounts,
  ReleaseFolders,
  ServiceGroup,
  ServiceState,
  VersionPin,
} from '../../../src/index.ts'
import type { EditedFile } from '../../config/lib/edited-file.ts'
import type { Wanted } from '../../images/choose-image.ts'
import type { ChosenRelease } from '../../images/choose-release.ts'
import type { MovedNames } from '../../images/retag-images.ts'
import type { TaggedImages } from '../../images/tag-images.ts'
import type { ChosenFolder } from '../../releases/choose-folder.ts'
import type { FetchedImage } from '../../images/fetch-image.ts'
import type { SwitchedLink } from '../../releases/switch-folder.ts'
import type { ValidatedComposeFile } from '../../services/validate-compose-file.ts'

/** A tag passed to one Compose call, overriding the env file. Only runs of earlier versions have it. */
export type GivenTag = Pick<VersionPin, 'variable'> & { readonly value: string | null }

/**
 * What proves the new state of the services, and the choice that leads to it. Each variant requires the
 * output of the steps that make it safe: a release on this machine, a validated copy, a changed file or name
 * that can be restored.
 */
export type BringUp =
  | {
      /** Each service runs the image of the release, by image id. */
      readonly proof: 'image'
      readonly services: ServiceGroup
      readonly release: ChosenRelease | FetchedImage
      readonly choice: MovedNames | TaggedImages | EditedFile | GivenTag
    }
  | {
      /** The same for services of environments, each in its own stack. */
      readonly proof: 'image'
      readonly wanted: Wanted
      readonly choice: TaggedImages
    }
  | {
      /**
       * A service has the release's file, and each was recreated: `up` does not notice that a link has
       * another target.
       */
      readonly proof: 'file'
      readonly services: ServiceGroup
      readonly folders: ReleaseFolders
      readonly release: ChosenFolder
      readonly choice: SwitchedLink
    }
  | {
      /** Nothing differs from what the Compose file declares. */
      readonly proof: 'declaration'
      readonly services: ServiceGroup
      readonly copy: ValidatedComposeFile
      readonly choice: EditedFile
    }
  | {
      /** Each was recreated with the present env file, on the image that it had. */
      readonly proof: 'environment'
      readonly services: ServiceGroup
      readonly choice: EditedFile
    }
  | {
      /**
       * Each runs as the stack's files and images are now. For what no step of the library changed: of the
       * changes, only those of an image name's image can be undone here, so all others are refused.
       */
      readonly proof: 'present'
      readonly services: ServiceGroup
      /** `always`: also those that are up to date. */
      readonly recreate: 'always' | 'outdated'
      readonly choice: null
    }

/** Observed state of a service. Null: not observed, because the proof does not depend on it. */
export type ObservedService = {
  readonly service: string
  readonly state: ServiceState['state']
  readonly imageIds: readonly string[] | null
  readonly instances: readonly string[] | null
  /** Digest of all variables of the running containers. */
  readonly environment: string | null
  /** How each instance was created, by number. Missing in journals of earlier versions. */
  readonly created?: readonly CreatedInstance[]
}

export type CreatedInstance = Pick<
  Creation,
  'number' | 'declaration' | 'createdBy' | 'environment' | 'mounts' | 'networks'
>

/**
 * `shown`: digests of the file that identifies a release, or the services that differ from their declaration.
 */
export type Before = {
  readonly services: readonly ObservedService[]
  readonly shown: readonly (string | null)[]
  /** For the proof `present`: the image that each declared name has. */
  readonly names?: readonly DeclaredName[]
}

/** An image name that a service is declared with, and the image that it names. */
export type DeclaredName = { readonly service: string; readonly name: string; readonly id: string }

/** As many of each as there were, so that a service that somebody scaled keeps its number. */
export const countsOf = (services: readonly ObservedService[]): InstanceCounts =>
  Object.fromEntries(
    services.flatMap(({ service, created = [] }) =>
      created.length === 0 ? [] : [[service, new Set(created.map(({ number }) => number)).size]],
    ),
  )

export const groupsOf = (input: BringUp): readonly ServiceGroup[] =>
  'wanted' in input
    ? input.wanted.images.map(({ environment: { stack, service } }) => ({ stack, names: [service] }))
    : [input.services]

type Choice = BringUp['choice']

export const isGiven = (choice: Choice): choice is GivenTag => choice !== null && 'value' in choice
export const isLink = (choice: Choice): choice is SwitchedLink => choice !== null && 'link' in choice
export const isEdited = (choice: Choice): choice is EditedFile => choice !== null && 'before' in choice

/** The image that a service should run; undefined where the choice names none for it. */
export function imageFor(input: BringUp & { readonly proof: 'image' }, service: string): string | undefined {
  if ('wanted' in input) return movedNames(input).find((one) => one.service === service)?.id
  const { release } = input
  return 'images' in release
    ? (release as ChosenRelease).images.find((one) => one.service === service)?.id
    : (release as FetchedImage).id
}

/** Image names that were moved to other images, by the service that runs them. */
export function movedNames(input: BringUp): readonly DeclaredName[] {
  if ('wanted' in input) {
    return input.wanted.images.flatMap(({ environment: { service, canonical } }) =>
      input.choice.names
        .filter(({ reference }) => reference === canonical)
        .map(({ imageId }) => ({ service, name: canonical, id: imageId })),
    )
  }
  if (input.proof !== 'image') return []
  const { services, choice, release } = input
  if ('names' in choice)
    return (choice as TaggedImages).names.flatMap(({ reference, imageId }) =>
      services.names
        .filter((service) => imageFor(input, service) === imageId)
        .map((service) => ({ service, name: reference, id: imageId })),
    )
  return 'moves' in choice && 'images' in release ? (release as ChosenRelease).images : []
}
